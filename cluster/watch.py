"""A watch over the cluster, kept by a thread of the driver's own.

When its head dies Ray says nothing for a minute, and then ends the driver's process without an
exception; when the raylet on the driver's machine dies, after a quarter of one. The thread finds
out before: it opens a connection to both, and asks the head for its nodes. It alone talks to the
head, so that a head that hangs holds up nobody else; and each question has a time limit, since Ray
ends the process of one that has none, should the head be gone for a minute.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from cluster.errors import ClusterLostError
from cluster.room import Resources
from cluster.survey import Node, living

PERIOD = 1.0
"""Seconds from question to question."""
REFUSED_SECONDS = 5.0
"""How long the head's closed door is believed to open again. No process listens behind it."""
ENDED_SECONDS = 1.0
"""The same of the raylet on the driver's machine, which never comes back: once the head has taken
note, Ray ends the driver, after 15 s or, with settings against partitions, after 6 s."""
SILENT_SECONDS = 18.0
"""How long an answer may take: a network that drops everything, or a head that hangs."""
ANSWER_SECONDS = 5.0
"""How long one question may wait for its answer, and the thread's end for it."""
GONE_SECONDS = 10.0
"""How long the head may call a node lost before its tasks are given up. Ray gives them up at once
where the node has ended, but only after minutes where it has merely fallen silent."""
LONGEST_LOOK = 2.0
"""A driver that was itself stopped for long has not waited for an answer for that long."""

_DEADLINE_EXCEEDED = 4
"""gRPC's code."""


class Door(NamedTuple):
    """Where a process listens."""

    host: str
    port: int
    patience: float
    """Seconds for which it may be closed."""


class Watch:
    """Knows the cluster's nodes, and whether the cluster is still there.

    Parameters
    ----------
    doors
        Where each process listens that the driver cannot do without, by its name.
    ask
        Returns the nodes of the cluster that live; raises TimeoutError after `ANSWER_SECONDS`.
    """

    def __init__(self, doors: Mapping[str, Door], ask: Callable[[], tuple[Node, ...]]) -> None:
        self._last_seen: dict[str, float] = {}
        self._take(ask())
        self._doors = doors
        self._ask = ask
        self._trouble, self._patience = "", math.inf
        self._answers = self._seen = 0
        self._looked, self._silence = time.monotonic(), 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cluster-watch", daemon=True)
        self._thread.start()

    def _take(self, nodes: tuple[Node, ...]) -> None:
        now = time.monotonic()
        self._last_seen |= {node.id: now for node in nodes}
        self._nodes, self._answered = nodes, now  # after it: who looks meanwhile misses no node

    @property
    def resources(self) -> list[Resources]:
        """What the nodes have, no older than about `PERIOD`."""
        return [node.total for node in self._nodes]

    @property
    def free(self) -> Resources:
        """What is free on all of them together."""
        names = {name for node in self._nodes for name in node.free}
        return {name: sum(node.free.get(name, 0.0) for node in self._nodes) for name in names}

    def gone(self, node: str) -> bool:
        """Say whether the head has called a node lost, by its ID, for longer than Ray may take."""
        return self._answered - self._last_seen.get(node, math.inf) > GONE_SECONDS

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
        """End the thread, and wait for it: it must not ask a Ray that has ended."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(PERIOD):
            if all(self._opens(name, door) for name, door in self._doors.items()):
                self._found("the head accepts connections, but does not answer", SILENT_SECONDS)
                try:
                    self._take(self._ask())
                except TimeoutError:
                    continue
                except Exception as error:  # noqa: BLE001 - whatever Ray raises of a dying head
                    self._found(f"the head answers with {type(error).__name__}", SILENT_SECONDS)
                else:
                    self._answers += 1

    def _opens(self, name: str, door: Door) -> bool:
        where = f"{name} at {door.host}:{door.port}"
        try:
            socket.create_connection(door[:2], timeout=ANSWER_SECONDS).close()
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


def asking(ray: Any) -> Callable[[], tuple[Node, ...]]:
    """Return what asks the head of the cluster that this process is connected to."""
    gcs = import_module("ray._raylet").GcsClient(address=ray.get_runtime_context().gcs_address)

    def ask() -> tuple[Node, ...]:
        try:
            return living(gcs, seconds=ANSWER_SECONDS)
        except ray.exceptions.RpcError as error:
            if error.rpc_code == _DEADLINE_EXCEEDED:
                raise TimeoutError from error
            raise

    return ask
