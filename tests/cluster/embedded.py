"""A script that a test runs on its own: it opens an embedded Ray and says what it saw.

Arguments: a file for the findings, in JSON; the end: to `close` the pool, or to `wait` for a kill;
and, when Ray is to be imported before the pool sets anything, `imported`.
"""

from __future__ import annotations

import contextlib
import importlib
import ipaddress
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cluster import Event, Kind, RayPool
from tests.cluster.collect import items, runs, until
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


def processes(session: Path) -> set[int]:
    """Return this process and those that belong to an embedded Ray."""
    return {os.getpid(), *descendants(os.getpid()), *holding(str(session))}


def listening(pids: Iterable[int]) -> dict[str, int]:
    """Return the addresses at which processes listen, with the processes."""
    sockets = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            for file in Path(f"/proc/{pid}/fd").iterdir():
                sockets[str(file.readlink())] = pid
    found = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text(encoding="utf-8").splitlines()[1:]:
            fields = line.split()
            owner = sockets.get(f"socket:[{fields[9]}]")
            if fields[3] == "0A" and owner is not None:
                host, port = fields[1].split(":")
                found[f"{_host(host)}:{int(port, 16)}"] = owner
    return found


def _host(written: str) -> str:
    """Return an address as people write it, from the words of 32 bits that Linux shows."""
    words = [bytes.fromhex(written[start : start + 8])[::-1] for start in range(0, len(written), 8)]
    address = ipaddress.ip_address(b"".join(words))
    return str(getattr(address, "ipv4_mapped", None) or address)


def strangers(pids: Iterable[int]) -> set[str]:
    """Return the remote addresses, none of this machine's own, to which processes are connected."""
    sockets = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            sockets |= {str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()}
    lines = [
        line.split()
        for table in ("tcp", "tcp6", "udp", "udp6")
        for line in Path(f"/proc/net/{table}").read_text(encoding="utf-8").splitlines()[1:]
    ]
    ends = [(f[1].split(":")[0], f[2].split(":")) for f in lines if f"socket:[{f[9]}]" in sockets]
    own = {local for local, _ in ends}
    return {host for _, (host, port) in ends if port != "0000" and host not in own}


def commands(pids: Iterable[int]) -> list[str]:
    """Return what processes run, for messages."""
    return [Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")[:200] for pid in pids]


def knock(doors: dict[str, int]) -> dict[str, list[str]]:
    """Return what each address answers to somebody without the token, in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if "RAY_" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "tests.cluster.knock", *doors],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    answers: dict[str, list[str]] = json.loads(done.stdout)
    return answers


def main(report: Path, end: str) -> None:
    """Run tasks, one of which kills its worker, and write what there was and what stayed."""
    mark = report.with_suffix(".die")
    mark.touch()
    before = ray_environment()
    pool, seen = RayPool(work, {"name": "shared"}), set[str]()
    pool.submit("a", Order("echo", 1))
    pool.submit("b", Order("die", mark))
    events: list[Event] = []
    while not {"a", "b"} <= {event.key for event in events if event.kind is Kind.DONE}:
        events += pool.poll(0.1)
        seen |= strangers([os.getpid(), *descendants(os.getpid())])

    import ray  # noqa: PLC0415 - only after the pool has set Ray's environment

    node: Any = ray._private.worker._global_node
    session = node.get_session_dir_path()
    pids = sorted(processes(session) - {os.getpid()})
    found = {
        "items": items(events, "a"),
        "lost": [e.value.type for e in events if e.kind is Kind.RETRY],
        "session": session,
        "commands": commands(pids),
        "pids": pids,
        "doors": knock(listening([os.getpid(), *pids])),
        "strangers": sorted(seen),
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
