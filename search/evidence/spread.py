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

from search.evidence.marks import Marks


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
    families: Int[np.ndarray, " k"]

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
        families=table.families[values],
    )


def of_differences(covariance: Float[np.ndarray, "k k"]) -> Float[np.ndarray, "k k"]:
    """Return the variances of all differences of some numbers, of which the covariance is given."""
    own = np.diag(covariance)
    return np.asarray(own[:, None] + own - 2 * covariance)


def squares(accuracies: Float[np.ndarray, "k r"]) -> Float[np.ndarray, "k k"]:
    """Return the sums of squares over runs of all differences, each about its own mean."""
    centred = accuracies - accuracies.mean(axis=1, keepdims=True)
    return of_differences(centred @ centred.T)


def prior_freedom(found: Parts, dispersion: float) -> float:
    """Return d₀: how many degrees of freedom the pooled variance is worth for a single point.

    Each point's variance over its runs, replicates' means taken out, would be spread about the
    pooled one by χ²(r − 1) if all points were alike. What it is spread beyond that is 2 ∕ d₀;
    none makes d₀ infinite.
    """
    runs, family = found.runs, found.families
    if runs == 1 or len(family) < 3:  # the variance of a pair is the pooled one
        return math.inf
    alike = family[:, None] == family
    several = alike.sum(axis=1, keepdims=True) > 1  # alone, a point's runs are all it has
    centring = np.eye(len(family)) - several * alike / alike.sum(axis=1, keepdims=True)
    own = np.var(centring @ found.accuracies, axis=1, ddof=1)
    expected = np.diag(centring @ found.run(dispersion) @ centring.T)
    excess = float(np.mean((own / expected - 1.0) ** 2)) - 2.0 / (runs - 1)
    return 2.0 / excess if excess > 0 else math.inf


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
