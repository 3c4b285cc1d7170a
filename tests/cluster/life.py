"""A script that a test runs on its own: a program that has handlers, forks and a Ray of its own.

It opens pools before, after and beside these. Arguments: a file for what it saw, in JSON.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from cluster import ClusterError, RayPool
from cluster.process import replaced
from tests.cluster.collect import finish, items
from tests.cluster.embedded import holding, listening, processes
from tests.cluster.tasks import Order, work

PLAIN_HEAD = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster()
cluster.add_node(num_cpus=1, include_dashboard=False)
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""
"""A program that is the head of a cluster without a token, until its standard input ends."""


def terminated(*_: object) -> None:
    """Be the program's own handler of SIGTERM."""


def excepted(*_: object) -> None:
    """Be the program's own hook for exceptions."""


def own() -> dict[str, bool]:
    """Say what is as the program left it."""
    return {
        "SIGTERM": signal.getsignal(signal.SIGTERM) is terminated,
        "excepthook": sys.excepthook is excepted,
        "breakpoint": os.environ.get("PYTHONBREAKPOINT") == "0",
        "faulthandler": not faulthandler.is_enabled(),
    }


def works(**how: Any) -> list[Any]:
    """Return what a task yields on a pool, or how the pool was refused."""
    try:
        with RayPool(work, {"name": "shared"}, **how) as pool:
            pool.submit("a", Order("echo", 1))
            return items(finish(pool, "a"), "a")
    except ClusterError as error:
        return [str(error)]


def in_a_fork(do: Callable[[], list[Any]]) -> tuple[int, list[Any]]:
    """Return the exit status and the findings of a child that does not start anew."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, json.dumps(do()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as found:
        said = json.loads(found.read() or "[]")
    return os.waitpid(child, 0)[1], said


def on_a_plain_cluster() -> list[Any]:
    """Return what a pool does on a cluster that knows no tokens."""
    environment = {name: value for name, value in os.environ.items() if "RAY_" not in name}
    with subprocess.Popen(
        [sys.executable, "-c", PLAIN_HEAD],
        env=environment | {"RAY_AUTH_MODE": "disabled"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as head:
        assert head.stdout is not None
        return works(address=head.stdout.readline().strip())


def stopped_while_it_starts() -> list[str]:
    """Return the folders of Rays that Ctrl-C met before they were up, and that do not go.

    A worker that was killed takes a moment to end on a busy machine.
    """
    node, worker = import_module("ray._private.node").Node, import_module("ray._private.worker")
    sessions: list[str] = []

    def stop(here: Any = None) -> None:
        sessions.append((here or worker._global_node).get_session_dir_path())
        raise KeyboardInterrupt

    for moment in (
        replaced((node, "start_ray_processes", stop)),  # its head runs, its raylet does not
        replaced((worker, "_post_init_hooks", [stop])),  # all that there is runs
    ):
        with moment, suppress(KeyboardInterrupt):
            works()
    assert len(sessions) == 2
    deadline = time.monotonic() + 20
    while (left := [each for each in sessions if holding(each) or Path(each).exists()]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.1)
    return left


def main(report: Path) -> None:
    """Do all of it, and write what there was."""
    signal.signal(signal.SIGTERM, terminated)
    sys.excepthook = excepted
    os.environ["PYTHONBREAKPOINT"] = "0"
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(everywhere)})
    found: dict[str, Any] = {}
    with RayPool(work, {"name": "shared"}) as pool:
        import ray  # noqa: PLC0415 - only after the pool has set Ray's environment

        node: Any = ray._private.worker._global_node
        session = Path(node.get_session_dir_path())
        outer = session.parent.parent
        found |= {
            "own, meanwhile": own(),
            "slots": pool.slots,
            "folder": str(outer),
            "mode": stat.filemode(outer.stat().st_mode),
            "longest socket": max(len(os.fsencode(path)) for path in session.glob("sockets/*")),
            "hosts": sorted({door.rpartition(":")[0] for door in listening(processes(session))}),
            "a second pool": works(),
        }
    os.sched_setaffinity(0, everywhere)
    found |= {"own, after": own(), "folder stays": outer.exists()}
    found["in a fork"] = in_a_fork(works)
    ray.init(address="local", include_dashboard=False, num_cpus=1, log_to_driver=False)
    found |= {"its own Ray": ray.get(ray.put(17)), "beside its own Ray": works()}
    ray.shutdown()
    for name in ("RAY_AUTH_MODE", "RAY_USAGE_STATS_ENABLED"):  # Ray's own doing
        os.environ.pop(name, None)
    found["after its own Ray"] = works()
    found["on a plain cluster"] = on_a_plain_cluster()
    found["stopped, and there"] = stopped_while_it_starts()
    found["after all"] = works()
    report.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
