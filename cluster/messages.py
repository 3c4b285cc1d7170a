"""A worker's side of a pool: it works off a bundle of tasks, and tells the driver by the clock.

The tasks run in a thread of their own, so that what they have is sent when it is due, and not when
there is more: a task that hangs, or kills its worker, leaves nothing unsaid but its last moments.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cluster.events import Task, TaskFailure
from cluster.serial import failure_of, with_last

MESSAGE_SECONDS = 0.0011
"""What the driver takes to take in a message: measured by `benchmarks/overhead.py`."""
DRIVER_SHARE = 1 / 3
"""How much of its time it may take for that."""
LEAST_SECONDS = 1.0
"""From one message of a bundle to its next, at least: often enough for whoever watches."""

AtOnce = Callable[[Any], bool]
"""Tells an item that is sent as soon as it is there."""


class Place(NamedTuple):
    """First message of every bundle: its first task begins."""

    node: str
    """The machine's name."""
    node_id: str
    """Ray's own."""


class Ended(NamedTuple):
    """How a task ended in its worker."""

    failure: TaskFailure | None
    seconds: float
    """What it took."""


@dataclass(slots=True)
class Part:
    """What a message says of one task. That it is the first to do so says that the task began."""

    number: int
    """Its place in the bundle."""
    items: list[Any] = field(default_factory=list)
    """What it yielded since the message before, and what it returned."""
    ended: Ended | None = None


def seconds_between_messages(slots: int) -> float:
    """Return how often a bundle may send, so that the driver of so many keeps up with them."""
    return max(LEAST_SECONDS, slots * MESSAGE_SECONDS / DRIVER_SHARE)


def never(_: Any) -> bool:
    """Let an item wait for others."""
    return False


def attempt(
    task: Task, shared: Any, payloads: Sequence[Any], seconds: float, at_once: AtOnce = never
) -> Iterator[Place | list[Part]]:
    """Run a task with each of the payloads, one after the other: where, then their messages."""
    import ray  # noqa: PLC0415 - this runs in a worker of Ray's

    yield Place(socket.gethostname(), ray.get_runtime_context().get_node_id())
    yield from messages(task, shared, payloads, seconds, at_once)


def messages(
    task: Task, shared: Any, payloads: Sequence[Any], seconds: float, at_once: AtOnce = never
) -> Iterator[list[Part]]:
    """Yield what the tasks have, one message in so many seconds, and the last at their end.

    The first item goes out at once, and so does what `at_once` holds for, with all before it.
    """
    outbox = Outbox(seconds, at_once)
    threading.Thread(
        target=_work_off, args=(task, shared, payloads, outbox), name="tasks", daemon=True
    ).start()
    try:
        while parts := outbox.wait():
            yield parts
    finally:
        outbox.abandon()


def _work_off(task: Task, shared: Any, payloads: Sequence[Any], outbox: Outbox) -> None:
    """Run the tasks. What one of them raises is told, and the next one begins."""
    for number, payload in enumerate(payloads):
        started, failure = time.perf_counter(), None
        outbox.begin(number)
        try:
            for item in with_last(task(shared, payload)):
                outbox.put(item)
        except Abandoned:
            return
        except BaseException as error:  # noqa: BLE001 - whatever a task raises is reported
            failure = failure_of(error)
        outbox.end(Ended(failure, time.perf_counter() - started))
    outbox.close()


class Abandoned(BaseException):
    """Ends the tasks of a worker whose messages cannot be sent."""


class Outbox:
    """What a bundle's tasks have to tell and has not been sent; between two threads."""

    def __init__(self, seconds: float, at_once: AtOnce = never) -> None:
        self._seconds, self._at_once = seconds, at_once
        self._changed = threading.Condition()
        self._parts: list[Part] = []
        self._number = 0
        self._due = -math.inf
        """Monotonic time at which the next message may go."""
        self._urgent = self._closed = self._abandoned = False

    def begin(self, number: int) -> None:
        """Say that a task begins."""
        with self._changed:
            self._number = number
            if number:  # the first one has begun with the bundle
                self._part()

    def put(self, item: Any) -> None:
        """Add an item of the task that runs. Raises `Abandoned` when nobody will have it."""
        with self._changed:
            if self._abandoned:
                raise Abandoned
            self._part().items.append(item)
            if self._at_once(item):
                self._urgent = True
                self._changed.notify()

    def end(self, ended: Ended) -> None:
        """Say how the task that runs has ended."""
        with self._changed:
            self._part().ended = ended

    def close(self) -> None:
        """Say that there are no more tasks."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def abandon(self) -> None:
        """Say that nothing will be sent any more."""
        self._abandoned = True

    def _part(self) -> Part:
        """Return the part of the task that runs; who waits hears of the first that is held."""
        if not self._parts:
            self._changed.notify()
        if not self._parts or self._parts[-1].number != self._number:
            self._parts.append(Part(self._number))
        return self._parts[-1]

    def wait(self) -> list[Part]:
        """Wait for the next message and return it; nothing when all has been sent."""
        with self._changed:
            while not self._closed and (left := self.left(time.monotonic())) > 0:
                self._changed.wait(None if left == math.inf else left)
            parts, self._parts, self._urgent = self._parts, [], False
            self._due = time.monotonic() + self._seconds
            return parts

    def left(self, now: float) -> float:
        """Return the seconds until what is held is due; infinite while nothing is."""
        if not self._parts:
            return math.inf
        return 0.0 if self._urgent else max(0.0, self._due - now)
