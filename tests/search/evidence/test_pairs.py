"""Pairs of values, held against the same figures worked out pair by pair."""

from __future__ import annotations

import math

import numpy as np
import pytest

from search.evidence.marks import Candidate, Marks, marks
from search.evidence.pairs import BLOCK, Draws, largest, levels, simulate
from tests.search.simulated import World

WORLDS = {
    "one run": World((0.6,) * 5),
    "three runs": World((0.6,) * 5, runs=3, seeds=0.05),
    "some": World((0.6,) * 6, runs=(3, 1, 2, 3, 1, 5), seeds=0.02, difficulty=(0.4, 0.1, 0.2)),
}
DRAWS = BLOCK + 50
"""More than are worked on together."""


@pytest.fixture(params=WORLDS)
def candidates(request: pytest.FixtureRequest) -> list[Candidate]:
    """Return a search's candidates."""
    found, _ = WORLDS[request.param].sample(np.random.default_rng(7))
    return found


def variances(first: Candidate, second: Candidate, table: Marks) -> tuple[float, float, float]:
    """Return a difference's variance: that of images, that of runs, and that of simulated ones."""
    m = min(first.runs, second.runs)
    d = first.correct[:m].astype(float) - second.correct[:m]
    n = d.shape[1]
    c = np.atleast_2d(np.cov(d)) / n + np.eye(m) / n**2
    total, single = c.mean(), np.trace(c) / m
    image = min(max(0.0, (m * total - single) / (m - 1)), total) if m > 1 else 0.0
    seeds = table.seeds
    return image, seeds.dispersion * (total - image), total + 2 * seeds.interaction / m


def test_pairs_are_compared_on_common_runs(candidates: list[Candidate]) -> None:
    """Each pair stands at one level, with the variances that its images give it alone."""
    table = marks(candidates)
    seen = np.zeros((len(candidates),) * 2, dtype=int)
    for level in levels(table, simulate(table, np.random.default_rng(0), DRAWS)):
        for i, j in np.argwhere(level.compared):
            first, second = (candidates[level.values[each]] for each in (i, j))
            seen[level.values[i], level.values[j]] += 1
            assert level.runs == min(first.runs, second.runs)
            accuracy = first.correct[: level.runs].mean() - second.correct[: level.runs].mean()
            assert level.difference(j)[i] == pytest.approx(accuracy, abs=1e-12)
            found = (level.image[i, j], level.run[i, j], level.sampling[i, j])
            assert found == pytest.approx(variances(first, second, table), rel=1e-6)
    assert np.array_equal(seen, 1 - np.eye(len(candidates), dtype=int))


def test_the_largest_difference_is_that_of_all(candidates: list[Candidate]) -> None:
    """It is the largest of each pair's simulated difference over its estimated error."""
    table = marks(candidates)
    draws = simulate(table, np.random.default_rng(0), DRAWS)
    found = largest(table, draws, levels(table, draws))
    for k, first in enumerate(candidates):
        others = [j for j in range(len(candidates)) if j != k]
        each = [studentised(candidates, k, j, table, draws) for j in others]
        assert found[k] == pytest.approx(np.max(each, axis=0), rel=1e-6), first.point


def studentised(
    candidates: list[Candidate], k: int, j: int, table: Marks, draws: Draws
) -> np.ndarray:
    """Return a pair's simulated differences over their errors, as estimated in each draw."""
    m = min(candidates[k].runs, candidates[j].runs)
    rows = np.split(draws.error, table.starts[1:])
    difference = rows[k][:m].mean(axis=0) - rows[j][:m].mean(axis=0)
    image, run, sampling = variances(candidates[k], candidates[j], table)
    run /= min(1.0, table.seeds.dispersion)
    share = run / (image + run)
    return np.asarray(
        np.abs(difference) / math.sqrt(sampling) / np.sqrt(1 - share + share * draws.scale)
    )


def test_simulated_errors_vary_as_the_runs_do() -> None:
    """Their covariance is that of the images and, on the diagonal, that of seeds."""
    found, _ = WORLDS["some"].sample(np.random.default_rng(7))
    table = marks(found)
    error = simulate(table, np.random.default_rng(0), 200_000).error
    expected = table.covariance + table.seeds.interaction * np.eye(len(error))
    assert np.cov(error) == pytest.approx(expected, abs=0.02 * expected.max())


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
