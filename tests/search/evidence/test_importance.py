"""Which axis mattered, where the truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from search.evidence.importance import importance
from search.evidence.marks import Candidate, marks
from search.settings.values import Cycle
from search.space.axis import BATCH_NORM, ETA_MAX, LAM, Axis, Value
from search.space.points import Point, Space, grid
from search.space.sample import sample
from search.space.vary import vary

SPACE = Space((LAM, ETA_MAX), Cycle(10, "epochs"))
POINTS = grid([(1e-4, 1e-3, 1e-2, 1e-1), (0.01, 0.1, 1.0)])
IMAGES = 20_000


def measured(
    accuracy: Callable[[Point], float], points: tuple[Point, ...] = POINTS, *, seed: int = 0
) -> list[Candidate]:
    """Return points that label images right as often as given, by images' difficulty."""
    fate = np.random.default_rng(seed).random(IMAGES)
    own = np.random.default_rng(seed + 1).random((len(points), IMAGES))
    return [
        Candidate(point, (0.8 * fate + 0.2 * mine < accuracy(point))[None])
        for point, mine in zip(points, own, strict=True)
    ]


def at(value: Value) -> float:
    """Return a value's place on a log axis."""
    assert isinstance(value, float)
    return math.log10(value)


def shares(candidates: list[Candidate], space: Space = SPACE) -> dict[str, float]:
    """Return each term's share by its axes' names."""
    found = importance(candidates, space, rng=np.random.default_rng(0))
    assert all(each.low <= each.share <= each.high for each in found)
    assert list(found) == sorted(found, key=lambda each: -each.share)
    return {"×".join(axis.name for axis in each.axes): each.share for each in found}


def test_the_axis_that_matters_has_it_all() -> None:
    """An accuracy that follows λ alone is λ's; nothing is left for η or the pair."""
    found = shares(measured(lambda point: 0.5 + 0.05 * at(point[0])))
    assert found["lam"] == pytest.approx(1.0, abs=0.02)
    assert found["eta_max"] == pytest.approx(0.0, abs=0.02)
    assert found["lam×eta_max"] == pytest.approx(0.0, abs=0.02)


def test_a_baseline_has_a_level_of_its_own() -> None:
    """Of a sample, too, where an axis is a low polynomial: λ = 0 lies nowhere on it."""
    box = vary("--vary", ["lam=0,random:1e-4:1e-1", "eta_max=random:0.01:1"])
    points = sample(box, 64, rng=np.random.default_rng(0))
    found = shares(measured(lambda point: 0.6 if point[0] else 0.3, points))
    assert found["lam"] == pytest.approx(1.0, abs=0.03)
    assert found["eta_max"] == pytest.approx(0.0, abs=0.03)


def test_two_axes_share_by_their_variances() -> None:
    """Effects of 0.05 and 0.1 a decade over 4 and 3 even levels: variances 1.25·1 and 0.667·4."""
    found = shares(measured(lambda point: 0.6 + 0.03 * at(point[0]) + 0.06 * at(point[1])))
    whole = 1.25 * 1 + 2 / 3 * 4
    assert found["lam"] == pytest.approx(1.25 / whole, abs=0.03)
    assert found["eta_max"] == pytest.approx(2 / 3 * 4 / whole, abs=0.03)


def test_a_pair_that_decides_together_is_seen() -> None:
    """Where λ helps at one η and harms at another, neither axis explains it alone."""
    found = shares(measured(lambda point: 0.5 + 0.05 * (at(point[0]) + 2.5) * (at(point[1]) + 1)))
    assert found["lam×eta_max"] > 0.9


def test_noise_explains_nothing() -> None:
    """Of accuracies that are all alike, what is seen is noise, and its interval reaches zero."""
    found = importance(measured(lambda _: 0.5), SPACE, rng=np.random.default_rng(0))
    assert all(each.low == 0.0 for each in found)


