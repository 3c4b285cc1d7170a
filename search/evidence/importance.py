"""Which axis mattered: how much of the accuracies' variance each axis, and each pair, explains.

An analysis of variance (R. A. Fisher, 1925) of the points of a first look, grid or sample: the
accuracy is a mean, an effect of each axis, an effect of each pair beyond those, and a rest. What
the noise of images and seeds alone would explain is taken off; draws of that noise give intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float

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


def importance(
    candidates: Sequence[Candidate], space: Space, *, rng: np.random.Generator
) -> tuple[Share, ...]:
    """Return each axis's share and, where there are points enough, each pair's; largest first.

    None where there is one axis, or where the points are too few to tell axes apart.
    """
    points = [each.point for each in candidates]
    bases = _bases(space, points)
    design = np.hstack([np.ones((len(points), 1)), *bases.values()])
    if len(space.axes) < 2 or design.shape[1] > len(points):
        return ()
    table = marks(candidates)
    accuracy, covariance = _means(table)
    inverse = np.linalg.pinv(design)
    ends = np.cumsum([1, *(basis.shape[1] for basis in bases.values())])
    # Each term's effect at the points is a linear map of the accuracies.
    maps = {
        term: basis @ inverse[start:end]
        for (term, basis), start, end in zip(bases.items(), ends, ends[1:], strict=False)
    }
    centre = np.eye(len(points)) - 1.0 / len(points)
    maps = {term: centre @ each for term, each in maps.items()} | {(): centre}
    noise = {term: float(np.sum((each @ covariance) * each)) for term, each in maps.items()}
    found = _shares(maps, accuracy[:, None], noise)
    drawn = rng.multivariate_normal(accuracy, covariance, DRAWS, method="eigh").T
    simulated = _shares(maps, drawn, {term: 2 * each for term, each in noise.items()})
    shares = [
        Share(term, float(found[term][0]), *np.quantile(simulated[term], (0.025, 0.975)).tolist())
        for term in bases
    ]
    return tuple(sorted(shares, key=lambda each: -each.share))


Bases = dict[tuple[Axis, ...], Float[np.ndarray, "k p"]]


def _bases(space: Space, points: Sequence[Point]) -> Bases:
    """Return centred functions of the points: of each axis and, if few enough, of each pair."""
    columns = [list(values) for values in zip(*points, strict=True)]
    levels = [sorted(set(column)) for column in columns]
    crossed = len(set(points)) == np.prod([len(each) for each in levels])
    single: Bases = {
        (axis,): _centred(
            _levels(column, level) if crossed or not axis.ordered else _powers(axis, column)
        )
        for axis, column, level in zip(space.axes, columns, levels, strict=True)
    }
    used = None if crossed else 1  # of what is no grid, the product of two straight lines
    pairs: Bases = {
        (first, second): _centred(_products(single[first,][:, :used], single[second,][:, :used]))
        for first, second in combinations(space.axes, 2)
    }
    width = 1 + sum(each.shape[1] for each in (*single.values(), *pairs.values()))
    return {**single, **pairs} if width <= len(points) else single


def _products(
    first: Float[np.ndarray, "k p"], second: Float[np.ndarray, "k q"]
) -> Float[np.ndarray, "k pq"]:
    """Return the product of each two columns."""
    return np.asarray(np.einsum("kp,kq->kpq", first, second).reshape(len(first), -1))


def _levels(column: list[Value], levels: list[Value]) -> Float[np.ndarray, "k p"]:
    """Return an indicator for each level but the first."""
    return np.array([[value == level for level in levels[1:]] for value in column], dtype=float)


def _powers(axis: Axis, column: list[Value]) -> Float[np.ndarray, "k p"]:
    """Return the powers of an ordered axis's values, scaled to lie between −1 and 1."""
    at = np.array([axis.at(float(value)) for value in column])  # type: ignore[arg-type]
    span = max(at.max() - at.min(), np.finfo(float).tiny)
    scaled = 2.0 * (at - at.min()) / span - 1.0
    return np.stack([scaled**power for power in range(1, DEGREE + 1)], axis=1)


def _centred(basis: Float[np.ndarray, "k p"]) -> Float[np.ndarray, "k p"]:
    return np.asarray(basis - basis.mean(axis=0))


def _means(table: Marks) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "k k"]]:
    """Return each point's mean accuracy, and their covariance over images and seeds."""
    own = np.repeat(np.eye(len(table.runs)), table.runs, axis=1) / table.runs[:, None]
    noise = table.covariance + table.seeds.interaction * np.eye(len(table.covariance))
    return own @ table.accuracy, own @ noise @ own.T


def _shares(
    maps: dict[tuple[Axis, ...], Float[np.ndarray, "k k"]],
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
