"""The driver of `partition.sh`: `python partition.py ADDRESS NAMESPACE LINK`.

A task runs on the node in the namespace; the link to it is taken down; the times are printed at
which the pool gives the attempt up and, the link up again, the task ends at another attempt.
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
    """Cut the link, mend it, and print what was noticed when."""
    mark = Path(tempfile.mkdtemp()) / "hold"
    mark.touch()

    def until(pool: RayPool, kind: Kind) -> tuple[float, Event]:
        start = time.monotonic()
        while time.monotonic() - start < DEADLINE:
            for event in pool.poll(1.0):
                if event.kind is kind:
                    return time.monotonic() - start, event
        raise SystemExit(f"error: no {kind} within {DEADLINE:.0f} s")

    def set_link(state: str) -> None:
        subprocess.run(["ip", "-n", space, "link", "set", link, state], check=True)  # noqa: S607

    with RayPool(work, {"name": "shared"}, address=address) as pool:
        pool.submit("a", Order("hold", mark))
        until(pool, Kind.ITEM)
        set_link("down")
        seconds, event = until(pool, Kind.RETRY)
        print(f"partition: the attempt was given up after {seconds:.0f} s ({event.value.type})")
        set_link("up")
        mark.unlink()
        seconds, event = until(pool, Kind.DONE)
        print(f"mended: the task was done {seconds:.0f} s later, at attempt {event.attempt}")


if __name__ == "__main__":
    main(*sys.argv[1:])
