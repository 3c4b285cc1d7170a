"""A script that a test runs on its own: the head of its cluster hangs, and it lives on.

Arguments: a file to leave; unless Ray is embedded, also the cluster's address and the head's
process.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from cluster import ClusterLostError, RayPool
from tests.cluster.collect import items, read
from tests.cluster.conftest import OURS
from tests.cluster.tasks import Order, work

LONGER = 75.0
"""Seconds; Ray ends a process that has asked a lost head for a minute."""


def main(mark: Path, address: str | None, head: int) -> None:
    """Lose the cluster, leave it, and print why it was lost and that the process is still there."""
    mark.touch()
    ours = OURS if address else ()
    with RayPool(work, {"name": "shared"}, address=address, py_modules=ours) as pool:
        pool.submit("a", Order("hold", mark))
        read(pool, lambda events: items(events, "a"))
        if not head:
            import ray  # noqa: PLC0415 - only after the pool has set Ray's environment

            node: Any = ray._private.worker._global_node
            (process,) = node.all_processes["gcs_server"]
            head = process.process.pid
        os.kill(head, signal.SIGSTOP)
        try:
            while True:
                pool.poll(1.0)
        except ClusterLostError as error:
            print(error, flush=True)  # noqa: T201 - what the test reads
    time.sleep(LONGER)
    print("still there")  # noqa: T201


if __name__ == "__main__":
    where, pid = sys.argv[2:] or (None, 0)
    main(Path(sys.argv[1]), where, int(pid))
