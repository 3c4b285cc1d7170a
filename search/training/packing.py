"""Packs: which trials train together in one task, as pure functions.

A pack takes less time than its trials one after the other, since they share batches and the
overhead of small operations, but each of its trials takes longer. A trial's bytes are the same.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import fields
from itertools import pairwise

from search.trial import Trial

APART = ("lam", "init", "sigma", "schedule", "eta_min", "eta_max", "cycle_steps", "with_test")
"""Settings in which the trials of a pack may differ: each member has its own."""
LARGEST = 4
"""Members of an automatic pack, at most: more would share little that four do not."""
FURTHER = 0.85
"""What a pack's further members take, as a share of what one alone does: measured with four."""
FEW = 8
"""Tasks a slot, below which it matters how they fit together at the end."""


def pack_key(trial: Trial) -> tuple[object, ...]:
    """Return what trials must have in common to share a pack: images, shape, batches, epochs."""
    names = (field.name for field in fields(trial))
    return tuple(getattr(trial, name) for name in names if name not in APART)


def can_share(one: Trial, other: Trial) -> bool:
    """Tell whether two trials may train in one pack."""
    return pack_key(one) == pack_key(other)


def packs(trials: Sequence[Trial], *, size: int | str, slots: int) -> tuple[tuple[Trial, ...], ...]:
    """Return trials as tasks, of at most `size` trials each.

    With `auto` there are as many tasks as slots, or a multiple, so that no core idles while
    another works off a larger pack; where there are at least as many slots as trials, each trial
    is a task of its own. Trials that can share a pack are divided evenly, in their order; where
    other trials are longer, or of another shape, they are divided further for as long as that
    lets all slots end earlier.
    """
    groups: dict[tuple[object, ...], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(pack_key(trial), []).append(trial)
    if isinstance(size, int):
        divided = [_divided(group, -(-len(group) // size)) for group in groups.values()]
    else:
        divided = _balanced(list(groups.values()), slots)
    return tuple(task for tasks in divided for task in tasks)


Tasks = list[tuple[Trial, ...]]


def _balanced(groups: Sequence[Sequence[Trial]], slots: int) -> list[Tasks]:
    """Return each group's trials as tasks: as many as slots in all, or as few as there can be."""
    n = sum(map(len, groups))
    rounds = -(-n // (slots * LARGEST))
    fewest = [-(-len(group) // LARGEST) for group in groups]
    shares = [round(slots * rounds * len(group) / n) for group in groups]
    even = [
        min(len(group), max(few, share))
        for group, few, share in zip(groups, fewest, shares, strict=True)
    ]
    starts = ([*map(_divided, groups, parts)] for parts in (even, fewest))
    return min((_shortened(start, slots) for start in starts), key=lambda each: _end(each, slots))


def _shortened(divided: list[Tasks], slots: int) -> list[Tasks]:
    """Divide the group of the longest pack further while that lets all slots end earlier."""
    while sum(map(len, divided)) < FEW * slots:
        packed = [k for k, tasks in enumerate(divided) if max(map(len, tasks)) > 1]
        if not packed:
            break
        k = max(packed, key=lambda k: max(map(epochs, divided[k])))
        group = [trial for task in divided[k] for trial in task]
        further = [*divided[:k], _divided(group, len(divided[k]) + 1), *divided[k + 1 :]]
        if _end(further, slots) >= _end(divided, slots):
            break
        divided = further
    return divided


def _divided(group: Sequence[Trial], parts: int) -> Tasks:
    """Return a group in so many parts, as even as they can be."""
    cuts = [len(group) * part // parts for part in range(parts + 1)]
    return [tuple(group[a:b]) for a, b in pairwise(cuts)]


def epochs(task: Sequence[Trial]) -> float:
    """Return how long a task takes, in epochs of a trial alone."""
    return task[0].epochs * (1.0 + FURTHER * (len(task) - 1))


def _end(divided: Sequence[Tasks], slots: int) -> float:
    """Return when the last slot ends where each takes the longest task that is left."""
    ends = [0.0] * slots
    for length in sorted((epochs(task) for tasks in divided for task in tasks), reverse=True):
        heapq.heapreplace(ends, ends[0] + length)
    return max(ends)