def test_a_sample_tells_as_a_grid_does() -> None:
    """Points that are no grid stand for smooth curves of their axes."""
    box = vary("--vary", ["lam=random:1e-4:1e-1", "batch_norm=yes,no"])
    space = Space((LAM, BATCH_NORM), Cycle(10, "epochs"))
    points = sample(box, 32, rng=np.random.default_rng(0))
    found = shares(measured(lambda point: 0.5 + 0.1 * bool(point[1]), points), space)
    assert found["batch_norm"] == pytest.approx(1.0, abs=0.05)
    assert found["lam"] < 0.05


def by_least_squares(candidates: list[Candidate], space: Space) -> dict[str, float]:
    """Return each term's share by a fit of indicators and their products, solved all at once."""
    columns = list(zip(*(each.point for each in candidates), strict=True))
    accuracy = np.array([each.accuracy for each in candidates])
    bases: dict[str, np.ndarray] = {"": np.ones((len(accuracy), 1))}
    for axis, column in zip(space.axes, columns, strict=True):
        levels = np.array([[v == u for u in sorted(set(column))[1:]] for v in column])
        bases[axis.name] = levels - levels.mean(axis=0)
    for a, b in combinations([axis.name for axis in space.axes], 2):
        first, second = bases[a], bases[b]
        bases[f"{a}×{b}"] = (first[:, :, None] * second[:, None, :]).reshape(len(accuracy), -1)
    covariance = marks(candidates).covariance
    inverse = np.linalg.pinv(np.hstack(list(bases.values())))
    starts = np.cumsum([0, *(each.shape[1] for each in bases.values())])

    def beyond_noise(how: np.ndarray) -> float:
        effect = how @ accuracy
        return max(0.0, float(effect @ effect - np.trace(how @ covariance @ how.T)))

    centred = np.eye(len(accuracy)) - 1 / len(accuracy)
    whole = beyond_noise(centred)
    return {
        name: beyond_noise(basis @ inverse[start:end]) / whole
        for (name, basis), start, end in zip(bases.items(), starts, starts[1:], strict=False)
        if name
    }


@pytest.mark.parametrize("axes", [(LAM, ETA_MAX), (LAM, ETA_MAX, BATCH_NORM)])
def test_a_grids_shares_are_those_of_least_squares(axes: tuple[Axis, ...]) -> None:
    """Means of levels give the effects that a fit of the whole design gives, to rounding."""
    space = Space(axes, Cycle(10, "epochs"))
    kinds = (True, False)
    points = grid([(1e-4, 1e-3, 1e-2, 1e-1), (0.01, 0.1, 1.0), kinds][: len(axes)])

    def accuracy(point: Point) -> float:
        return 0.6 + 0.02 * at(point[0]) * (at(point[1]) + 2) + 0.05 * (point[-1] is True)

    known = measured(accuracy, points)
    assert shares(known, space) == pytest.approx(by_least_squares(known, space), abs=1e-9)


def test_the_order_of_points_does_not_matter() -> None:
    """A grid is one in whatever order its points come."""
    known = measured(lambda point: 0.6 + 0.03 * at(point[0]) + 0.06 * at(point[1]))
    shuffled = [known[k] for k in np.random.default_rng(0).permutation(len(known))]
    assert shares(shuffled) == pytest.approx(shares(known), abs=1e-9)


def test_too_few_points_tell_nothing() -> None:
    """One axis has nothing to share with; four points cannot hold two curves."""
    one = Space((LAM,), Cycle(10, "epochs"))
    assert importance([Candidate((1e-3,), np.ones((1, 9), bool))], one, rng=None) == ()  # type: ignore[arg-type]
    box = vary("--vary", ["lam=random:1e-4:1e-1", "eta_max=random:0.01:1"])
    few = sample(box, 4, rng=np.random.default_rng(0))
    assert shares(measured(lambda _: 0.5, few)) == {}
