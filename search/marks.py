"""Which validation images each run labelled right, reduced to what comparisons need.

K values of λ, up to R replicates each, n images. Replicate r of every value starts from the same
weights and sees the same batches, and all runs label the same images, so runs are compared image
by image. The method is explained in docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float


@dataclass(frozen=True)
class Candidate:
    """A value of λ and what its runs got right."""

    lam: float
    correct: Bool[np.ndarray, "r n"]
    """A row a replicate, from replicate 0 on; a column a validation image."""

    @property
    def runs(self) -> int:
        """Number of replicates."""
        return len(self.correct)

    @property
    def accuracy(self) -> float:
        """Mean accuracy over runs."""
        return float(self.correct.mean())


@dataclass(frozen=True)
class Seeds:
    """What replicates tell of the noise of seeds, pooled over all values that have them."""

    freedom: int = 0
    """Degrees of freedom of the estimate; 0 where nothing was trained twice."""
    dispersion: float = 1.0
    """φ: the variance of differences over seeds, as a multiple of what images alone give."""
    interaction: float = 0.0
    """Variance over seeds, beyond that of images, which pairing does not cancel."""
    level: float = 0.0
    """The same of an accuracy by itself: what pairing cancels is in it."""


def standard_error(correct: Bool[np.ndarray, "r n"], seeds: Seeds) -> float:
    """Return the standard error of a mean accuracy over r runs and n images.

    It holds images' noise, which the runs share, and that of seeds as far as it is known; for one
    run of unknown seeds it is √(p(1 − p)∕n).
    """
    runs, n = correct.shape
    return float(np.sqrt(correct.mean(axis=0).var() / n + seeds.level / runs))


@dataclass(frozen=True)
class Marks:
    """Accuracies of all runs, and how they vary together over images and over seeds.

    Arrays have a place for every value and replicate; those that were not trained hold zeros.
    """

    present: Bool[np.ndarray, "k r"]
    accuracy: Float[np.ndarray, "k r"]
    covariance: Float[np.ndarray, "k r k r"]
    """Covariance of the accuracies over samples of n images, the networks held fixed."""
    seeds: Seeds

    def means(self) -> Float[np.ndarray, " k"]:
        """Return each value's mean accuracy over its runs."""
        return np.asarray(self.accuracy.sum(axis=1) / self.present.sum(axis=1))


def marks(candidates: Sequence[Candidate]) -> Marks:
    """Return the accuracies and variance components of some candidates.

    The images' covariance comes from counts, which are added exactly in any order. To each run's
    variance half an image is added, as A. Agresti and Y. Min (2005) add half an image to each cell
    of a pair's table: two runs that agree on these n images need not agree on all.
    """
    most = max(each.runs for each in candidates)
    present = np.array([[r < each.runs for r in range(most)] for each in candidates])
    n = candidates[0].correct.shape[1]
    right = np.zeros((*present.shape, n))
    for k, each in enumerate(candidates):
        right[k, : each.runs] = each.correct
    flat = right.reshape(-1, n)
    accuracy = flat.sum(axis=1) / n
    covariance = (flat @ flat.T / n - np.outer(accuracy, accuracy)) / max(1, n - 1)
    covariance += np.diag(present.ravel() * 0.5 / n**2)
    seeds = _seeds(present, accuracy, covariance, half=0.5 / n**2)
    return Marks(
        present,
        accuracy.reshape(present.shape),
        covariance.reshape(*present.shape, *present.shape),
        seeds,
    )


def _seeds(
    present: Bool[np.ndarray, "k r"],
    accuracy: Float[np.ndarray, " kr"],
    covariance: Float[np.ndarray, "kr kr"],
    *,
    half: float,
) -> Seeds:
    """Estimate the noise of seeds from the residuals of accuracy = value + replicate.

    `half` is the variance that half an image adds to each accuracy.
    """
    cells = present.ravel()
    value, replicate = np.nonzero(present)
    accuracy, covariance = accuracy[cells], covariance[np.ix_(cells, cells)]
    own = np.eye(len(present))[value]
    both = np.hstack([own, np.eye(present.shape[1])[replicate]])
    found, images, freedom = _spread(both, accuracy, covariance, half)
    level, expected, _ = _spread(own, accuracy, covariance, half)
    return Seeds(
        freedom=freedom,
        dispersion=found / images if freedom else 1.0,
        interaction=max(0.0, found - images),
        level=max(0.0, level - expected),
    )


def _spread(
    design: Float[np.ndarray, "q p"],
    accuracy: Float[np.ndarray, " q"],
    covariance: Float[np.ndarray, "q q"],
    half: float,
) -> tuple[float, float, int]:
    """Return the residual variance about a linear model, found and as images alone would give it.

    With P the projection on f residuals and C the images' covariance these are aᵀPa ∕ f and
    tr(PC) ∕ f. The last item is f; all are 0 where nothing is left over.
    """
    residual = np.eye(len(design)) - design @ np.linalg.pinv(design)
    freedom = round(float(np.trace(residual)))
    if freedom == 0:
        return 0.0, 0.0, 0
    found = float(accuracy @ residual @ accuracy) / freedom + half
    return found, float(np.trace(residual @ covariance)) / freedom, freedom
