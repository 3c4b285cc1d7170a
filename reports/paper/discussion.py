"""What the reference report claims, held against what was measured: by rules, never by hand.

Each rule takes figures with their standard errors. A difference counts when it is larger than
`SIGNIFICANT` standard errors; else the data do not tell, and the verdict says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, stdev

from search.evidence.marks import standard_error_of_share
from search.records import Figures, State, TrialRecord

SIGNIFICANT = 1.96
"""Standard errors: a normal error exceeds them, on either side, in 5 % of cases."""


class Verdict(StrEnum):
    """What the data say of a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    OPEN = "not distinguishable"
    UNTESTED = "not tested"
    """What it speaks of was not trained, or has not ended."""


@dataclass(frozen=True)
class Claim:
    """A claim with its verdict."""

    text: str
    verdict: Verdict
    figures: str
    """What supports or contradicts it, in words."""


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error."""

    value: float
    error: float

    def __sub__(self, other: Estimate) -> Estimate:
        """Return the difference of two estimates; errors add as those of unpaired ones do."""
        return Estimate(self.value - other.value, math.hypot(self.error, other.error))

    def above(self, bound: float = 0.0) -> Verdict:
        """Say whether the number lies above a bound."""
        distance = self.value - bound
        if abs(distance) <= SIGNIFICANT * self.error:
            return Verdict.OPEN
        return Verdict.SUPPORTED if distance > 0 else Verdict.CONTRADICTED


def estimate(values: Sequence[float], errors: Sequence[float]) -> Estimate:
    """Return the mean of some runs with its standard error.

    `errors` are those of single runs, from the noise of the images, which all runs share. With
    several runs their spread tells the noise of images and seeds together as far as it differs
    from run to run; the larger of the two is taken.
    """
    images = max(errors)
    seeds = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return Estimate(fmean(values), max(images, seeds))


def all_of(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict on a claim that several have to support."""
    for decisive in (Verdict.CONTRADICTED, Verdict.UNTESTED, Verdict.OPEN):
        if decisive in verdicts:
            return decisive
    return Verdict.SUPPORTED if verdicts else Verdict.UNTESTED


def final_loss(trials: Sequence[TrialRecord], part: str) -> Estimate | None:
    """Return the loss at the end, `train` or `validation`; None unless every run completed."""
    figures = list(_figures(trials, part))
    if len(figures) < len(trials) or not figures:
        return None
    errors = [each.loss_error for each in figures]
    if any(error is None for error in errors):
        return None
    return estimate([each.loss for each in figures], [error for error in errors if error])


def accuracy(trials: Sequence[TrialRecord], part: str) -> Estimate | None:
    """Return the accuracy at the end on a part of the data; None unless every run completed."""
    figures = list(_figures(trials, part))
    if len(figures) < len(trials) or not figures:
        return None
    return estimate(
        [each.accuracy for each in figures],
        [standard_error_of_share(each.accuracy, each.n) for each in figures],
    )


def _figures(trials: Sequence[TrialRecord], part: str) -> Iterator[Figures]:
    for each in trials:
        figures = getattr(each.result, part, None)
        if each.state is State.COMPLETED and figures is not None:
            yield figures


def shown(number: Estimate, digits: int = 3) -> str:
    """Return a number with its error: `0.513 ± 0.007`."""
    return f"{number.value:.{digits}f} ± {number.error:.{digits}f}".replace("-", "−")
