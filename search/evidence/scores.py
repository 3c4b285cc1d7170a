"""Who won: mean validation accuracies over replicates, and the best of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from search.records import Outcome, State
from search.space.points import Point, Space


@dataclass(frozen=True)
class Score:
    """Validation accuracy of one point over its replicates."""

    point: Point
    accuracies: tuple[float, ...]
    """One a replicate, in the replicates' order."""
    complete: bool
    """Whether every replicate completed. One that diverged or failed rules its point out."""

    @property
    def mean(self) -> float:
        """Mean accuracy over replicates; NaN where none completed."""
        return fmean(self.accuracies) if self.accuracies else math.nan


@dataclass(frozen=True)
class Winner:
    """The best point of some outcomes."""

    point: Point
    accuracy: float
    """Mean validation accuracy."""
    tied_with: tuple[Point, ...]
    """Less simple points with exactly the same accuracy."""


def scores(outcomes: Iterable[Outcome], space: Space) -> tuple[Score, ...]:
    """Return one score a point, in ascending order. A trial given twice counts once."""
    found: dict[Point, dict[str, Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(space.of(outcome.trial), {})[outcome.trial.id] = outcome
    return tuple(_score(point, found[point].values()) for point in sorted(found))


def _score(point: Point, outcomes: Iterable[Outcome]) -> Score:
    ordered = sorted(outcomes, key=lambda outcome: outcome.trial.replicate)
    figures = [
        result.validation
        for _, result in ordered
        if result is not None and result.state is State.COMPLETED and result.validation is not None
    ]
    return Score(
        point=point,
        accuracies=tuple(figure.accuracy for figure in figures),
        complete=len(figures) == len(ordered),
    )


def best(outcomes: Iterable[Outcome], space: Space) -> Winner | None:
    """Return the point with the highest mean validation accuracy; the simpler where they tie.

    Only a point all of whose replicates completed can win. None when there is no such point. Where
    some have more replicates than others, only those with the most can win: a point that was
    trained once may be ahead by luck that others have had the chance to lose.
    """
    candidates = contenders(outcomes, space)
    if not candidates:
        return None
    top = max(score.mean for score in candidates)
    tied = [score.point for score in candidates if score.mean == top]
    winner = space.simplest(tied)
    return Winner(winner, top, tuple(point for point in tied if point != winner))


def contenders(outcomes: Iterable[Outcome], space: Space) -> tuple[Score, ...]:
    """Return the scores that can win: of complete points, those with the most replicates."""
    complete = [score for score in scores(outcomes, space) if score.complete]
    most = max((len(score.accuracies) for score in complete), default=0)
    return tuple(score for score in complete if len(score.accuracies) == most)


def tried_points(outcomes: Iterable[Outcome], space: Space) -> tuple[Point, ...]:
    """Return every point tried, ascending, those that did not complete as well."""
    return tuple(score.point for score in scores(outcomes, space))
