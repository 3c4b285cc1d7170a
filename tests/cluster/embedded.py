"""A script that a test runs on its own: it opens an embedded Ray and says what it saw.

Arguments: a file for the findings, in JSON; the end: to `close` the pool, or to `wait` for a kill;
and, when Ray is to be imported before the pool sets anything, `imported`.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cluster import Kind, RayPool
from tests.cluster.collect import finish, items, runs, until
from tests.cluster.tasks import Order, work


def descendants(of: int) -> list[int]:
    """Return the processes below one."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(fields[1])
    found = [of]
    for parent in found:
        found += [pid for pid, above in parents.items() if above == parent]
    return found[1:]


def holding(folder: str) -> list[int]:
    """Return the processes that name a folder in their command line or have a file of it open."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            names = [(path / "cmdline").read_text(encoding="utf-8", errors="replace")]
            names += [str(file.readlink()) for file in (path / "fd").iterdir()]
        except OSError:
            continue
        if any(folder in name for name in names):
            found.append(int(path.name))
    return found


def ray_environment() -> list[str]:
    """Return Ray's settings in the environment; one of them it makes when it is imported."""
    return sorted(name for name in os.environ if "RAY_" in name and name != "RAY_CLIENT_MODE")


def commands(pids: Iterable[int]) -> list[str]:
    """Return what processes run, for messages."""
    return [Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")[:200] for pid in pids]


def main(report: Path, end: str) -> None:
    """Run tasks, one of which kills its worker, and write what there was and what stayed."""
    mark = report.with_suffix(".die")
    mark.touch()
    before = ray_environment()
    pool = RayPool(work, {"name": "shared"})
    pool.submit("a", Order("echo", 1))
    pool.submit("b", Order("die", mark))
    events = finish(pool, "a", "b")

    import ray  # noqa: PLC0415 - only after the pool has set Ray's environment

    node: Any = ray._private.worker._global_node
    session = node.get_session_dir_path()
    pids = sorted({*descendants(os.getpid()), *holding(session)} - {os.getpid()})
    found = {
        "items": items(events, "a"),
        "lost": [e.value.type for e in events if e.kind is Kind.RETRY],
        "session": session,
        "commands": commands(pids),
        "pids": pids,
    }
    report.write_text(json.dumps(found), encoding="utf-8")
    if end == "wait":
        report.with_suffix(".ready").touch()
        time.sleep(600)
    pool.close()
    until(
        lambda: not any(runs(pid) for pid in {*pids, *descendants(os.getpid())}),
        what="the end of Ray's processes",
        seconds=20,
    )
    found |= {"new in the environment": sorted({*ray_environment()} - {*before})}
    report.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    if "imported" in sys.argv:
        importlib.import_module("ray")
    main(Path(sys.argv[1]), sys.argv[2])
