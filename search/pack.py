"""Packs: which trials train together in one task, as pure functions.

A pack takes less time than its trials one after the other, since they share batches and the
overhead of small operations, but each of its trials takes longer. A trial's bytes are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import pairwise

from search.trial import Trial

APART = ("lam", "init", "sigma", "schedule", "eta_min", "eta_max", "cycle_steps", "with_test")
"""Settings in which the trials of a pack may differ: each member has its own."""
LARGEST = 4
"""Members of an automatic pack, at most: more would share little that four do not."""


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
    is a task of its own. Trials that can share a pack are divided evenly, in their order.
    """
    groups: dict[tuple[object, ...], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(pack_key(trial), []).append(trial)
    largest = size if isinstance(size, int) else LARGEST
    rounds = -(-len(trials) // (slots * largest))
    tasks: list[tuple[Trial, ...]] = []
    for group in groups.values():
        parts = -(-len(group) // largest)
        if not isinstance(size, int):
            share = round(slots * rounds * len(group) / len(trials))
            parts = min(len(group), max(parts, share))
        cuts = [len(group) * part // parts for part in range(parts + 1)]
        tasks += [tuple(group[a:b]) for a, b in pairwise(cuts)]
    return tuple(tasks)
