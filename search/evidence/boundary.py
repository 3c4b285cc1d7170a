"""Boundaries: how far differences of alike points go by chance, at one look or at several.

Of a race it is how far behind a point may be at each look before it is out. Whole races are
simulated in which all points are alike and nobody is dropped. Of each point, the share of races in
which another one is further ahead of it than the boundary, at any look so far, is kept to a part of
α that grows with the replicates. A race that drops points can only end such a path sooner, so the
best point, whichever it is, is dropped in α of the races at most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from search.evidence.spread import moderated, of_differences

DRAWS = 10_000
"""Simulated races, at most."""
FEWEST_DRAWS = 1_000
PAIRS = 20_000_000
"""Simulated differences of pairs at a look from which on fewer races are simulated."""
ROWS = 100
"""Points whose boundaries are found one by one; of more, some, and the largest stands for all."""
TINY = 1e-12
"""The smallest χ² that is told from zero."""
BLOCK = 50_000
"""Differences that are worked on together: few enough to stay in a processor's cache."""


@dataclass(frozen=True)
class Noise:
    """What simulated races need to know of the errors of accuracies."""

    image: Float[np.ndarray, "k k"]
    """Covariance of the part that all runs share."""
    run: Float[np.ndarray, "k k"]
    """Covariance of the other part, of a single run."""
    prior: float
    """d₀, see `search.evidence.spread.prior_freedom`."""
    freedoms: tuple[int, ...]
    """Degrees of freedom of the pooled variance at each look."""


def boundary(
    noise: Noise,
    looks: Sequence[int],
    spent: Sequence[float],
    rows: Int[np.ndarray, " a"],
    *,
    rng: np.random.Generator,
) -> Float[np.ndarray, "t a"]:
    """Return the boundary of some points at the looks for which `noise.freedoms` are known.

    `looks` are the runs of each point at each look, and `spent` how often a path may have crossed
    by then. With an equal generator and equal first looks, their boundaries are equal whatever
    follows.
    """
    points = len(noise.image)
    draws = max(FEWEST_DRAWS, min(DRAWS, PAIRS // points**2))
    some = rows if points <= ROWS else spaced(points)
    found = thresholds(leads(noise, looks[: len(noise.freedoms)], some, draws, rng), spent)
    if points <= ROWS:
        return found
    return np.repeat(found.max(axis=1, keepdims=True), len(rows), axis=1)


def spaced(points: int) -> Int[np.ndarray, " a"]:
    """Return those of many points that stand for all."""
    return np.linspace(0, points - 1, ROWS).astype(int)


def thresholds(
    leads: Float[np.ndarray, "t a b"], spent: Sequence[float]
) -> Float[np.ndarray, "t a"]:
    """Return the smallest boundaries that paths cross, up to each look, no oftener than stated.

    `leads` are the largest leads over each of a points at t looks of b races. Where nothing is
    left to spend, the boundary stays as it was.
    """
    looks, points, draws = leads.shape
    found = np.full((looks, points), np.inf)
    crossed: Bool[np.ndarray, "a b"] = np.zeros((points, draws), dtype=bool)
    for look, share in enumerate(spent[:looks]):
        left = math.floor(share * draws) - crossed.sum(axis=1)
        waiting = np.where(crossed, -np.inf, leads[look])
        ordered = -np.sort(-waiting, axis=1)
        at = np.clip(left, 0, draws - 1)[:, None]
        fresh = np.take_along_axis(ordered, at, axis=1)[:, 0]
        found[look] = np.where((left > 0) | (look == 0), fresh, found[look - 1])
        crossed |= leads[look] > found[look][:, None]
    return found


def leads(
    noise: Noise,
    looks: Sequence[int],
    rows: Int[np.ndarray, " a"],
    draws: int,
    rng: np.random.Generator,
    *,
    behind: bool = False,
) -> Float[np.ndarray, "t a b"]:
    """Return the largest studentised lead over each row at each look of simulated races.

    With `behind` a row's own lead over another counts as well: the largest difference.
    """
    points, prior = len(noise.image), noise.prior
    fixed, of_run = (
        np.maximum(of_differences(each)[rows], 0.0).astype(np.float32)
        for each in (noise.image, noise.run)
    )
    fixed[np.arange(len(rows)), rows] = np.inf  # no point leads over itself
    image = root(noise.image) @ rng.standard_normal((points, draws))
    own = root(noise.run)
    unlike = np.ones((points, draws))
    if math.isfinite(prior):  # a point's own variance, of which the pooled one is worth d₀
        unlike = np.sqrt(prior / np.maximum(rng.chisquare(prior, (points, draws)), TINY))
    errors = np.zeros((0, points, draws))
    squares, known = np.zeros(draws), 0
    found = np.empty((len(looks), len(rows), draws))
    for look, (runs, freedom) in enumerate(zip(looks, noise.freedoms, strict=True)):
        new = rng.standard_normal((runs - len(errors), points, draws))
        errors = np.concatenate([errors, own @ new * unlike])
        if freedom > known:
            squares = squares + rng.chisquare(freedom - known, draws)
            known = freedom
        pooled = squares / known if known else np.ones(draws)
        wide = max(1, BLOCK // (len(rows) * points))
        for start in range(0, draws, wide):
            block = slice(start, start + wide)
            variance = of_run * pooled[block, None, None].astype(np.float32)
            if math.isfinite(prior):
                seen = _squares(errors[..., block], rows)
                variance = moderated(variance, seen, runs - 1, prior)
            variance /= runs
            variance += fixed
            error = image[:, block] + errors[..., block].mean(axis=0)
            error = error.T.astype(np.float32)
            found[look, :, block] = _largest(error, rows, variance, behind=behind)
    return found


def root(covariance: Float[np.ndarray, "k k"]) -> Float[np.ndarray, "k k"]:
    """Return R with RRᵀ = covariance; an estimate that is none is taken to the nearest one."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def _squares(
    errors: Float[np.ndarray, "r k b"], rows: Int[np.ndarray, " a"]
) -> Float[np.ndarray, "b a k"]:
    """Return the sums of squares over r runs of differences to some points."""
    centred = (errors - errors.mean(axis=0)).transpose(2, 1, 0).astype(np.float32)
    own = np.square(centred).sum(axis=2)
    both = centred[:, rows] @ centred.swapaxes(1, 2)
    return np.asarray(np.maximum(own[:, rows, None] + own[:, None, :] - 2 * both, 0.0))


def _largest(
    error: Float[np.ndarray, "b k"],
    rows: Int[np.ndarray, " a"],
    variance: Float[np.ndarray, "b a k"],
    *,
    behind: bool,
) -> Float[np.ndarray, "a b"]:
    """Return the largest studentised lead over each row in some races; 0 where nothing leads.

    Nearly all of a large race's time goes here.
    """
    ahead = error[:, None, :] - error[:, rows, None]
    if not behind:
        np.maximum(ahead, 0.0, out=ahead)
    np.square(ahead, out=ahead)
    ahead /= variance
    return np.asarray(np.sqrt(ahead.max(axis=2).T))
