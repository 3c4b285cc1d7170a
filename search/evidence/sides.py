"""What data say for a claim and what against it, when several claims are judged together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from search.evidence.mcnemar import holm

RATE = 0.05
"""Rate at which any claim of a family is judged wrongly, at most."""


@dataclass(frozen=True)
class Sides:
    """Two one-sided p-values."""

    support: float
    """Chance of data that speak for the claim this clearly, were it not true."""
    against: float
    """Chance of data that speak against it this clearly, were it true."""

    @property
    def p(self) -> float:
        """The two-sided p-value: that of whichever side is clearer."""
        return min(1.0, 2 * min(self.support, self.against))


def all_of(parts: Sequence[Sides]) -> Sides:
    """Return the sides of a claim that is true where all its parts are.

    For it every part has to speak, so that the least sure one decides, at no price (an
    intersection-union test: R. Berger, *Technometrics* 24, 1982). Against it any one may, and the
    surest of several is sure by chance more often than one is: it pays for their number.
    """
    return Sides(
        support=max(each.support for each in parts),
        against=min(1.0, len(parts) * min(each.against for each in parts)),
    )


def corrected(family: Sequence[Sides]) -> list[float]:
    """Return the claims' p-values, corrected for being judged together (S. Holm, 1979)."""
    return [float(p) for p in holm([each.p for each in family])] if family else []
