"""Policies of the λ search: who won a grid, and where the next grid lies.

Pure functions of values and results; nothing here trains or stores.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Any, NamedTuple

from kbn.errors import InputError
from search.records import Result, State
from search.settings.values import bad, items, number, number_text
from search.trial import Trial

SIGNIFICANT_DIGITS = 6
"""Grid values are rounded to these, so that 0.4 × 1e-5 is 4e-06 and prints so."""


class Outcome(NamedTuple):
    """A trial and what came of it; `result` is None when every attempt failed."""

    trial: Trial
    result: Result | None


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


@dataclass(frozen=True)
class Factors:
    """The fine grid as multiples of the coarse winner."""

    values: tuple[float, ...]

    def __str__(self) -> str:
        return ",".join(number_text(value) for value in self.values)


@dataclass(frozen=True)
class Zoom:
    """The fine grid as values between the coarse winner's neighbours, even on the log axis."""

    count: int

    def __str__(self) -> str:
        return f"zoom:{self.count}"


def fine_rule(flag: str, value: Any) -> Factors | Zoom:
    """Read a fine grid's rule: a list of factors, or `zoom:N`."""
    if isinstance(value, Factors | Zoom):
        return value
    if isinstance(value, str) and value.startswith("zoom"):
        count = value.removeprefix("zoom:")
        if not count.isdecimal() or int(count) < 1:
            raise bad(flag, value, "zoom takes a whole number from 1 up, as in zoom:6")
        return Zoom(int(count))
    factors = items(flag, value, number(above=0), "factor, or zoom:N")
    if len(set(factors)) < len(factors):
        raise bad(flag, value, "a factor is named twice; drop one")
    return Factors(tuple(sorted(factors)))


def narrow(winner: float, grid: tuple[float, ...], rule: Factors | Zoom) -> tuple[float, ...]:
    """Return the fine grid around a coarse winner, ascending.

    With `Zoom`, a winner at the grid's edge has one neighbour; the other is put at the same
    distance on the log axis.

    Raises
    ------
    InputError
        When `Zoom` meets a grid of one value, which has no neighbours.
    """
    if isinstance(rule, Factors):
        return tuple(tidy(winner * factor) for factor in rule.values)
    check_rule(grid, rule)
    position = grid.index(winner)
    lower = grid[position - 1] if position > 0 else winner**2 / grid[1]
    upper = grid[position + 1] if position + 1 < len(grid) else winner**2 / grid[-2]
    width = math.log(upper / lower)
    return tuple(
        tidy(lower * math.exp(width * k / (rule.count + 1))) for k in range(1, rule.count + 1)
    )


def check_rule(grid: tuple[float, ...], rule: Factors | Zoom) -> None:
    """Raise `InputError` when the rule cannot work on the grid."""
    if isinstance(rule, Zoom) and len(grid) < 2:
        raise InputError(
            f"--fine {rule}: zooming needs a coarse grid of at least 2 values, not {len(grid)}; "
            "add values to --coarse or give factors"
        )


def on_edge(lam: float, grid: Iterable[float]) -> bool:
    """Say whether a value is the smallest or largest of a grid."""
    values = tuple(grid)
    return lam in (min(values), max(values))


def tidy(value: float) -> float:
    """Round to the significant digits of a grid value."""
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
