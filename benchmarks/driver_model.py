"""A discrete-event model of a study: one driver serves the messages of many cores.

The driver is the pool's and the runner's loop. It asks which streams have something, takes one
message of each, with the records in it, submits the next trial where one ended, and brings what it
took to the disk in groups. A trial sends by the clock, as the pool has it. Everything that a core
does meanwhile goes on; a core whose trial has ended waits for the driver. Ray itself, the network
and the nodes are a constant latency here.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

from cluster.ray_pool import seconds_between_messages

EXTRA = 2
"""Messages of a trial beside those on its way: that it started, and its end with its result."""
WRITES = 2
"""What a trial writes to the store: that it started, and its result."""


@dataclass(frozen=True)
class Costs:
    """What the driver does, in seconds."""

    message: float = 0.0
    """To take in a message, beside what is in it."""
    item: float = 0.0
    """To take in a record or a result that came in one."""
    trial: float = 0.0
    """To submit a trial, beside its messages."""
    scan: float = 0.0
    """To ask which streams have something, for each stream that is asked about."""
    commit: float = 0.0
    """To bring a group of writes to the disk."""
    window: float = 0.0
    """How long a write may wait for others; 0 commits each by itself."""
    latency: float = 0.0
    """From a trial's submission to its first step, and from its end to the driver, together."""
    sending: float = 0.0
    """By how much a trial is held up when it sends a message."""
    together: bool = True
    """Whether one question serves all streams that have something, or the first of them."""
    first: float = 0.0
    """From one core's first start to the next one's, by Ray, for all drivers; 0 for at once."""


class Message(NamedTuple):
    """What a trial sends at a time."""

    at: float
    """Seconds from the trial's start."""
    items: int
    """Records and results in it."""


@cache
def _messages(seconds: float, records: int, every: float) -> tuple[Message, ...]:
    """Return what `cluster.ray_pool.messages` makes of evenly spaced records."""
    gap = seconds / max(1, records)
    sent, held, found = -math.inf, 0, [Message(0.0, 0)]
    for number in range(1, records + 1):
        held += 1
        if gap >= every or number * gap - sent >= every:
            found.append(Message(number * gap, held))
            sent, held = number * gap, 0
    return (*found, Message(seconds, held + 1))


@dataclass(frozen=True)
class Load:
    """What the cores do: trials of equal length."""

    slots: int
    trials: int
    seconds: float
    records: int
    """What a trial has to tell on its way, evenly spaced."""

    def part(self, number: int, parts: int) -> Load:
        """Return one part of so many: a share of the slots, and the trials that fall to them."""
        first, last = (self.slots * each // parts for each in (number, number + 1))
        trials = [self.trials * slot // self.slots for slot in (first, last)]
        return Load(last - first, trials[1] - trials[0], self.seconds, self.records)

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """What a trial sends, from its start to its end."""
        return _messages(self.seconds, self.records, seconds_between_messages(self.slots))


@dataclass
class _Line:
    """What does one thing at a time, for all drivers: who comes later waits."""

    free: float = 0.0

    def through(self, at: float, seconds: float) -> float:
        """Return when something is done that comes at a time and takes so long."""
        self.free = max(self.free, at) + seconds
        return self.free


def wall(costs: Costs, load: Load, *, drivers: int = 1) -> float:
    """Return the seconds from the first submission to the last commit.

    Several drivers each have a share of cores and trials. What starts a core's first task
    serves them all, and so does the store: their commits wait for each other.
    """
    ray, disk = _Line(), _Line()
    parts = [_Driver(costs, load.part(number, drivers), ray, disk) for number in range(drivers)]
    waiting = [(0.0, number) for number in range(drivers)]
    while waiting:
        _, number = heapq.heappop(waiting)
        parts[number].step()
        if parts[number].next < math.inf:
            heapq.heappush(waiting, (parts[number].next, number))
    return max(part.now for part in parts)


def efficiency(costs: Costs, load: Load, *, drivers: int = 1) -> float:
    """Return the share of the cores' time in which they train."""
    return load.trials * load.seconds / (load.slots * wall(costs, load, drivers=drivers))


class _Driver:
    """The state of a simulated study."""

    def __init__(self, costs: Costs, load: Load, ray: _Line, disk: _Line) -> None:
        self._costs, self._load, self._ray, self._disk = costs, load, ray, disk
        self.now, self._due = 0.0, math.inf
        self._left = load.trials
        self._messages: list[tuple[float, int, float, int]] = []
        """When a stream's next message is there, its stream, the trial's start, its number."""
        self._idle = list(range(min(load.slots, load.trials)))[::-1]
        """Cores that have had no task yet."""

    @property
    def next(self) -> float:
        """When it has something to do; infinite where all is done."""
        if self._idle:
            return self.now
        return max(self.now, min(self._messages[0][0] if self._messages else math.inf, self._due))

    def step(self) -> None:
        """Do what comes next, one thing, so that drivers come to what they share in its order."""
        self.now = self.next
        if self._idle:
            slot = self._idle.pop()
            self._submit(slot, self._ray.through(self.now, self._costs.first))
        elif self._due <= self.now:
            self._commit()
        else:
            self._poll()

    def _submit(self, slot: int, there: float = 0.0) -> None:
        self._left -= 1
        self.now += self._costs.trial
        start = max(self.now, there) + self._costs.latency
        heapq.heappush(self._messages, (start, slot, start, 0))

    def _poll(self) -> None:
        self.now += self._costs.scan * len(self._messages)
        asked, taken = self.now, []
        while self._messages and self._messages[0][0] <= asked:
            taken.append(heapq.heappop(self._messages))
            if not self._costs.together:
                break
        for _, slot, start, number in taken:
            self._take(slot, start, number)

    def _take(self, slot: int, start: float, number: int) -> None:
        sends = self._load.messages
        self.now += self._costs.message + sends[number].items * self._costs.item
        if number in (0, len(sends) - 1):
            self._write()
        if number == len(sends) - 1:
            if self._left:
                self._submit(slot)
            return
        sent = min(number, len(sends) - EXTRA)
        there = start + sends[number + 1].at + sent * self._costs.sending
        heapq.heappush(self._messages, (there, slot, start, number + 1))

    def _write(self) -> None:
        if self._costs.window == 0:
            self.now += self._costs.commit
        else:
            self._due = min(self._due, self.now + self._costs.window)

    def _commit(self) -> None:
        self.now = self._disk.through(self.now, self._costs.commit)
        self._due = math.inf


def limits(costs: Costs, *, seconds: float, records: int) -> Mapping[str, float]:
    """Return for each of the driver's terms the cores at which it alone takes all its time.

    Asking about streams is a special case: where one question serves all that have something, its
    share of a message falls to `scan` as the driver gets busy; otherwise it is `scan` times cores.
    Messages are those of a small cluster: on a larger one there are fewer.
    """
    messages = len(Load(1, 1, seconds, records).messages)
    found = {
        "messages": _over(seconds, messages * costs.message),
        "records": _over(seconds, (records + 1) * costs.item),
        "submissions": _over(seconds, costs.trial),
        "asking": _over(seconds, messages * costs.scan)
        if costs.together
        else math.sqrt(_over(seconds, messages * costs.scan)),
    }
    # A group is committed once in a window and a commit, however many cores there are.
    found["commits"] = math.inf if costs.window else _over(seconds, WRITES * costs.commit)
    return found


def _over(seconds: float, each: float) -> float:
    return seconds / each if each else math.inf
