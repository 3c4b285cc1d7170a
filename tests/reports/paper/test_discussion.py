"""Verdicts on claims that are shown together: which side counts, and when none does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from reports.paper.discussion import Claim, Verdict, Weighed, above, judge, shown
from search.evidence.means import Mean
from search.evidence.sides import RATE, Sides

numbers = st.floats(-1e3, 1e3)
errors = st.floats(1e-3, 1e3)
CRITICAL = float(norm.isf(RATE / 2))


def alone(mean: Mean, bound: float = 0.0) -> Verdict:
    """Return the verdict on the claim that a mean is above a bound, where it is the only one."""
    (claim,) = judge([Weighed("It is.", "", above(mean, bound))])
    return claim.verdict


@given(numbers, errors)
def test_a_verdict_and_its_opposite(value: float, error: float) -> None:
    """What supports a claim contradicts its opposite; what leaves one open leaves both open."""
    opposite = {
        Verdict.SUPPORTED: Verdict.CONTRADICTED,
        Verdict.CONTRADICTED: Verdict.SUPPORTED,
        Verdict.OPEN: Verdict.OPEN,
    }
    assert alone(Mean(-value, error**2)) == opposite[alone(Mean(value, error**2))]


@pytest.mark.parametrize(
    ("distance", "verdict"),
    [
        (CRITICAL + 0.01, Verdict.SUPPORTED),
        (CRITICAL - 0.01, Verdict.OPEN),
        (-CRITICAL + 0.01, Verdict.OPEN),
        (-CRITICAL - 0.01, Verdict.CONTRADICTED),
    ],
)
def test_the_bound_of_a_verdict(distance: float, verdict: Verdict) -> None:
    """A mean of known error is told from a bound 1.96 of its errors away, on either side."""
    assert alone(Mean(0.5 + distance * 0.01, 0.01**2), 0.5) == verdict


def test_few_runs_have_to_be_further_away() -> None:
    """Of two runs that spread no more than images would, 1.96 errors are far too few."""
    assert alone(Mean(3.0, 1.0)) == Verdict.SUPPORTED
    assert alone(Mean(3.0, 0.0, 1.0, 1)) == Verdict.OPEN
    assert alone(Mean(13.0, 0.0, 1.0, 1)) == Verdict.SUPPORTED


def test_without_a_difference_few_verdicts_are_wrong() -> None:
    """Of normal errors around the bound itself 5 % lead to a verdict, and no more."""
    rng, n = np.random.default_rng(0), 5_000
    verdicts = [alone(Mean(value, 1.0)) for value in rng.standard_normal(n)]
    wrong = sum(verdict is not Verdict.OPEN for verdict in verdicts)
    assert binom.ppf(1e-4, n, RATE) <= wrong <= binom.isf(1e-4, n, RATE)


def test_claims_pay_for_those_beside_them() -> None:
    """What is clear alone need not be among others; what is clearer still is."""
    alone_clear, clear = Sides(0.01, 0.99), Sides(1e-6, 1.0)
    family = [Weighed("", "", alone_clear), *[Weighed("", "", Sides(0.4, 0.6))] * 5]
    assert [each.verdict for each in judge(family)] == [Verdict.OPEN] * 6
    assert judge(family[:1])[0].verdict == Verdict.SUPPORTED
    found = judge([*family, Weighed("", "", clear)])
    assert found[-1].verdict == Verdict.SUPPORTED
    assert found[-1].p == pytest.approx(7 * 2e-6)


def test_what_cannot_be_told_is_no_part_of_the_family() -> None:
    """It has the verdict that its rule gives it, no p, and costs the others nothing."""
    open_one = Weighed("", "why", None)
    untested = Weighed("", "", None, Verdict.UNTESTED)
    found = judge([open_one, untested, Weighed("", "", Sides(0.02, 0.98), seeds=True)])
    assert [each.verdict for each in found] == [
        *(Verdict.OPEN, Verdict.UNTESTED, Verdict.SUPPORTED),
    ]
    assert found[0] == Claim("", Verdict.OPEN, "why", None, these_networks=False)
    assert [each.p for each in found] == [None, None, 0.04]
    assert judge([]) == ()


def test_a_verdict_says_what_it_is_on() -> None:
    """On networks of a kind where seeds are in it, else on these networks."""
    family = [Weighed("", "", Sides(0, 1), seeds=seeds) for seeds in (True, False)]
    assert [each.these_networks for each in judge(family)] == [False, True]


def test_numbers_are_shown_with_their_errors() -> None:
    """A true minus, as many digits for both."""
    assert shown(Mean(-0.01234, 0.00567**2)) == "−0.012 ± 0.006"
