"""Claims that are judged together: how often any verdict is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import binom

from search.evidence.chance import chance_of, chance_of_none, largest_share
from search.evidence.sides import RATE, Sides, all_of, corrected


def sides(z: float) -> Sides:
    """Return those of a normal number that speaks for a claim where it is large."""
    return Sides(support=float(ndtr(-z)), against=float(ndtr(z)))


def test_the_clearer_side_counts() -> None:
    """Twice its p-value, for it was chosen; never more than 1."""
    assert sides(2.0).p == sides(-2.0).p == pytest.approx(2 * ndtr(-2))
    assert Sides(0.7, 0.9).p == 1.0


def test_a_whole_is_as_sure_as_its_least_sure_part() -> None:
    """For it all have to speak; against it one may, which pays for the number of parts."""
    whole = all_of([sides(4.0), sides(3.0), sides(-1.0)])
    assert whole.support == sides(-1.0).support
    assert whole.against == pytest.approx(3 * sides(-1.0).against)
    assert all_of([sides(2.0)]) == sides(2.0)


def test_a_family_is_corrected_as_holm_does() -> None:
    """Three p-values of 0.01, 0.02 and 0.5 become 0.03, 0.04 and 0.5."""
    assert corrected([Sides(0.01, 1), Sides(1, 0.005), Sides(0.25, 1)]) == [0.04, 0.03, 0.5]
    assert corrected([]) == []


def test_a_claim_of_parts_is_seldom_contradicted_wrongly() -> None:
    """Of 2,000 claims of two to five parts, each at its bound, few are: one in 40 at most.

    With an error of 1.96 standard errors a part, 5 to 12 % were: the bound is far below.
    """
    rng, claims = np.random.default_rng(0), 2_000
    for parts in (2, 3, 5):
        bound = binom.isf(1e-4, claims, RATE / 2)
        assert binom.cdf(bound, claims, 1 - (1 - RATE / 2) ** parts) < (0.2 if parts == 2 else 1e-2)
        wholes = [all_of([sides(z) for z in rng.standard_normal(parts)]) for _ in range(claims)]
        assert sum(2 * whole.against < RATE for whole in wholes) <= bound
        assert sum(2 * whole.support < RATE for whole in wholes) <= bound


def test_few_families_hold_a_wrong_verdict() -> None:
    """Of eight claims, three of parts, all at their bounds: one family in 20 at most."""
    rng, families = np.random.default_rng(1), 2_000
    bound = binom.isf(1e-4, families, RATE)
    assert binom.cdf(bound, families, 1 - (1 - RATE) ** 8) < 1e-4
    wrong = 0
    for _ in range(families):
        claims = [sides(z) for z in rng.standard_normal(5)]
        claims += [all_of([sides(z) for z in rng.standard_normal(k)]) for k in (2, 3, 4)]
        wrong += min(corrected(claims)) < RATE
    assert wrong <= bound


# --- networks that do not learn -------------------------------------------------------


def labels_of(n: int, rng: np.random.Generator, shares: np.ndarray) -> np.ndarray:
    """Return the labels of n images drawn from all there are."""
    return rng.choice(len(shares), n, p=shares)


EVEN = np.full(10, 0.1)
UNEVEN = np.array([0.4, *[0.6 / 9] * 9])


def supported(n: int, *, above: float, shares: np.ndarray, cases: int) -> int:
    """Count how often a network so far above the largest share is said not to learn."""
    rng, found = np.random.default_rng(n), 0
    truth = shares.max() + above
    for _ in range(cases):
        share = largest_share(labels_of(n, rng, shares))
        accuracy = rng.binomial(n, truth) / n
        p = chance_of_none(accuracy, share=share, n=n, classes=10)
        found += 2 * p < RATE and 2 * chance_of(accuracy, share=share, n=n) >= RATE
    return found


@pytest.mark.parametrize("n", [144, 5_000])
@pytest.mark.parametrize("shares", [EVEN, UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize("above", [0.021, 0.05])
def test_what_learns_a_little_is_seldom_said_not_to(
    n: int, shares: np.ndarray, above: float
) -> None:
    """Just beyond the margin or well beyond it; by non-rejection 60 % were at n = 144."""
    bound = binom.isf(1e-4, 1_000, RATE / 2)
    assert binom.cdf(bound, 1_000, 0.6) < 1e-4
    assert supported(n, above=above, shares=shares, cases=1_000) <= bound


def test_what_names_one_class_is_said_not_to_learn_where_images_suffice() -> None:
    """Nearly always on 5,000 images; on 144 it mostly stays open."""
    assert supported(5_000, above=0.0, shares=EVEN, cases=500) > 450
    assert supported(144, above=0.0, shares=EVEN, cases=500) < 100
