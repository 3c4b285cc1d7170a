"""Variances of differences, held against G. Smyth's method as he wrote it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

from search.evidence.marks import Marks, marks
from search.evidence.spread import LEAST, moderated, parts, prior_freedom, variances
from tests.search.simulated import World

POINTS, RUNS, SCALE = 400, 6, 0.01**2


def sampled(true: np.ndarray, rng: np.random.Generator, runs: int = RUNS) -> Marks:
    """Return points whose runs have such variances, where images alone would give 1e-4."""
    points, every = len(true), len(true) * runs
    accuracy = 0.5 + np.repeat(np.sqrt(true), runs) * rng.standard_normal(every)
    return Marks(
        runs=np.full(points, runs),
        accuracy=accuracy,
        covariance=SCALE * np.eye(every),
        families=np.zeros(points, dtype=int),
        replicates=np.tile(np.arange(runs), points),
        images=10**6,
    )


def unlike(prior: float, rng: np.random.Generator) -> np.ndarray:
    """Return true variances as the model has them: s₀² · d₀ ∕ χ²(d₀)."""
    return SCALE * prior / rng.chisquare(prior, POINTS)


def smyth(own: np.ndarray, freedom: int) -> tuple[float, float]:
    """Return d₀ and s₀² by the moments of log s², as section 6.2 of the paper has them."""
    logs = np.log(own) - digamma(freedom / 2) + math.log(freedom / 2)
    left = float(logs.var(ddof=1) - polygamma(1, freedom / 2))
    prior = 2 * brentq(lambda half: float(polygamma(1, half)) - left, 1e-3, 1e6)
    return prior, math.exp(logs.mean() + digamma(prior / 2) - math.log(prior / 2))


@pytest.mark.parametrize("prior", [5.0, 20.0])
def test_unlike_points_are_found_to_be_so(prior: float) -> None:
    """d₀ is of the order of Smyth's and no larger: a point's own runs count no less than with his.

    What it makes of the points' variances is nearer to the truth than they are, and than the
    pooled one is; and hardly further from it than what Smyth's own numbers make of them.
    """
    rng = np.random.default_rng(0)
    true = unlike(prior, rng)
    found = sampled(true, rng)
    own = found.accuracy.reshape(POINTS, RUNS).var(axis=1, ddof=1)
    reference, scale = smyth(own, RUNS - 1)
    assert reference == pytest.approx(prior, rel=0.4)
    dispersion = float(own.mean()) / SCALE
    ours = prior_freedom(found)
    assert 0.2 * reference < ours <= reference

    def off(variance: np.ndarray) -> float:
        return float(np.mean(np.log(variance / true) ** 2))

    posterior = (reference * scale + (RUNS - 1) * own) / (reference + RUNS - 1)
    house = moderated(dispersion * SCALE, (RUNS - 1) * own, RUNS - 1, ours)
    assert off(house) < min(off(own), off(np.full(POINTS, dispersion * SCALE)))
    assert off(house) < 1.25 * off(posterior)


def test_points_that_are_alike_have_the_pooled_variance() -> None:
    """d₀ is infinite, or so large that a pair's own runs count for next to nothing."""
    rng = np.random.default_rng(1)
    priors = [prior_freedom(sampled(np.full(POINTS, SCALE), rng)) for _ in range(20)]
    assert min(priors) > 2 * RUNS
    assert np.median(priors) > 100.0


def usual(scatter: float, runs: int, later: int | None = None) -> float:
    """Return the median d₀ of ten alike points with so many times the variance of images."""
    rng = np.random.default_rng(4)
    then = None if later is None else np.full(10, later)
    found = [sampled(np.full(10, scatter * SCALE), rng, runs) for _ in range(60)]
    return float(np.median([prior_freedom(each, runs=then) for each in found]))


def test_few_runs_do_not_show_that_seeds_are_alike() -> None:
    """Where seeds make the variance d₀ is small until many runs have shown it to be large.

    Where images alone make it there is nothing that could be unlike.
    """
    assert LEAST <= usual(4.0, 3) < 3.0
    assert usual(1.0, 3) > 20.0
    assert usual(4.0, 3) < usual(4.0, 8) < usual(4.0, 30)
    assert usual(4.0, 3) < usual(4.0, 3, later=8) < usual(4.0, 3, later=30)


def test_runs_that_only_some_have_tell_of_them_alone() -> None:
    """What each value's runs leave over, with other numbers of runs, is that of the projection."""
    world = World(
        (0.6, 0.3, 0.5, 0.6, 0.4), runs=(5, 3, 5, 1, 3), seeds=0.03, families=(0, 0, 0, 0, 1)
    )
    found, _ = world.sample(np.random.default_rng(5))
    table = marks(found)
    value = np.eye(5)[np.repeat(np.arange(5), table.runs)]
    replicate = np.eye(5)[table.replicates] * (np.repeat(table.families, table.runs) == 0)[:, None]
    for rows, design in zip(table.residuals, (np.hstack([value, replicate]), value), strict=True):
        left = np.eye(len(value)) - design @ np.linalg.pinv(design)
        if design is not value:
            left[value[:, 4] > 0] = 0.0  # alone in its family: a replicate is all its own
        expected = (np.square(left @ table.accuracy), np.diag(left @ table.covariance @ left.T))
        assert rows[:2] == pytest.approx(np.array(expected) @ value, abs=1e-12)
        assert rows[2] == pytest.approx(np.diag(left) @ value, abs=1e-9)


def test_a_pair_has_its_own_variance_and_the_pooled_one() -> None:
    """V = I + (d₀ · φW + Σ(d − d̄)²) ∕ (d₀ + r − 1) ∕ r, worked out pair by pair from the images."""
    world = World((0.6, 0.55, 0.5), runs=4, seeds=0.03, difficulty=(0.4, 0.1, 0.3))
    found, _ = world.sample(np.random.default_rng(2))
    table = marks(found)
    ours = variances(parts(table, np.arange(3), 4), dispersion=1.7, prior=2.5).after(4)
    for k, first in enumerate(found):
        for j, second in enumerate(found):
            if k == j:
                assert ours[k, j] == math.inf
                continue
            d = first.correct.astype(float) - second.correct
            n = d.shape[1]
            c = np.cov(d) / n + np.eye(4) / n**2
            image = (c.sum() - np.trace(c)) / 12
            assert image > 0.0
            own = d.mean(axis=1).var(ddof=1)
            run = (2.5 * 1.7 * (np.trace(c) / 4 - image) + 3 * own) / (2.5 + 3)
            assert ours[k, j] == pytest.approx(image + run / 4, rel=1e-6)


def test_of_one_run_everything_differs_from_run_to_run() -> None:
    """What images share cannot be told from it; nothing is known of a pair's own variance."""
    found, _ = World((0.6, 0.55, 0.5)).sample(np.random.default_rng(3))
    table = marks(found)
    assert not parts(table, np.arange(3), 1).image.any()
    assert prior_freedom(table) == math.inf
