"""Made-up worlds whose truth is known: each answers a trial as training would, in a tenth of a ms.

A run labels image i right when Φ⁻¹(its accuracy) is above the image's fate for it, a standard
normal number. A fate is the sum of what the image is to all runs, to a replicate, to a value of λ
and to the run alone. A run's accuracy over all images is that of its λ and what its seed adds.
Nothing else is drawn: equal trials give equal results, and each search, by its seed, other ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from benchmarks.made_up import BASE, result
from search.records import Result
from search.trial import Trial

Curve = Callable[[float], float]
"""A function of log₁₀ λ."""
CLASSES = 10
CHANCE = 1 / CLASSES
IMAGE, REPLICATE = 0.86, 0.05
"""Shares of a fate that all runs have in common, and those of one replicate.

Two runs then differ on 0.17 of the images, or 0.14 if they are of one replicate. Networks on
CIFAR-10 do on 0.13 to 0.17, and 0.12 to 0.15, for λ from 4e-3 to 2e-2.
"""
FREQUENCIES = np.array([0.16, 0.49, 0.89, 1.53])
"""Of smooth functions of log₁₀ λ: normal quantiles, so that they change within a decade or so."""


def flat(value: float) -> Curve:
    """Return a curve that is the same everywhere."""
    return lambda _: value


def through(*knots: tuple[float, float]) -> Curve:
    """Return the straight lines between some points; level beyond the outer ones."""
    at, values = zip(*knots, strict=True)
    return lambda x: float(np.interp(x, at, values))


def at(place: float, there: float, elsewhere: float) -> Curve:
    """Return a curve that has one value at a λ and another one everywhere else."""
    return lambda x: there if abs(x - place) < 1e-9 else elsewhere


NOTHING = flat(0.0)


@dataclass(frozen=True)
class World:
    """What is true of λ, and how runs vary about it."""

    accuracy: Curve
    """Of runs that learn, over all images and seeds."""
    seeds: Curve = NOTHING
    """Standard deviation of a run's accuracy over seeds."""
    smooth: bool = False
    """Whether what a seed does to a λ it does to those within a decade or so."""
    freedom: float = math.inf
    """Degrees of freedom of Student's t that seeds' effects have, scaled; infinite: normal."""
    suits: float = 0.0
    """Share of an image's fate that is common to runs of close λ alone; less is to all runs."""
    collapse: float = 0.0
    """Share of runs that answer one class whatever the image."""
    images: int = 5_000

    def base(self, seed: int) -> Trial:
        """Return the trial that a search of this world varies."""
        return replace(BASE, seed=seed, validation_size=self.images)

    def truth(self, lam: float) -> float:
        """Return the accuracy of a λ."""
        return self.accuracy(math.log10(lam))

    def network(self, trial: Trial) -> float:
        """Return the accuracy of a trial's network over all images; chance where it collapses."""
        return self._network(trial, np.random.default_rng(int(trial.id, 16)))

    def _network(self, trial: Trial, rng: np.random.Generator) -> float:
        if rng.random() < self.collapse:
            return CHANCE
        x = math.log10(trial.lam)
        return self.accuracy(x) + self.seeds(x) * self._seed(trial, x, rng)

    def result(self, trial: Trial) -> Result:
        """Return what comes of a trial."""
        rng = np.random.default_rng(int(trial.id, 16))
        accuracy = self._network(trial, rng)
        if accuracy == CHANCE:
            right = np.arange(self.images) % CLASSES == rng.integers(CLASSES)
        else:
            fate = self._fate(trial, math.log10(trial.lam), rng)
            right = fate < ndtri(np.clip(accuracy, 1e-3, 1 - 1e-3))
        bits = {"validation_correct": np.packbits(right)}
        return replace(result(trial, float(right.mean())), arrays=bits)

    def _seed(self, trial: Trial, x: float, rng: np.random.Generator) -> float:
        """Return a run's seed effect, of variance one."""
        if self.smooth:
            return float(_replicate(trial.seed, trial.replicate, self.images)[1] @ _waves(x))
        if math.isinf(self.freedom):
            return float(rng.standard_normal())
        return float(rng.standard_t(self.freedom)) * math.sqrt(1 - 2 / self.freedom)

    def _fate(self, trial: Trial, x: float, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
        image, waves = _images(trial.seed, self.images)
        fate = math.sqrt(IMAGE - self.suits) * image
        fate += math.sqrt(REPLICATE) * _replicate(trial.seed, trial.replicate, self.images)[0]
        if self.suits:
            fate += math.sqrt(self.suits) * (_waves(x) @ waves)
        alone = rng.standard_normal(self.images, dtype=np.float32)
        fate += math.sqrt(1 - IMAGE - REPLICATE) * alone
        return np.asarray(fate)


def _waves(x: float) -> Float[np.ndarray, " w"]:
    """Return the values of waves at x: independent normal multiples of them add up to variance 1.

    Their covariance at x and y is the mean cosine of (x − y) · frequency.
    """
    angles = FREQUENCIES * x
    found = np.concatenate([np.cos(angles), np.sin(angles)]) / math.sqrt(len(FREQUENCIES))
    return found.astype(np.float32)


@lru_cache(maxsize=2)
def _images(seed: int, n: int) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "w n"]]:
    """Return what images are to all runs of a search, and their multiples of waves over λ."""
    rng = np.random.default_rng([seed, n])
    waves = rng.standard_normal((2 * len(FREQUENCIES), n), dtype=np.float32)
    return rng.standard_normal(n, dtype=np.float32), waves


