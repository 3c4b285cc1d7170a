"""A discrete-event model of a study: one driver serves the messages of many cores.

The driver is the pool's and the runner's loop. It asks which streams have something, takes one
message of each, with the records in it, submits the next bundle of trials where one ended, and
brings what it took to the disk in groups. Bundles are as large as the pool makes them, and send by
the clock, as the pool has it. Everything that a core does meanwhile goes on; a core whose bundle
has ended waits for the driver. Ray itself, the network and the nodes are a constant latency here.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from cluster.bundles import BUNDLE_SECONDS, bundle_size
from cluster.messages import seconds_between_messages

WRITES = 2
"""What a trial writes to the store: that it started, and its result."""


@dataclass(frozen=True)
class Costs:
    """What the driver does, in seconds."""

    message: float = 0.0
    """To take in a message, beside what is in it."""
    item: float = 0.0
    """To take in a record that came in one."""
    trial: float = 0.0
    """To take in and keep that a trial began and what came of it, beside its messages."""
    bundle: float = 0.0
    """To submit a bundle of trials, beside its messages."""
    scan: float = 0.0
    """To ask which streams have something, for each stream that is asked about."""
    commit: float = 0.0
    """To bring a group of writes to the disk."""
    window: float = 0.0
    """How long a write may wait for others; 0 commits each by itself."""
    latency: float = 0.0
    """From a bundle's submission to its first step, and from its end to the driver, together."""
    sending: float = 0.0
    """By how much a bundle is held up when it sends a message."""
    together: bool = True
    """Whether one question serves all streams that have something, or the first of them."""
    first: float = 0.0
    """From one core's first start to the next one's, by Ray, for all drivers; 0 for at once."""


class Message(NamedTuple):
    """What a bundle sends at a time."""

    at: float
    """Seconds from the bundle's start."""
    items: int
    """Records in it."""
    writes: int
    """Trials of which it says that they began, and those of which it says that they ended."""


@cache
def messages(trials: int, seconds: float, records: int, every: float) -> tuple[Message, ...]:
    """Return what `cluster.messages` makes of a bundle of trials with evenly spaced records.

    Of a trial's records the last alone waits to be sent, and none once there is its result.
    """
    found, due, record, writes = [Message(0.0, 0, 1)], every, False, 0
    end = trials * seconds
    for at, write in (*_told(trials, seconds, records), (end, 1)):
        if (record or writes) and due < at:
            found.append(Message(due, int(record), writes))
            due, record, writes = due + every, False, 0
        record, writes = not write, writes + write
        if due <= at:
            found.append(Message(at, int(record), writes))
            due, record, writes = at + every, False, 0
    if record or writes:  # the end does not wait
        found.append(Message(end, int(record), writes))
    return tuple(found)


def _told(trials: int, seconds: float, records: int) -> Iterator[tuple[float, int]]:
    """Yield when a bundle has something to tell, but for its start and its last result.

    With each how many trials have begun or ended: none where it is a record.
    """
    gap = seconds / max(1, records)
    for trial in range(trials):
        start = trial * seconds
        if trial:
            yield start, 1  # the result before it
            yield start, 1
        yield from ((start + number * gap, 0) for number in range(1, records + 1))


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


class Traffic(NamedTuple):
    """What comes to a driver in all."""

    bundles: int
    messages: int
    items: int


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


def traffic(load: Load, costs: Costs = Costs()) -> Traffic:
    """Return what a driver gets; its costs bear on the moments at which it makes bundles."""
    driver = _Driver(costs, load, _Line(), _Line())
    while driver.next < math.inf:
        driver.step()
    return Traffic(driver.bundles, driver.messages, driver.items)


class _Driver:
    """The state of a simulated study."""

    def __init__(self, costs: Costs, load: Load, ray: _Line, disk: _Line) -> None:
        self._costs, self._load, self._ray, self._disk = costs, load, ray, disk
        self._every = seconds_between_messages(load.slots)
        self.now, self._due = 0.0, math.inf
        self._left = load.trials
        self._seconds = math.inf
        """What a trial takes, as far as the driver knows."""
        self._coming: list[tuple[float, int, float, int, int]] = []
        """When a stream's next message is there; its stream, start, number of trials, number."""
        self._idle = list(range(min(load.slots, load.trials)))[::-1]
        """Cores that have had no bundle yet."""
        self.bundles = self.messages = self.items = 0

    @property
    def next(self) -> float:
        """When it has something to do; infinite where all is done."""
        if self._idle:
            return self.now
        return max(self.now, min(self._coming[0][0] if self._coming else math.inf, self._due))

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
        slots = self._load.slots
        size = bundle_size(waiting=self._left, slots=slots, seconds=self._seconds)
        self._left -= size
        self.bundles += 1
        self.now += self._costs.bundle
        start = max(self.now, there) + self._costs.latency
        heapq.heappush(self._coming, (start, slot, start, size, 0))

    def _poll(self) -> None:
        self.now += self._costs.scan * len(self._coming)
        asked, taken = self.now, []
        while self._coming and self._coming[0][0] <= asked:
            taken.append(heapq.heappop(self._coming))
            if not self._costs.together:
                break
        for _, slot, start, size, number in taken:
            self._take(slot, start, size, number)

    def _take(self, slot: int, start: float, size: int, number: int) -> None:
        load, costs = self._load, self._costs
        sends = messages(size, load.seconds, load.records, self._every)
        _, items, writes = sends[number]
        self.messages += 1
        self.items += items
        self.now += costs.message + items * costs.item + writes * costs.trial / WRITES
        self._write(writes)
        if number == len(sends) - 1:
            self._seconds = load.seconds
            if self._left:
                self._submit(slot)
            return
        there = start + sends[number + 1].at + number * costs.sending
        heapq.heappush(self._coming, (there, slot, start, size, number + 1))

    def _write(self, writes: int) -> None:
        if self._costs.window == 0:
            self.now += writes * self._costs.commit
        elif writes:
            self._due = min(self._due, self.now + self._costs.window)

    def _commit(self) -> None:
        self.now = self._disk.through(self.now, self._costs.commit)
        self._due = math.inf


def limits(costs: Costs, *, seconds: float, records: int) -> Mapping[str, float]:
    """Return for each of the driver's terms the cores at which it alone takes all its time.

    Asking about streams is a special case: where one question serves all that have something, its
    share of a message falls to `scan` as the driver gets busy; otherwise it is `scan` times cores.
    Messages and bundles are those of a small cluster, on a larger one there are fewer.
    """
    size = max(1, int(BUNDLE_SECONDS / seconds))
    bundle = messages(size, seconds, records, seconds_between_messages(1))
    sent, told = len(bundle) / size, sum(each.items for each in bundle) / size
    found = {
        "messages": _over(seconds, sent * costs.message),
        "records": _over(seconds, told * costs.item),
        "results": _over(seconds, costs.trial),
        "submissions": _over(seconds, costs.bundle / size),
        "asking": _over(seconds, sent * costs.scan)
        if costs.together
        else math.sqrt(_over(seconds, sent * costs.scan)),
    }
    # A group is committed once in a window and a commit, however many cores there are.
    found["commits"] = math.inf if costs.window else _over(seconds, WRITES * costs.commit)
    return found


def _over(seconds: float, each: float) -> float:
    return seconds / each if each else math.inf
