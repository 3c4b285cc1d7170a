"""Differences of two values on the replicates that both have: their variance, and simulated ones.

Two values are compared by the first m runs of each, where m is the smaller of their numbers; all
pairs with one m are a `Level`. Where every run counts, these are the same replicates of both. Where
one did not, another run stands in its place, and the difference has the noise of its other seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from search.evidence.marks import Marks
from search.evidence.spread import of_differences

BLOCK = 256
"""Simulated data sets that are worked on together: few enough to stay in a processor's cache."""


@dataclass(frozen=True)
class Draws:
    """Simulated errors of the runs' accuracies, and of the estimate of seeds' noise."""

    error: Float[np.ndarray, "q b"]
    scale: Float[np.ndarray, " b"]
    """χ²(f) ∕ f; ones where seeds' noise is not estimated."""


def simulate(table: Marks, rng: np.random.Generator, draws: int) -> Draws:
    """Return so many simulated data sets, with the covariance of all runs."""
    covariance = table.covariance + table.seeds.interaction * np.eye(len(table.covariance))
    if not table.paired:  # else what runs of a replicate share is in no difference
        covariance += table.seeds.shared * table.same_seeds
    # With covariance = LLᵀ, columns z of standard normal numbers give errors Lz.
    normal = rng.standard_normal((draws, len(covariance)))
    error = np.linalg.cholesky(covariance) @ normal.T
    freedom = table.seeds.freedom
    scale = rng.chisquare(freedom, draws) / freedom if freedom else np.ones(draws)
    return Draws(error, scale)


@dataclass(frozen=True)
class Level:
    """The values with m runs or more, by their first m runs."""

    runs: int
    """m"""
    values: Int[np.ndarray, " k"]
    """Which values these are, ascending."""
    compared: Bool[np.ndarray, "k k"]
    """Pairs that are compared by just so many runs."""
    accuracy: Float[np.ndarray, " k"]
    error: Float[np.ndarray, "k b"]
    """Simulated errors of these accuracies."""
    image: Float[np.ndarray, "k k"]
    """Variance of the difference that more replicates would not lessen."""
    run: Float[np.ndarray, "k k"]
    """Variance that they would: images', as far as it differs from run to run, and seeds'."""
    sampling: Float[np.ndarray, "k k"]
    """Variance of the differences of `error`."""

    def difference(self, k: int) -> Float[np.ndarray, " k"]:
        """Return each value's accuracy less that of value k."""
        return np.asarray(self.accuracy - self.accuracy[k])

    def standard_error(self, k: int) -> Float[np.ndarray, " k"]:
        """Return the standard errors of `difference`."""
        return np.asarray(np.sqrt(self.image[k] + self.run[k]))


def levels(table: Marks, draws: Draws) -> tuple[Level, ...]:
    """Return all pairs of values, by the number of runs that they are compared by."""
    return tuple(_level(table, draws, runs) for runs in np.unique(table.runs).tolist())


def _level(table: Marks, draws: Draws, runs: int) -> Level:
    values = np.flatnonzero(table.runs >= runs)
    each = [table.starts[values] + r for r in range(runs)]
    c = table.covariance
    total = of_differences(sum(c[np.ix_(r, s)] for r in each for s in each) / runs**2)
    single = of_differences(sum(c[np.ix_(r, r)] for r in each) / runs)
    # total = image + (single − image) ∕ runs; with one run the two cannot be told apart, and
    # all of it is taken to differ from run to run, which is never too little.
    image = (runs * total - single) / (runs - 1) if runs > 1 else np.zeros_like(total)
    image = np.clip(image, 0.0, total)
    just = table.runs[values] == runs
    same = sum(table.same_seeds[np.ix_(r, s)] for r in each for s in each) / runs**2
    unshared = table.seeds.shared * of_differences(same)
    return Level(
        runs=runs,
        values=values,
        compared=(just[:, None] | just) & ~np.eye(len(values), dtype=bool),
        accuracy=sum(table.accuracy[r] for r in each) / runs,
        error=sum(draws.error[r] for r in each) / runs,
        image=image,
        run=table.seeds.dispersion * (total - image) + unshared,
        sampling=total + 2 * table.seeds.interaction / runs + unshared,
    )


def largest(table: Marks, draws: Draws, pairs: Sequence[Level]) -> Float[np.ndarray, "k b"]:
    """Return the largest studentised difference of any value to each value in each draw.

    A difference's variance is estimated with a part that is known and one that varies with the
    estimate of seeds' noise.
    """
    found = np.zeros((len(table.runs), len(draws.scale)))
    for level in pairs:
        # φ is 1 at least, so an estimate below 1 says nothing of how far estimates vary.
        run = level.run / min(1.0, table.seeds.dispersion)
        share = np.divide(run, level.image + run, out=np.ones_like(run), where=level.compared)
        varying = level.sampling * share
        known = np.where(level.compared, level.sampling - varying, np.inf)
        if level.runs == 1:  # all of it varies: the scale is the same for all pairs
            squares = _largest_squares(level.error, known + varying) / draws.scale
        else:
            squares = _largest_squares(level.error, known, varying, draws.scale)
        found[level.values] = np.maximum(found[level.values], squares)
    return np.asarray(np.sqrt(found))


def _largest_squares(
    error: Float[np.ndarray, "k b"],
    known: Float[np.ndarray, "k k"],
    varying: Float[np.ndarray, "k k"] | None = None,
    scale: Float[np.ndarray, " b"] | None = None,
) -> Float[np.ndarray, "k b"]:
    """Return each value's largest (error − another's)² ∕ (known + varying · scale), draw by draw.

    Nearly all of a large comparison's time goes here: a block of draws stays in the cache, every
    pair is worked out once, and nothing new is allocated.
    """
    values, draws = error.shape
    found = np.zeros_like(error)
    for start in range(0, draws, BLOCK):
        block = slice(start, min(draws, start + BLOCK))
        errors, most = np.ascontiguousarray(error[:, block]), np.zeros_like(error[:, block])
        squares, variances = np.empty((2, *errors.shape))
        for k in range(values - 1):
            others = slice(k + 1, values)
            square = np.subtract(errors[others], errors[k], out=squares[others])
            np.square(square, out=square)
            if varying is None or scale is None:
                square /= known[k, others, None]
            else:
                variance = np.multiply(
                    varying[k, others, None], scale[block], out=variances[others]
                )
                variance += known[k, others, None]
                square /= variance
            np.maximum(most[others], square, out=most[others])
            np.maximum(most[k], square.max(axis=0), out=most[k])
        found[:, block] = most
    return found
