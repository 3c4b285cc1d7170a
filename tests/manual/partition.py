"""The driver of `partition.sh`: `python partition.py ADDRESS NAMESPACE LINK`.

A task runs on the node in the namespace; the link to it is taken down, and another node joins; the
times are printed at which the pool gives the attempt up and the task ends at another one.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from cluster import Event, Kind, RayPool
from tests.cluster.tasks import Order, work

DEADLINE = 600.0


def main(address: str, space: str, link: str) -> None:
    """Cut the link, add a node, and print what was noticed when."""
    mark = Path(tempfile.mkdtemp()) / "hold"
    mark.touch()

    def until(pool: RayPool, kind: Kind) -> tuple[float, Event]:
        start = time.monotonic()
        while time.monotonic() - start < DEADLINE:
            for event in pool.poll(1.0):
                if event.kind is kind:
                    return time.monotonic() - start, event
        raise SystemExit(f"error: no {kind} within {DEADLINE:.0f} s")

    def add_node(head: str) -> None:
        ray = Path(sys.executable).with_name("ray")
        words = [
            str(ray),
            "start",
            f"--address={head}",
            f"--node-ip-address={head.partition(':')[0]}",
        ]
        subprocess.run([*words, "--num-cpus=1"], check=True, stdout=subprocess.DEVNULL)

    with RayPool(work, {"name": "shared"}, address=address) as pool:
        pool.submit("a", Order("hold", mark))
        until(pool, Kind.ITEM)
        subprocess.run(["ip", "-n", space, "link", "set", link, "down"], check=True)  # noqa: S607
        seconds, event = until(pool, Kind.RETRY)
        print(f"partition: the attempt was given up after {seconds:.0f} s ({event.value.type})")
        mark.unlink()
        add_node(address)
        seconds, event = until(pool, Kind.DONE)
        print(
            f"another node joined: the task was done {seconds:.0f} s later, attempt {event.attempt}"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
