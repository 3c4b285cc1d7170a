"""Mean accuracies along one axis, over the points of the others."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from search.evidence.margins import PARTS, REACH, margin
from search.evidence.marks import Candidate, Seeds
from search.settings.values import Cycle
from search.space.axis import ETA_MAX, HIDDEN, LAM, SCHEDULE
from search.space.points import Space

SPACE = Space((ETA_MAX, LAM), Cycle(10, "epochs"))
NO_SEEDS = Seeds()


def candidate(point: tuple[object, ...], right: int, images: int = 100, runs: int = 1) -> Candidate:
    """Return a point whose runs labelled the first so many images right."""
    correct = np.tile(np.arange(images) < right, (runs, 1))
    return Candidate(point, correct)  # type: ignore[arg-type]


GRID = [
    candidate((eta, lam), right)
    for (eta, lam), right in zip(
        product((0.1, 1.0), (1e-3, 1e-2, 1e-1)), (10, 20, 30, 50, 60, 70), strict=True
    )
]


def test_a_value_s_mean_is_over_the_points_that_have_it() -> None:
    """Whatever the other axes are, and in the axis's order."""
    first, second = margin(GRID[::-1], SPACE, ETA_MAX, NO_SEEDS)
    assert (first.first, first.last, first.points) == (0.1, 0.1, 3)
    assert first.accuracy == pytest.approx(0.2)
    assert second.accuracy == pytest.approx(0.6)
    lams = margin(GRID, SPACE, LAM, NO_SEEDS)
    assert [each.accuracy for each in lams] == pytest.approx([0.3, 0.4, 0.5])


def test_the_interval_holds_the_noise_of_images_that_points_share() -> None:
    """Images are shared, so that more points make it no narrower than they disagree."""
    (mean, _) = margin(GRID, SPACE, ETA_MAX, NO_SEEDS)
    right = np.mean([each.correct[0] for each in GRID[:3]], axis=0)
    assert mean.high - mean.accuracy == pytest.approx(REACH * np.sqrt(right.var() / 100))
    assert mean.accuracy - mean.low == pytest.approx(mean.high - mean.accuracy)
    assert pytest.approx(1.96, abs=1e-3) == REACH


def test_the_interval_holds_the_noise_of_seeds_that_points_share() -> None:
    """Of one seed, what all points share stays; what they do not is averaged away."""
    alike = [candidate((0.1, lam), 50) for lam in (1e-3, 1e-2)]
    images = 0.25 / 100
    shared, alone = Seeds(1, level=0.04), Seeds(1, interaction=0.04, level=0.04)
    for seeds, variance in ((shared, 0.04), (alone, 0.04 / 2)):
        (mean,) = margin(alike, SPACE, ETA_MAX, seeds)
        assert mean.high - mean.accuracy == pytest.approx(REACH * np.sqrt(images + variance))
    apart = [Candidate(each.point, each.correct, k) for k, each in enumerate(alike)]
    (mean,) = margin(apart, SPACE, ETA_MAX, shared)  # other widths, other weights
    assert mean.high - mean.accuracy == pytest.approx(REACH * np.sqrt(images + 0.04 / 2))


def test_an_axis_of_many_values_is_cut_into_parts() -> None:
    """A sample's points have a value each: a mean is over equally many of them."""
    points = [candidate((0.001 * k, 1e-3), k) for k in range(1, 51)]
    means = margin(points, SPACE, ETA_MAX, NO_SEEDS)
    assert [each.points for each in means] == [10] * PARTS
    assert means[0].last < means[1].first  # type: ignore[operator]
    assert [each.accuracy for each in means] == pytest.approx([0.055, 0.155, 0.255, 0.355, 0.455])


def test_an_unordered_axis_is_never_cut() -> None:
    """Nothing lies between its values."""
    space = Space((HIDDEN, SCHEDULE), Cycle(10, "epochs"))
    points = [candidate(((k,), "cosine"), k) for k in range(1, 21)]
    assert len(margin(points, space, HIDDEN, NO_SEEDS)) == 20


def test_a_baseline_is_a_part_of_its_own() -> None:
    """However many values lie on the axis beside it."""
    lams = (0.0, *np.geomspace(1e-4, 1e-1, 4 * PARTS).tolist())
    first, *others = margin(
        [candidate((0.1, lam), 10 + 40 * (lam > 0)) for lam in lams], SPACE, LAM, NO_SEEDS
    )
    assert (first.first, first.last, first.points) == (0.0, 0.0, 1)
    assert first.accuracy == pytest.approx(0.1)
    assert len(others) == PARTS
    assert {each.accuracy for each in others} == {0.5}
