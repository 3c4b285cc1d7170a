"""From outcomes to a comparison: which points can be told from the best one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import lru_cache
from typing import Protocol

import numpy as np
from jaxtyping import Bool

from search.evidence.compare import Comparison, compare
from search.evidence.marks import Candidate
from search.evidence.scores import best
from search.records import Outcome, Result
from search.space.points import Point, Space
from search.trial import Purpose, Trial, stream

REMEMBERED = 4
"""Comparisons that are kept, with what was compared: 5 MB each for 1,000 values of 5,000 images."""


def evidence(outcomes: Iterable[Outcome], space: Space) -> Comparison | None:
    """Compare every point all of whose replicates completed with the best of them.

    None when there is no such point. Equal outcomes, in any order, give equal comparisons: the
    simulations behind them draw on the study's seed. They are worked out once: a plan asks for
    them, each replay of it does, and so do the parts of a report.
    """
    known = tuple(outcomes)
    winner = best(known, space)
    if winner is None:
        return None
    return _compared(candidates(known, space), winner.point, space, known[0].trial.seed)


@lru_cache(maxsize=REMEMBERED)
def _compared(known: tuple[Candidate, ...], winner: Point, space: Space, seed: int) -> Comparison:
    rng = stream(seed, 0, Purpose.COMPARISON)
    return compare(known, winner, simplicity=space.simplicity, rng=rng)


class Placing(Protocol):
    """What tells which point a trial stands for, such as a `Space`."""

    def of(self, trial: Trial) -> Point:
        """Return a trial's point."""


def candidates(outcomes: Iterable[Outcome], space: Placing) -> tuple[Candidate, ...]:
    """Return the points all of whose replicates completed, in ascending order."""
    runs: dict[Point, dict[int, Bool[np.ndarray, " n"] | None]] = {}
    families: dict[Point, Hashable] = {}
    for trial, result in outcomes:
        point = space.of(trial)
        right = None if result is None else labelled_right(result)
        runs.setdefault(point, {})[trial.replicate] = right
        families[point] = trial.hidden, trial.batch_size
    found = []
    for point in sorted(runs):
        each = [runs[point][replicate] for replicate in sorted(runs[point])]
        complete = [right for right in each if right is not None]
        if len(complete) == len(each):
            found.append(Candidate(point, np.stack(complete), families[point]))
    return tuple(found)


def labelled_right(result: Result) -> Bool[np.ndarray, " n"] | None:
    """Return which validation images a run labelled right; None where it did not complete."""
    bits = result.arrays.get("validation_correct")
    if bits is None or result.validation is None:
        return None
    return np.unpackbits(bits, count=result.validation.n).astype(bool)
