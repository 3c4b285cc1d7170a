"""The boundary of a race: what it spends, and that equal seeds give equal ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from search.evidence.boundary import Noise, boundary, thresholds

LOOKS = (3, 5, 8)


def noise(points: int = 4, *, prior: float = math.inf, freedoms: tuple[int, ...]) -> Noise:
    """Return the errors of points whose images are alike and whose runs are their own."""
    return Noise(1e-5 * np.eye(points), 4e-5 * np.eye(points), prior, freedoms)


def edges(of: Noise, *, seed: int = 0, alpha: float = 0.05) -> np.ndarray:
    """Return the boundary of all points."""
    rows = np.arange(len(of.image))
    spent = [alpha * runs / LOOKS[-1] for runs in LOOKS]
    looks = LOOKS[: len(of.freedoms)]
    return boundary(of, looks, spent, rows, rng=np.random.default_rng(seed))


def test_paths_cross_as_often_as_is_spent() -> None:
    """Up to look t a path crosses in α·r_t/r_T of the races, as far as that is a whole number."""
    leads = np.random.default_rng(0).standard_normal((3, 2, 10_000)).cumsum(axis=0)
    spent = [0.05 * runs / 8 for runs in LOOKS]
    found = thresholds(leads, spent)
    crossed = leads > found[:, :, None]
    for look, share in enumerate(spent):
        rate = crossed[: look + 1].any(axis=0).mean(axis=1)
        assert np.all(rate <= share)
        assert rate == pytest.approx(share, abs=1e-3)


def test_the_boundary_of_a_pair_with_known_noise_is_the_normal_quantile() -> None:
    """Of two points and very many degrees of freedom, at one look, it is that of 1 − α."""
    of = noise(2, freedoms=(10**6,))
    found = boundary(of, (3,), (0.05,), np.arange(2), rng=np.random.default_rng(0))
    assert found == pytest.approx(norm.isf(0.05), abs=0.06)


def test_less_knowledge_moves_it_out() -> None:
    """Few degrees of freedom, more points and points that are unlike each ask for a longer lead."""
    plain = edges(noise(freedoms=(1000,)))
    assert np.all(edges(noise(freedoms=(4,))) > plain)
    assert np.all(edges(noise(8, freedoms=(1000,)))[:, :4] > plain)
    assert np.all(edges(noise(prior=1.0, freedoms=(1000,))) > plain)


@pytest.mark.parametrize("prior", [math.inf, 2.0])
def test_boundaries_that_were_passed_stay(prior: float) -> None:
    """What later looks bring moves no earlier boundary; an equal generator gives equal ones."""
    one, all_of_them = (noise(prior=prior, freedoms=(6, 12, 20)[:n]) for n in (1, 3))
    found = edges(all_of_them)
    assert np.array_equal(edges(one), found[:1])
    assert np.array_equal(edges(all_of_them), found)


def test_where_nothing_is_left_to_spend_it_stays() -> None:
    """A look that may spend no more than those before it has their boundary."""
    leads = np.random.default_rng(0).standard_normal((2, 3, 1_000))
    found = thresholds(leads, [0.05, 0.05])
    assert np.array_equal(found[0], found[1])


def test_many_points_share_the_largest_boundary() -> None:
    """Beyond 100 points some stand for all, by the largest: never less than each one's own."""
    rng = np.random.default_rng(0)
    spread = np.diag(rng.uniform(1e-5, 4e-5, 120))
    of = Noise(spread, spread, math.inf, (200,))
    found = edges(of)
    assert found.shape == (1, 120)
    assert len(set(found[0])) == 1
