"""In which order tasks start that wait, so that the cores end together.

How long a task takes is learnt from those that have ended, by the kind of network; before, only its
epochs are known.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import combinations
from statistics import fmean
from time import monotonic

from search.training.packing import epochs
from search.trial import Trial

Task = Sequence[Trial]
FEW = 24
"""Tasks up to which orders are tried out; among more the longest first is as good."""


def kind_of(task: Task) -> Hashable:
    """Return what an epoch's time depends on."""
    return task[0].hidden, task[0].batch_norm, task[0].batch_size


class Order:
    """What waits and what runs, by key, and what an epoch takes of each kind of network.

    Parameters
    ----------
    leads
        Tells a task that more may follow from: it goes ahead of those that end a plan.
    """

    def __init__(self, leads: Callable[[Task], bool]) -> None:
        self._leads = leads
        self._waiting: dict[str, Task] = {}
        self._begun: dict[str, tuple[Task, float]] = {}
        self._spent: dict[str, float] = {}
        self._pace: dict[Hashable, float] = {}
        self._average = 1.0

    def wait(self, key: str, task: Task) -> None:
        """Take note of a task that waits, at first or to be tried again."""
        self._waiting[key] = task
        self._begun.pop(key, None)

    def begin(self, key: str) -> None:
        """Take note of a task's begin."""
        if key in self._waiting:
            self._begun[key] = self._waiting.pop(key), monotonic()

    def spend(self, key: str, seconds: float) -> None:
        """Take note of a result of a task, and of what it took: it may come with the begin."""
        self._spent[key] = self._spent.get(key, 0.0) + seconds

    def end(self, key: str, *, well: bool) -> None:
        """Take note of a task's end; one that ended well tells how long its kind takes."""
        self._waiting.pop(key, None)
        spent = self._spent.pop(key, 0.0)
        if key in self._begun:
            task, begun = self._begun.pop(key)
            if well:
                took = max(monotonic() - begun, spent)
                self._pace[kind_of(task)] = took / max(1.0, epochs(task))
                self._average = fmean(self._pace.values())

    def seconds(self, task: Task) -> float:
        """Return what a task will take; of a kind not seen yet, as much as those on average."""
        pace = self._pace.get(kind_of(task))
        return (self._average if pace is None else pace) * epochs(task)

    def keys(self, slots: int) -> list[str]:
        """Return what waits in the order in which it should start.

        First what more may follow from, then the longest of each kind that is not known yet, and
        the others so that so many slots end together.
        """
        seconds = {key: self.seconds(task) for key, task in self._waiting.items()}
        longest = sorted(seconds, key=seconds.__getitem__, reverse=True)
        first = [key for key in longest if self._leads(self._waiting[key])]
        known = {*self._pace, *(kind_of(task) for task, _ in self._begun.values())}
        known |= {kind_of(self._waiting[key]) for key in first}
        for key in longest:
            if kind_of(self._waiting[key]) not in known:
                known.add(kind_of(self._waiting[key]))
                first.append(key)
        ahead = set(first)
        rest = [key for key in longest if key not in ahead]
        free = [
            max(0.0, self.seconds(task) - (monotonic() - begun))
            for task, begun in self._begun.values()
        ]
        free = ends((seconds[key] for key in first), [*free, *[0.0] * slots][:slots])
        return first + together(rest, seconds, free)


def together(keys: Sequence[str], seconds: Mapping[str, float], free: Sequence[float]) -> list[str]:
    """Return tasks, given longest first, in an order in which slots end together.

    Of few tasks, any two are exchanged for as long as the last slot then ends earlier. `free` is
    when each slot is.
    """
    order = list(keys)
    if len(order) > FEW:
        return order
    end, better = ends((seconds[key] for key in order), free), True
    while better:
        better = False
        for a, b in combinations(range(len(order)), 2):
            other = [*order]
            other[a], other[b] = order[b], order[a]
            tried = ends((seconds[key] for key in other), free)
            if tried < end:
                order, end, better = other, tried, True
    return order


def ends(lengths: Iterable[float], free: Sequence[float]) -> list[float]:
    """Return when slots end, the last one first, where each that is free takes the next task."""
    slots = list(free)
    heapq.heapify(slots)
    for length in lengths:
        heapq.heapreplace(slots, slots[0] + length)
    return sorted(slots, reverse=True)