@lru_cache(maxsize=64)
def _replicate(
    seed: int, replicate: int, n: int
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " w"]]:
    """Return what images are to a replicate's runs, and its multiples of waves over λ."""
    rng = np.random.default_rng([seed, n, replicate])
    waves = rng.standard_normal(2 * len(FREQUENCIES), dtype=np.float32)
    return rng.standard_normal(n, dtype=np.float32), waves


CIFAR = through(
    *((-4.0, 0.516), (-3.0, 0.518), (-2.4, 0.5255), (-2.0, 0.529)),
    *((-1.7, 0.5195), (-1.4, 0.505), (-1.0, 0.488), (0.0, 0.35)),
)
"""A plateau with its best value at 1e-2, as the λ search finds it on CIFAR-10."""
ALIKE = flat(0.5)
FALL = through((-2.0, 0.52), (-1.0, 0.45), (0.0, 0.3))
"""All alike up to 1e-2, and falling from there on."""
BEST = at(-2.0, 0.506, 0.5)
"""One value better than all others, which are alike."""

BEYOND = through((-3.0, 0.505), (-1.0, 0.512), (-0.3, 0.518), (0.0, 0.51))
"""The best value is beyond the coarse grid; not all searches come that far."""

WORLDS = {
    "CIFAR-like": World(CIFAR, seeds=flat(0.002)),
    "all alike, seeds do nothing": World(ALIKE),
    "all alike, seeds 0.002": World(ALIKE, seeds=flat(0.002)),
    "all alike, seeds 0.008": World(ALIKE, seeds=flat(0.008)),
    "plateau, then fall": World(FALL, seeds=flat(0.002)),
    "best value beyond the grid": World(BEYOND, seeds=flat(0.004)),
    "alike, seeds smooth in λ, 0.004": World(ALIKE, seeds=flat(0.004), smooth=True),
    "alike, seeds smooth in λ, 0.008": World(ALIKE, seeds=flat(0.008), smooth=True),
    "seeds shrink with λ": World(ALIKE, seeds=through((-5.0, 0.012), (-1.0, 0.001))),
    "seeds grow with λ": World(ALIKE, seeds=through((-5.0, 0.001), (-1.0, 0.012))),
    "best value's seeds 4 times the others'": World(BEST, seeds=at(-2.0, 0.008, 0.002)),
    "best value's seeds 10 times the others'": World(BEST, seeds=at(-2.0, 0.02, 0.002)),
    "seeds of Student's t(3)": World(ALIKE, seeds=flat(0.004), freedom=3.0),
    "images that suit a λ": World(ALIKE, seeds=flat(0.002), suits=0.4),
    "3 % of runs collapse": World(CIFAR, seeds=flat(0.002), collapse=0.03),
    "10 % of runs collapse": World(CIFAR, seeds=flat(0.002), collapse=0.10),
    "144 images, accuracy 0.98": World(flat(0.98), seeds=flat(0.004), images=144),
    "144 images, accuracy 0.6": World(flat(0.6), seeds=flat(0.004), images=144),
}
