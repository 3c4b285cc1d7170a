"""What the reference report claims, held against what was measured: by rules, never by hand.

A rule says how well the data speak for a claim and against it; which of that counts is decided for
all claims together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from search.evidence.marks import standard_error_of_share
from search.evidence.means import Mean, Runs
from search.evidence.sides import RATE, Sides, corrected
from search.records import Figures, State, TrialRecord


class Verdict(StrEnum):
    """What the data say of a claim."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    OPEN = "not distinguishable"
    UNTESTED = "not tested"
    """What it speaks of was not trained, or has not ended."""


@dataclass(frozen=True)
class Weighed:
    """A claim, and what the data say for it and against it."""

    text: str
    figures: str
    """What supports or contradicts it, in words."""
    sides: Sides | None = None
    """None where the data cannot tell, however large a difference is."""
    otherwise: Verdict = Verdict.OPEN
    """What is to be said where neither side is clear."""
    seeds: bool = False
    """Whether what other seeds would change is in it, so that it is about networks of a kind."""


@dataclass(frozen=True)
class Claim:
    """A claim with its verdict."""

    text: str
    verdict: Verdict
    figures: str
    """What supports or contradicts it, in words."""
    p: float | None
    """Of the clearer side, corrected for all claims that are judged with it; None of one that the
    data cannot tell."""
    these_networks: bool
    """Whether the verdict is on the networks that were trained, and not on others like them."""


def judge(family: Sequence[Weighed]) -> tuple[Claim, ...]:
    """Return the verdicts on claims that are shown together.

    Any of them is wrong in at most `RATE` of reports.
    """
    p_values = iter(corrected([each.sides for each in family if each.sides]))
    return tuple(_claim(each, next(p_values) if each.sides else None) for each in family)


def _claim(weighed: Weighed, p: float | None) -> Claim:
    verdict = weighed.otherwise
    if weighed.sides and p is not None and p < RATE:
        supported = weighed.sides.support < weighed.sides.against
        verdict = Verdict.SUPPORTED if supported else Verdict.CONTRADICTED
    return Claim(
        weighed.text,
        verdict,
        weighed.figures,
        p,
        these_networks=weighed.sides is not None and not weighed.seeds,
    )


def above(mean: Mean, bound: float = 0.0) -> Sides:
    """Return the sides of the claim that a mean lies above a bound."""
    tail = mean.tail(bound)
    return Sides(support=tail, against=1.0 - tail)


def final_figures(trials: Sequence[TrialRecord], part: str) -> list[Figures] | None:
    """Return the runs' figures at the end on a part of the data; None unless all completed."""
    figures = list(_figures(trials, part))
    return figures if figures and len(figures) == len(trials) else None


def _figures(trials: Sequence[TrialRecord], part: str) -> Iterator[Figures]:
    for each in trials:
        figures = each.figures(part)
        if each.state is State.COMPLETED and figures is not None:
            yield figures


def accuracy(trials: Sequence[TrialRecord], part: str) -> Mean | None:
    """Return the mean accuracy on a part of the data; None unless every run completed."""
    figures = final_figures(trials, part)
    if figures is None:
        return None
    errors = [standard_error_of_share(each.accuracy, each.n) for each in figures]
    return Runs([each.accuracy for each in figures], [error**2 for error in errors]).mean()


def shown(number: Mean, digits: int = 3) -> str:
    """Return a number with its error: `0.513 ± 0.007`."""
    return f"{number.value:.{digits}f} ± {number.error:.{digits}f}".replace("-", "−")
