"""A watch over the cluster, kept by a thread of the driver's own.

When its head dies Ray says nothing for a minute, and then ends the driver's process without an
exception; when the raylet on the driver's machine dies, after a quarter of one. The thread finds
out before: it opens a connection to both, and asks the head for its resources. It alone talks to
the head, so that a head that hangs holds up nobody else.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cluster.errors import ClusterLostError

PERIOD = 1.0
"""Seconds from question to question."""
REFUSED_SECONDS = 5.0
"""How long the head's closed door is believed to open again. No process listens behind it."""
ENDED_SECONDS = 1.0
"""The same of the raylet on the driver's machine, which never comes back: once the head has taken
note, Ray ends the driver, after 15 s or, with settings against partitions, after 6 s."""
SILENT_SECONDS = 18.0
"""How long an answer may take: a network that drops everything, or a head that hangs."""
LONGEST_LOOK = 2.0
"""A driver that was itself stopped for long has not waited for an answer for that long."""


class Door(NamedTuple):
    """Where a process listens."""

    host: str
    port: int
    patience: float
    """Seconds for which it may be closed."""


class Watch:
    """Knows the cluster's resources, and whether the cluster is still there.

    Parameters
    ----------
    doors
        Where each process listens that the driver cannot do without, by its name.
    ask
        Returns the resources of each node of the cluster; may hang.
    """

    def __init__(
        self, doors: Mapping[str, Door], ask: Callable[[], list[Mapping[str, float]]]
    ) -> None:
        self.resources = ask()
        """What the nodes have, no older than about `PERIOD`."""
        self._doors = doors
        self._ask = ask
        self._trouble, self._patience = "", math.inf
        self._answers = self._seen = 0
        self._looked, self._silence = time.monotonic(), 0.0
        self._over = threading.Event()
        threading.Thread(target=self._run, name="cluster-watch", daemon=True).start()

    def check(self) -> None:
        """Raise `ClusterLostError` when the cluster has been away for too long."""
        now = time.monotonic()
        self._silence += min(now - self._looked, LONGEST_LOOK)
        self._looked = now
        if self._answers != self._seen:
            self._seen, self._silence = self._answers, 0.0
        if self._silence > self._patience:
            raise ClusterLostError(f"the cluster is lost: {self._trouble}")

    def close(self) -> None:
        """End the thread, at its next question."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(PERIOD):
            if all(self._opens(name, door) for name, door in self._doors.items()):
                self._found("the head accepts connections, but does not answer", SILENT_SECONDS)
                try:
                    self.resources = self._ask()
                except Exception as error:  # noqa: BLE001 - whatever Ray raises of a dying head
                    self._found(f"the head answers with {type(error).__name__}", SILENT_SECONDS)
                else:
                    self._answers += 1

    def _opens(self, name: str, door: Door) -> bool:
        where = f"{name} at {door.host}:{door.port}"
        try:
            socket.create_connection(door[:2], timeout=SILENT_SECONDS / 2).close()
        except ConnectionRefusedError:
            self._found(f"{where} has ended (connection refused)", door.patience)
        except OSError as error:
            self._found(f"{where} does not answer ({error.strerror or error})", SILENT_SECONDS)
        else:
            return True
        return False

    def _found(self, trouble: str, patience: float) -> None:
        self._trouble, self._patience = trouble, patience


def doors(ray: Any) -> dict[str, Door]:
    """Return the doors of the cluster that this process is connected to."""
    context = ray.get_runtime_context()
    host, _, port = context.gcs_address.rpartition(":")
    found = {"the head": Door(host.strip("[]"), int(port), REFUSED_SECONDS)}
    for node in ray.nodes():
        if node["NodeID"] == context.get_node_id():
            host, port = node["NodeManagerAddress"], node["NodeManagerPort"]
            found["this machine's raylet"] = Door(host, int(port), ENDED_SECONDS)
    return found
