"""Rules that weigh a claim: a difference counts when it is larger than its noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.paper.discussion import SIGNIFICANT, Estimate, Verdict, all_of, estimate, shown

numbers = st.floats(-1e3, 1e3)
errors = st.floats(1e-3, 1e3)


@given(numbers, errors, numbers, errors)
def test_errors_add_as_those_of_unpaired_numbers_do(a: float, e: float, b: float, f: float) -> None:
    """The difference has the root of the summed squares, and does not depend on the order."""
    difference = Estimate(a, e) - Estimate(b, f)
    assert difference.value == a - b
    assert difference.error == pytest.approx(math.sqrt(e**2 + f**2))
    assert (Estimate(b, f) - Estimate(a, e)).error == difference.error


@given(numbers, errors)
def test_a_verdict_and_its_opposite(value: float, error: float) -> None:
    """What supports a claim contradicts its opposite; what leaves one open leaves both open."""
    opposite = {
        Verdict.SUPPORTED: Verdict.CONTRADICTED,
        Verdict.CONTRADICTED: Verdict.SUPPORTED,
        Verdict.OPEN: Verdict.OPEN,
    }
    assert Estimate(-value, error).above() == opposite[Estimate(value, error).above()]


@pytest.mark.parametrize(
    ("distance", "verdict"),
    [
        (SIGNIFICANT + 0.01, Verdict.SUPPORTED),
        (SIGNIFICANT - 0.01, Verdict.OPEN),
        (-SIGNIFICANT + 0.01, Verdict.OPEN),
        (-SIGNIFICANT - 0.01, Verdict.CONTRADICTED),
    ],
)
def test_the_bound_of_a_verdict(distance: float, verdict: Verdict) -> None:
    """A number is told from a bound when it is 1.96 of its errors away, on either side."""
    assert Estimate(0.5 + distance * 0.01, 0.01).above(0.5) == verdict


def test_without_a_difference_few_verdicts_are_wrong() -> None:
    """Of normal errors around the bound itself 5 % lead to a verdict, and no more."""
    rng = np.random.default_rng(0)
    n = 20_000
    verdicts = [Estimate(value, 1.0).above() for value in rng.standard_normal(n)]
    wrong = sum(verdict is not Verdict.OPEN for verdict in verdicts) / n
    assert abs(wrong - 0.05) < 4 * math.sqrt(0.05 * 0.95 / n)


def test_runs_that_differ_widen_the_error() -> None:
    """The larger of the images' noise and the runs' own is taken."""
    assert estimate([0.5], [0.01]) == Estimate(0.5, 0.01)
    assert estimate([0.5, 0.5, 0.5], [0.01] * 3) == Estimate(0.5, 0.01)
    wide = estimate([0.4, 0.5, 0.6], [0.01] * 3)
    assert wide.value == pytest.approx(0.5)
    assert wide.error == pytest.approx(0.1 / math.sqrt(3))


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ([], Verdict.UNTESTED),
        ([Verdict.SUPPORTED, Verdict.SUPPORTED], Verdict.SUPPORTED),
        ([Verdict.SUPPORTED, Verdict.OPEN], Verdict.OPEN),
        ([Verdict.OPEN, Verdict.UNTESTED], Verdict.UNTESTED),
        ([Verdict.UNTESTED, Verdict.CONTRADICTED, Verdict.SUPPORTED], Verdict.CONTRADICTED),
    ],
)
def test_a_claim_of_several_parts(verdicts: list[Verdict], whole: Verdict) -> None:
    """One part that is wrong decides; one that is open leaves the whole open."""
    assert all_of(verdicts) == whole


def test_numbers_are_shown_with_their_errors() -> None:
    """A true minus, as many digits for both."""
    assert shown(Estimate(-0.01234, 0.00567)) == "−0.012 ± 0.006"
