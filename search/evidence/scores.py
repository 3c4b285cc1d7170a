"""Who won: mean validation accuracies over replicates, and the best of them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from search.records import Outcome, State


@dataclass(frozen=True)
class Score:
    """Validation accuracy of one λ over its replicates."""

    lam: float
    accuracies: tuple[float, ...]
    """One a replicate, in the replicates' order."""
    complete: bool
    """Whether every replicate completed. One that diverged or failed rules its λ out."""

    @property
    def mean(self) -> float:
        """Mean accuracy over replicates; NaN where none completed."""
        return fmean(self.accuracies) if self.accuracies else math.nan


@dataclass(frozen=True)
class Winner:
    """The best λ of some outcomes."""

    lam: float
    accuracy: float
    """Mean validation accuracy."""
    tied_with: tuple[float, ...]
    """Smaller values of λ with exactly the same accuracy."""


def scores(outcomes: Iterable[Outcome]) -> tuple[Score, ...]:
    """Return one score a λ, in ascending order of λ. A trial given twice counts once."""
    by_lam: dict[float, dict[str, Outcome]] = {}
    for outcome in outcomes:
        by_lam.setdefault(outcome.trial.lam, {})[outcome.trial.id] = outcome
    return tuple(_score(lam, by_lam[lam].values()) for lam in sorted(by_lam))


def _score(lam: float, outcomes: Iterable[Outcome]) -> Score:
    ordered = sorted(outcomes, key=lambda outcome: outcome.trial.replicate)
    figures = [
        result.validation
        for _, result in ordered
        if result is not None and result.state is State.COMPLETED and result.validation is not None
    ]
    return Score(
        lam=lam,
        accuracies=tuple(figure.accuracy for figure in figures),
        complete=len(figures) == len(ordered),
    )


def best(outcomes: Iterable[Outcome]) -> Winner | None:
    """Return the λ with the highest mean validation accuracy; the larger λ where they tie.

    Only a λ all of whose replicates completed can win. None when there is no such λ. Where some
    have more replicates than others, only those with the most can win: a value that was trained
    once may be ahead by luck that others have had the chance to lose.
    """
    candidates = contenders(outcomes)
    if not candidates:
        return None
    top = max(score.mean for score in candidates)
    tied = [score.lam for score in candidates if score.mean == top]
    return Winner(lam=max(tied), accuracy=top, tied_with=tuple(tied[:-1]))


def contenders(outcomes: Iterable[Outcome]) -> tuple[Score, ...]:
    """Return the scores that can win: of complete values, those with the most replicates."""
    complete = [score for score in scores(outcomes) if score.complete]
    most = max((len(score.accuracies) for score in complete), default=0)
    return tuple(score for score in complete if len(score.accuracies) == most)
