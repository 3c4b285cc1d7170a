"""From outcomes to a comparison: which points can be told from the best one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Protocol

import numpy as np
from jaxtyping import Bool

from search.evidence.compare import Comparison, compare
from search.evidence.judged import compared
from search.evidence.look import Standing
from search.evidence.marks import Candidate
from search.evidence.scores import best
from search.records import Outcome, Result
from search.space.points import Point, Space
from search.trial import Purpose, Trial, stream

REMEMBERED = 4
"""Comparisons that are kept, with what was compared: 5 MB each for 1,000 values of 5,000 images."""


def evidence(
    outcomes: Iterable[Outcome], space: Space, raced: tuple[Standing, ...] = ()
) -> Comparison | None:
    """Compare every point all of whose replicates completed with the best of them.

    Networks that did not learn take no part, unless none did. Of points that a race looked at it
    has to be told how they stood last: see `Race.standings`.

    None when there is no such point. Equal outcomes, in any order, give equal comparisons: the
    simulations behind them draw on the study's seed. They are worked out once: a plan asks for
    them, each replay of it does, and so do the parts of a report.
    """
    known = tuple(outcomes)
    winner = best(known, space)
    if winner is None:
        return None
    return _compared(candidates(known, space), winner.point, space, raced, known[0].trial.seed)


@lru_cache(maxsize=REMEMBERED)
def _compared(
    known: tuple[Candidate, ...],
    winner: Point,
    space: Space,
    raced: tuple[Standing, ...],
    seed: int,
) -> Comparison:
    rng = stream(seed, 0, Purpose.COMPARISON)
    return compare(known, winner, simplicity=space.simplicity, rng=rng, raced=raced)


class Placing(Protocol):
    """What tells which point a trial stands for, such as a `Space`."""

    def of(self, trial: Trial) -> Point:
        """Return a trial's point."""


def candidates(outcomes: Iterable[Outcome], space: Placing) -> tuple[Candidate, ...]:
    """Return the points all of whose replicates completed, in ascending order.

    Each has the runs whose networks learned; one of which none did is no candidate.
    """
    runs: dict[Point, dict[int, Outcome]] = {}
    for each in compared(outcomes):
        runs.setdefault(space.of(each.trial), {})[each.trial.replicate] = each
    found = (_candidate(point, runs[point]) for point in sorted(runs))
    return tuple(each for each in found if each is not None)


def _candidate(point: Point, runs: Mapping[int, Outcome]) -> Candidate | None:
    right = {}
    for replicate, outcome in sorted(runs.items()):
        marks = None if outcome.result is None else labelled_right(outcome.result)
        if marks is None:
            return None
        if outcome.learned:
            right[replicate] = marks
    if not right:
        return None
    trial = next(iter(runs.values())).trial
    family = trial.hidden, trial.batch_size
    return Candidate(point, np.stack(list(right.values())), family, tuple(right))


def labelled_right(result: Result) -> Bool[np.ndarray, " n"] | None:
    """Return which validation images a run labelled right; None where it did not complete."""
    bits = result.arrays.get("validation_correct")
    if bits is None or result.validation is None:
        return None
    return np.unpackbits(bits, count=result.validation.n).astype(bool)
