"""Who won: mean validation accuracies over replicates, and the best of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from search.evidence.judged import compared
from search.records import Outcome, State
from search.space.points import Point, Space


@dataclass(frozen=True)
class Score:
    """Validation accuracy of one point over its replicates."""

    point: Point
    accuracies: tuple[float, ...]
    """One a replicate whose network learned, in the replicates' order."""
    runs: int
    """Replicates that were trained."""
    unlearned: int
    """Those of them that completed without having learned."""
    complete: bool
    """Whether every replicate completed. One that diverged or failed rules its point out."""

    @property
    def mean(self) -> float:
        """Mean accuracy over replicates; NaN where no network learned."""
        return fmean(self.accuracies) if self.accuracies else math.nan


@dataclass(frozen=True)
class Winner:
    """The best point of some outcomes."""

    point: Point
    accuracy: float
    """Mean validation accuracy."""
    tied_with: tuple[Point, ...]
    """Less simple points with exactly the same accuracy."""


@dataclass(frozen=True)
class Standing:
    """How the points of a search stand: grouped once, for a decision and the words about it."""

    scores: tuple[Score, ...]
    """One a point, ascending, those that did not complete as well."""
    space: Space

    @property
    def points(self) -> tuple[Point, ...]:
        """Every point tried, ascending."""
        return tuple(score.point for score in self.scores)

    @cached_property
    def complete(self) -> tuple[Score, ...]:
        """The points all of whose replicates completed, and one of whose networks learned."""
        return tuple(score for score in self.scores if score.complete and score.accuracies)

    @cached_property
    def contenders(self) -> tuple[Score, ...]:
        """The points that can win: of complete ones, those with the most replicates.

        A point that was trained once may be ahead by luck that others have had the chance to lose.
        """
        most = max((score.runs for score in self.complete), default=0)
        return tuple(score for score in self.complete if score.runs == most)

    @cached_property
    def winner(self) -> Winner | None:
        """The contender with the highest mean accuracy, the simpler of equals; None without one."""
        if not self.contenders:
            return None
        top = max(score.mean for score in self.contenders)
        tied = [score.point for score in self.contenders if score.mean == top]
        winner = self.space.simplest(tied)
        return Winner(winner, top, tuple(point for point in tied if point != winner))

    @property
    def best(self) -> Winner:
        """The winner of a search that has one."""
        assert self.winner is not None
        return self.winner


def standing(outcomes: Iterable[Outcome], space: Space) -> Standing:
    """Return how the points of some outcomes stand. A trial given twice counts once."""
    found: dict[Point, dict[str, Outcome]] = {}
    for outcome in compared(outcomes):
        found.setdefault(space.of(outcome.trial), {})[outcome.trial.id] = outcome
    return Standing(tuple(_score(point, found[point].values()) for point in sorted(found)), space)


def _score(point: Point, outcomes: Iterable[Outcome]) -> Score:
    ordered = sorted(outcomes, key=lambda outcome: outcome.trial.replicate)
    completed = [
        (each.learned, each.result.validation.accuracy)
        for each in ordered
        if each.result and each.result.state is State.COMPLETED and each.result.validation
    ]
    accuracies = tuple(accuracy for learned, accuracy in completed if learned)
    return Score(
        point=point,
        accuracies=accuracies,
        runs=len(ordered),
        unlearned=len(completed) - len(accuracies),
        complete=len(completed) == len(ordered),
    )


def best(outcomes: Iterable[Outcome], space: Space) -> Winner | None:
    """Return the winner of some outcomes; None where no point completed."""
    return standing(outcomes, space).winner
