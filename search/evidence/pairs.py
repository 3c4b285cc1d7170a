"""Differences of two values on the runs that both have, and how far they go by chance.

Two values are compared by the first m runs of each, where m is the smaller of their numbers; all
values that have as many are a `Level`. Where every run counts, these are the same replicates of
both. Where one did not, another run stands in its place, and the difference has the noise of its
other seeds. What a difference varies by is what a race takes it to be: `search.evidence.spread`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import stdtrit

from search.evidence.boundary import ROWS, Noise, leads, root, spaced
from search.evidence.marks import Marks
from search.evidence.spread import Parts, Variances, parts, prior_freedom, variances


@dataclass(frozen=True)
class Level:
    """The values with m runs or more, by their first m runs."""

    values: Int[np.ndarray, " k"]
    """Which values these are, ascending."""
    found: Parts
    variances: Variances
    noise: Noise

    @property
    def runs(self) -> int:
        """How many runs these are: m."""
        return self.found.runs

    @property
    def accuracy(self) -> Float[np.ndarray, " k"]:
        """Mean accuracies."""
        return self.found.accuracy

    def standard_errors(self, k: int) -> Float[np.ndarray, " k"]:
        """Return those of all differences to the k-th of its values; infinite to itself."""
        return np.asarray(np.sqrt(self.variances.after(self.runs)[k]))

    def alone(self, k: int, level: float) -> Float[np.ndarray, " k"]:
        """Return how far a difference to the k-th goes by chance, by the pair's own runs alone.

        By Student's t for a single pair: where seeds move one value far more than the others, it is
        the one that matters. Of one run nothing is known: infinite.
        """
        if self.runs == 1:
            return np.full(len(self.values), np.inf)
        own = variances(self.found, 1.0, prior=0.0).after(self.runs)[k]
        return np.asarray(stdtrit(self.runs - 1, (1.0 + level) / 2) * np.sqrt(own))

    def errors(self, draws: int, rng: np.random.Generator) -> Float[np.ndarray, "k b"]:
        """Return simulated errors of the accuracies."""
        covariance = self.noise.image + self.noise.run / self.runs
        return np.asarray(root(covariance) @ rng.standard_normal((len(self.values), draws)))

    def largest(
        self, level: float, draws: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "k b"]:
        """Return the largest studentised difference to each value in so many simulated searches.

        Of many values some are simulated, and that with the largest quantile stands for all.
        """
        number = len(self.values)
        rows = np.arange(number) if number <= ROWS else spaced(number)
        found = leads(self.noise, (self.runs,), rows, draws, rng, behind=True)[0]
        if number > ROWS:
            largest = found[np.quantile(found, level, axis=1).argmax()]
            found = np.broadcast_to(largest, (number, draws))
        return np.asarray(found)


def levels(table: Marks) -> tuple[Level, ...]:
    """Return all numbers of runs that values are compared by, the smallest first."""
    dispersion, freedom = table.seeds.dispersion, table.seeds.freedom
    numbers = np.unique(table.runs)
    prior = prior_freedom(table)
    found = []
    for runs in numbers.tolist():
        values = np.flatnonzero(table.runs >= runs)
        each = parts(table, values, runs)
        unlike = prior if runs > 1 else math.inf
        # φ is 1 at least, so an estimate below 1 says nothing of how far accuracies vary. Of single
        # runs nothing else is known, and what is said of them has to hold of these networks.
        least = max(1.0, dispersion)
        variance = variances(each, dispersion if runs > 1 else least, unlike)
        noise = Noise(each.image, each.run(least), unlike, (freedom,))
        found.append(Level(values, each, variance, noise))
    return tuple(found)
