"""Levels of values with as many runs, held against tables and against the same figures by hand."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import norm

from search.evidence.boundary import Noise, leads
from search.evidence.marks import Candidate, marks
from search.evidence.pairs import levels
from tests.search.simulated import World

WORLDS = {
    "one run": World((0.6,) * 5),
    "three runs": World((0.6,) * 5, runs=3, seeds=0.05),
    "some": World((0.6,) * 6, runs=(3, 1, 2, 3, 1, 5), seeds=0.02, difficulty=(0.4, 0.1, 0.2)),
}
DRAWS = 40_000


@pytest.fixture(params=WORLDS)
def candidates(request: pytest.FixtureRequest) -> list[Candidate]:
    """Return a search's candidates."""
    found, _ = WORLDS[request.param].sample(np.random.default_rng(7))
    return found


def test_values_are_compared_by_their_first_runs(candidates: list[Candidate]) -> None:
    """Each number of runs is a level of the values that have as many, with these runs' means."""
    found = levels(marks(candidates))
    assert [each.runs for each in found] == sorted({each.runs for each in candidates})
    for level in found:
        rows = [each for each in candidates if each.runs >= level.runs]
        assert [candidates[k] for k in level.values] == rows
        means = [each.correct[: level.runs].mean() for each in rows]
        assert level.accuracy == pytest.approx(means, abs=1e-12)


def test_simulated_errors_vary_as_the_means_do(candidates: list[Candidate]) -> None:
    """Their differences have the variance that is pooled over all values, φ being 1 at least."""
    table = marks(candidates)
    seeds, starts = table.seeds, table.starts
    for level in levels(table):
        m = level.runs
        error = level.errors(DRAWS, np.random.default_rng(0))
        for k, j in combinations(range(len(level.values)), 2):
            first, second = (starts[level.values[each]] + np.arange(m) for each in (k, j))
            covariance = table.covariance
            c = covariance[np.ix_(first, first)] + covariance[np.ix_(second, second)]
            c -= covariance[np.ix_(first, second)] + covariance[np.ix_(second, first)]
            image = (c.sum() - np.trace(c)) / (m * (m - 1)) if m > 1 else 0.0
            run = max(1.0, seeds.dispersion) * (np.trace(c) / m - image)
            assert np.var(error[k] - error[j]) == pytest.approx(image + run / m, rel=0.05)


def test_the_largest_of_a_family_is_dunnetts() -> None:
    """Of four others with independent errors it has C. Dunnett's two-sided 5 % points (1964)."""
    for freedom, expected in ((10, 2.89), (20, 2.65), (10**6, 2.44)):
        noise = Noise(np.zeros((5, 5)), np.eye(5), math.inf, (freedom,))
        rows, rng = np.arange(5), np.random.default_rng(0)
        (found,) = leads(noise, (1,), rows, DRAWS, rng, behind=True)
        assert np.quantile(found, 0.95, axis=1) == pytest.approx(expected, rel=0.02)


def test_many_values_share_the_largest() -> None:
    """Beyond 100 some are simulated, and one stands for all: wider than for one pair by far."""
    found, _ = World((0.6,) * 120, images=200).sample(np.random.default_rng(0))
    (level,) = levels(marks(found))
    largest = level.largest(0.95, 500, np.random.default_rng(0))
    assert largest.shape == (120, 500)
    assert np.quantile(largest[0], 0.95) > norm.isf(0.025 / 20)


def test_the_noise_of_seeds_is_that_of_the_residuals() -> None:
    """The fit of accuracy = value + replicate is that of any least squares, runs missing or not."""
    found, _ = WORLDS["some"].sample(np.random.default_rng(7))
    table = marks(found)
    value = np.repeat(np.arange(6), table.runs)
    replicate = np.concatenate([np.arange(runs) for runs in table.runs])
    design = np.hstack([np.eye(6)[value], np.eye(5)[replicate]])
    project = np.eye(len(value)) - design @ np.linalg.pinv(design)
    freedom = round(np.trace(project))
    residual = project @ table.accuracy
    images = np.trace(project @ table.covariance)
    half = 0.5 / found[0].correct.shape[1] ** 2
    assert table.seeds.freedom == freedom == 5
    assert table.seeds.dispersion == pytest.approx(
        (residual @ residual + freedom * half) / images, rel=1e-9
    )
