"""Which axis mattered: how much of the accuracies' variance each axis, and each pair, explains.

An analysis of variance (R. A. Fisher, 1925) of the points of a first look, grid or sample: the
accuracy is a mean, an effect of each axis, an effect of each pair beyond those, and a rest. What
the noise of images and seeds alone would explain is taken off; draws of that noise give intervals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float

from search.evidence.marks import Candidate, Marks, marks
from search.space.axis import Axis, Value
from search.space.points import Point, Space

DRAWS = 1_000
"""Simulated noises behind an interval."""
DEGREE = 2
"""Of the polynomial that stands for an ordered axis whose values are no grid."""


@dataclass(frozen=True)
class Share:
    """What an axis or a pair explains of the variance of accuracy."""

    axes: tuple[Axis, ...]
    share: float
    """0 to 1, of the variance over the points beyond that of noise."""
    low: float
    high: float
    """The ends of its 95 % interval."""


Maps = dict[tuple[Axis, ...], Float[np.ndarray, "k k"]]
"""Linear maps from the points' accuracies to each term's effect at the points."""


def importance(
    candidates: Sequence[Candidate], space: Space, *, rng: np.random.Generator
) -> tuple[Share, ...]:
    """Return each axis's share and, where there are points enough, each pair's; largest first.

    None where there is one axis, or where the points are too few to tell axes apart.
    """
    points = [each.point for each in candidates]
    levels = [set(column) for column in zip(*points, strict=True)]
    crossed = len(set(points)) == math.prod(map(len, levels))
    effects = _of_grid(space, points) if crossed else _of_curves(space, points)
    if len(space.axes) < 2 or not effects:
        return ()
    accuracy, covariance = _means(marks(candidates))
    maps = {**effects, (): np.eye(len(points)) - 1.0 / len(points)}
    noise = {term: float(np.sum((each @ covariance) * each)) for term, each in maps.items()}
    found = _shares(maps, accuracy[:, None], noise)
    drawn = rng.multivariate_normal(accuracy, covariance, DRAWS, method="eigh").T
    simulated = _shares(maps, drawn, {term: 2 * each for term, each in noise.items()})
    shares = [
        Share(term, float(found[term][0]), *np.quantile(simulated[term], (0.025, 0.975)).tolist())
        for term in effects
    ]
    return tuple(sorted(shares, key=lambda each: -each.share))


def _of_grid(space: Space, points: Sequence[Point]) -> Maps:
    """Return the effects of a whole grid's axes and pairs: means of levels, less what is lower."""
    whole = np.full((len(points), len(points)), 1.0 / len(points))
    columns = zip(space.axes, zip(*points, strict=True), strict=True)
    same = {axis: np.array([[a == b for b in column] for a in column]) for axis, column in columns}
    single: Maps = {(axis,): _averages(each) - whole for axis, each in same.items()}
    pairs: Maps = {
        (a, b): _averages(same[a] & same[b]) - single[a,] - single[b,] - whole
        for a, b in combinations(space.axes, 2)
    }
    return {**single, **pairs}


def _averages(same: Bool[np.ndarray, "k k"]) -> Float[np.ndarray, "k k"]:
    """Return the map to the mean over the points that are the same in something."""
    return np.asarray(same / same.sum(axis=1))


def _of_curves(space: Space, points: Sequence[Point]) -> Maps:
    """Return the effects of low polynomials of the axes, and of the products of straight lines.

    None where the points are too few for them.
    """
    bases = _bases(space, points)
    design = np.hstack([np.ones((len(points), 1)), *bases.values()])
    if design.shape[1] > len(points):
        return {}
    inverse = np.linalg.pinv(design)
    ends = np.cumsum([1, *(basis.shape[1] for basis in bases.values())])
    return {
        term: basis @ inverse[start:end]
        for (term, basis), start, end in zip(bases.items(), ends, ends[1:], strict=False)
    }


Bases = dict[tuple[Axis, ...], Float[np.ndarray, "k p"]]


def _bases(space: Space, points: Sequence[Point]) -> Bases:
    """Return centred functions of the points: of each axis and, if few enough, of each pair."""
    single: Bases = {
        (axis,): _centred(_powers(axis, column) if axis.ordered else _levels(column))
        for axis, column in zip(space.axes, zip(*points, strict=True), strict=True)
    }
    pairs: Bases = {
        (a, b): _centred(single[a,][:, :1] * single[b,][:, :1])
        for a, b in combinations(space.axes, 2)
    }
    width = 1 + sum(each.shape[1] for each in (*single.values(), *pairs.values()))
    return {**single, **pairs} if width <= len(points) else single


def _levels(column: Sequence[Value]) -> Float[np.ndarray, "k p"]:
    """Return an indicator for each level but the first."""
    levels = sorted(set(column))[1:]
    return np.array([[value == level for level in levels] for value in column], dtype=float)


def _powers(axis: Axis, column: Sequence[Value]) -> Float[np.ndarray, "k p"]:
    """Return the powers of an ordered axis's values, scaled to lie between −1 and 1.

    A baseline, which lies nowhere on the axis, has a level of its own.
    """
    apart = np.array([value == axis.baseline for value in column])
    at = np.array([axis.at(float(value)) for value in axis.placed(column)])  # type: ignore[arg-type]
    low, high = at.min(initial=np.inf), at.max(initial=-np.inf)
    scaled = np.zeros(len(column))
    scaled[~apart] = 2.0 * (at - low) / max(high - low, np.finfo(float).tiny) - 1.0
    powers = [scaled**power for power in range(1, DEGREE + 1)]
    return np.stack([*powers, *([apart.astype(float)] if apart.any() else [])], axis=1)


def _centred(basis: Float[np.ndarray, "k p"]) -> Float[np.ndarray, "k p"]:
    return np.asarray(basis - basis.mean(axis=0))


def _means(table: Marks) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "k k"]]:
    """Return each point's mean accuracy, and their covariance over images and seeds."""
    own = np.repeat(np.eye(len(table.runs)), table.runs, axis=1) / table.runs[:, None]
    noise = table.covariance + table.seeds.interaction * np.eye(len(table.covariance))
    return own @ table.accuracy, own @ noise @ own.T


def _shares(
    maps: Maps,
    accuracy: Float[np.ndarray, "k b"],
    noise: dict[tuple[Axis, ...], float],
) -> dict[tuple[Axis, ...], Float[np.ndarray, " b"]]:
    """Return each term's share of the whole sum of squares, less what noise explains."""
    squares = {
        term: np.maximum(0.0, np.sum((each @ accuracy) ** 2, axis=0) - noise[term])
        for term, each in maps.items()
    }
    whole = np.maximum(squares[()], np.finfo(float).tiny)
    return {term: np.minimum(1.0, each / whole) for term, each in squares.items()}
