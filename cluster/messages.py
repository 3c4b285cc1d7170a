"""A worker's side of a pool: it works off a bundle of tasks, and tells the driver by the clock.

The tasks run in a thread of their own, so that what they have is sent when it is due, and not when
there is more: a task that hangs, or kills its worker, leaves nothing unsaid but its last moments.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cluster.events import Task, TaskFailure
from cluster.serial import failure_of, with_last

MESSAGE_SECONDS = 0.0011
"""What the driver is taken to need for a message and what is in it; `benchmarks/scale.py` measures
the costs of either."""
DRIVER_SHARE = 1 / 3
"""How much of its time it may take for that."""
LEAST_SECONDS = 1.0
"""From one message of a bundle to its next, at least: often enough for whoever watches."""
MOST = 250
"""Tasks that a message tells of before it goes ahead of its time: what very short ones have to tell
is much at a time for the driver."""

Stamp = Callable[[Any], tuple[Hashable, bool]]
"""Returns what an item is about, and whether it is sent as soon as it is there. Another one about
the same takes the place of one that still waits; what is about None is not replaced."""


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
    replaced: int = 0
    """Items that others took the place of."""


def seconds_between_messages(slots: int) -> float:
    """Return how often a bundle may send, so that the driver of so many keeps up with them."""
    return max(LEAST_SECONDS, slots * MESSAGE_SECONDS / DRIVER_SHARE)


def unstamped(_: Any) -> tuple[Hashable, bool]:
    """Let an item wait, and go with all others."""
    return None, False


def attempt(
    task: Task, shared: Any, payloads: Sequence[Any], seconds: float, stamp: Stamp = unstamped
) -> Iterator[Place | list[Part]]:
    """Run a task with each of the payloads, one after the other: where, then their messages."""
    import ray  # noqa: PLC0415 - this runs in a worker of Ray's

    yield Place(socket.gethostname(), ray.get_runtime_context().get_node_id())
    yield from messages(task, shared, payloads, seconds, stamp)


def messages(
    task: Task, shared: Any, payloads: Sequence[Any], seconds: float, stamp: Stamp = unstamped
) -> Iterator[list[Part]]:
    """Yield what the tasks have, one message in so many seconds, and the last at their end.

    What goes at once, by its `stamp`, takes along all before it.
    """
    outbox = Outbox(seconds, stamp)
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

    def __init__(self, seconds: float, stamp: Stamp = unstamped) -> None:
        self._seconds, self._stamp = seconds, stamp
        self._changed = threading.Condition()
        self._parts: list[Part] = []
        self._waiting: dict[Hashable, Any] = {}
        """The items of the last part by what they are about."""
        self._number = 0
        self._due = time.monotonic() + seconds
        """When the next message may go. That the bundle has begun was said when it did."""
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
            part, (about, at_once) = self._part(), self._stamp(item)
            if about is not None:
                before = self._waiting.get(about, self)
                left = [each for each in part.items if each is not before]
                part.replaced += len(part.items) - len(left)
                part.items, self._waiting[about] = left, item
            part.items.append(item)
            if at_once:
                self._urgent = True
                self._changed.notify()

    def end(self, ended: Ended) -> None:
        """Say how the task that runs has ended."""
        with self._changed:
            self._part().ended = ended
            if len(self._parts) >= MOST:
                self._urgent = True
                self._changed.notify()

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
            self._waiting = {}
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
