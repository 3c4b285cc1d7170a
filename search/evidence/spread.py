"""How the differences of points vary: what images add, what runs add, and how sure that is.

The difference of two points on r common runs has the variance I + U ∕ r. I is images' part, which
more replicates do not lessen. U is one run's part. Of a few replicates of a pair alone it is hardly
known, and pooled over all pairs it is wrong where one point's seeds are noisier than the others':
it is the mean of both, weighted by how unlike the points were found to be.

Source: G. K. Smyth, "Linear models and empirical Bayes methods for assessing differential
expression in microarray experiments", 2004, for this moderated variance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from search.evidence.marks import NOTHING, Marks

CAUTION = 4.0
"""Standard errors by which variances are taken to be more unlike than they are found to be.

Simulated: with fewer, a race drops a value whose seeds are the noisiest of ten too often.
"""
LEAST = 1.0
"""Degrees of freedom that the pooled variance is worth at least."""


@dataclass(frozen=True)
class Parts:
    """Covariances of the accuracies of some points, each of which has r runs at least."""

    accuracies: Float[np.ndarray, "k r"]
    image: Float[np.ndarray, "k k"]
    """Of the images, as far as all runs share it."""
    images_of_run: Float[np.ndarray, "k k"]
    """Of the images, as far as it differs from run to run."""
    shared: Float[np.ndarray, "k k"]
    """Of seeds: what all points of a family share."""

    @property
    def runs(self) -> int:
        """How many runs of each are looked at."""
        return int(self.accuracies.shape[1])

    @property
    def accuracy(self) -> Float[np.ndarray, " k"]:
        """Mean accuracies."""
        return np.asarray(self.accuracies.mean(axis=1))

    def run(self, dispersion: float) -> Float[np.ndarray, "k k"]:
        """Return the covariance of single runs beyond what all runs share."""
        return np.asarray(dispersion * self.images_of_run + self.shared)


def parts(table: Marks, values: Int[np.ndarray, " k"], runs: int) -> Parts:
    """Return the covariances of some points by their first `runs` runs.

    Of one run the images' two parts cannot be told apart: all is taken to differ from run to run,
    which is never too little.
    """
    at = table.starts[values][:, None] + np.arange(runs)
    same, others, seeds = np.zeros((3, len(values), len(values)))
    for r, s in np.ndindex(runs, runs):
        cells = np.ix_(at[:, r], at[:, s])
        if r == s:
            same += table.covariance[cells] / runs
        else:
            others += table.covariance[cells] / (runs * (runs - 1))
        if not table.paired:  # else what runs of a replicate share is in no difference
            seeds += table.seeds.shared * table.same_seeds[cells] / runs
    return Parts(
        accuracies=table.accuracy[at],
        image=others,
        images_of_run=same - others,
        shared=seeds,
    )


def of_differences(covariance: Float[np.ndarray, "k k"]) -> Float[np.ndarray, "k k"]:
    """Return the variances of all differences of some numbers, of which the covariance is given."""
    own = np.diag(covariance)
    return np.asarray(own[:, None] + own - 2 * covariance)


def squares(accuracies: Float[np.ndarray, "k r"]) -> Float[np.ndarray, "k k"]:
    """Return the sums of squares over runs of all differences, each about its own mean."""
    centred = accuracies - accuracies.mean(axis=1, keepdims=True)
    return of_differences(centred @ centred.T)


def prior_freedom(table: Marks, *, runs: Int[np.ndarray, " k"] | None = None) -> float:
    """Return d₀: how many degrees of freedom the pooled variance is worth for a single value.

    Each value's variance over its runs, replicates' means taken out, would be spread about the
    pooled one by χ²(r − 1) if all values were alike. What it is spread beyond that is 2 ∕ d₀, and a
    few runs hardly tell it: it is taken to be larger by some standard errors, as far as seeds, and
    not images, make the variance. Nothing beyond makes d₀ infinite. With `runs` it is what it
    comes to once each value has so many, if values then are as unlike as they are found to be now.
    """
    both, alone = table.residuals
    paired = both[2] > NOTHING  # alone in its family, a value's runs are all it has
    squares, images, freedom = np.where(paired, both, alone)
    known = freedom > NOTHING
    if known.sum() < 3:  # the variance of a pair is the pooled one
        return math.inf
    squares = squares + freedom * 0.5 / table.images**2  # half an image, as `images` has it
    seeds = table.seeds
    expected = seeds.dispersion * images + np.where(paired, 0.0, seeds.shared * freedom)
    share = max(0.0, 1.0 - images.sum() / expected.sum())
    ratio, freedom = squares[known] / expected[known], table.runs[known] - 1.0
    weight = freedom / freedom.sum()
    excess = np.sum(weight * (np.square(ratio - 1.0) - 2.0 / freedom))
    if runs is not None:
        freedom = runs[known] - 1.0
        weight = freedom / freedom.sum()
    # Were all alike, each square less its mean would have the variance 8 ∕ f² + 48 ∕ f³.
    error = np.sqrt(np.sum(np.square(weight) * (8.0 + 48.0 / freedom) / freedom**2))
    beyond = float(excess + CAUTION * share**2 * error)
    return max(LEAST, 2.0 / beyond) if beyond > 0 else math.inf


def moderated(pooled: Any, squares: Any, freedom: int, prior: float) -> Any:
    """Return variances between a pooled one and those of sums of squares with so much freedom."""
    if math.isinf(prior):
        return pooled
    return (prior * pooled + squares) / (prior + freedom)


@dataclass(frozen=True)
class Variances:
    """What the variances of all differences of points are made of."""

    image: Float[np.ndarray, "k k"]
    """I, which replicates do not lessen."""
    images_of_run: Float[np.ndarray, "k k"]
    """What images alone give of `run`."""
    run: Float[np.ndarray, "k k"]
    """U, of a single run."""
    of_runs: Float[np.ndarray, "k k"]
    """Covariance of single runs beyond what all share; their differences have about `run`."""

    def only(self, rows: Int[np.ndarray, " a"]) -> Variances:
        """Return those of some points."""
        at = np.ix_(rows, rows)
        return Variances(self.image[at], self.images_of_run[at], self.run[at], self.of_runs[at])

    def after(self, runs: int) -> Float[np.ndarray, "k k"]:
        """Return the variances with so many replicates: of a point and itself, infinite."""
        variance = self.image + self.run / runs
        np.fill_diagonal(variance, np.inf)
        return variance


def variances(found: Parts, dispersion: float, prior: float) -> Variances:
    """Return the variances of all differences."""
    runs = found.runs
    single = of_differences(found.image + found.images_of_run)
    total = of_differences(found.image + found.images_of_run / runs)
    image = np.clip(of_differences(found.image), 0.0, total)
    rest = np.minimum(runs * (total - image), single)
    pooled = dispersion * rest + of_differences(found.shared)
    run = moderated(pooled, squares(found.accuracies), runs - 1, prior)
    larger = np.sqrt(run.sum(axis=1) / np.maximum(pooled.sum(axis=1), 1e-30))
    of_runs = found.run(dispersion) * np.outer(larger, larger)
    return Variances(image, rest, run, of_runs)
