"""Which validation images each run labelled right, reduced to what comparisons need.

K points, some replicates each, q runs in all, n images. All runs label the same images, so they
are compared image by image. Within a family, replicate r of every point starts from the same
weights and sees the same batches, so that what these do to a run is the same for all of them;
points of different families share no more than the images. The method is explained in
docs/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from search.space.points import Point

NOTHING = 1e-9
"""Singular values that are nothing but rounding: those beside them are of the order of 1."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A point and what its runs got right; equal by content."""

    point: Point
    correct: Bool[np.ndarray, "r n"]
    """A row a replicate; a column a validation image."""
    family: Hashable = None
    """What points with the same initial weights and batches have in common."""
    replicates: tuple[int, ...] = ()
    """The replicates, ascending; 0, 1, … where none are given."""

    def __post_init__(self) -> None:
        if not self.replicates:
            object.__setattr__(self, "replicates", tuple(range(len(self.correct))))

    @cached_property
    def _content(self) -> tuple[Any, ...]:
        marks = np.packbits(self.correct).tobytes()
        return self.point, self.family, self.replicates, self.correct.shape, marks

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Candidate) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

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
    """Degrees of freedom of the estimate; 0 where nothing was trained twice.

    Where no two points share seeds it is that of `level`, which is then all that there is."""
    dispersion: float = 1.0
    """φ: the variance of differences over seeds, as a multiple of what images alone give."""
    interaction: float = 0.0
    """Variance over seeds, beyond that of images, which pairing does not cancel."""
    level: float = 0.0
    """The same of an accuracy by itself: what pairing cancels is in it."""

    @property
    def shared(self) -> float:
        """What of it pairing cancels."""
        return max(0.0, self.level - self.interaction)


def standard_error(correct: Bool[np.ndarray, "r n"], seeds: Seeds) -> float:
    """Return the standard error of a mean accuracy over r runs and n images.

    It holds images' noise, which the runs share, and that of seeds as far as it is known; for one
    run of unknown seeds it is √(p(1 − p)∕n), as `standard_error_of_share` has it.
    """
    runs, n = correct.shape
    images = max(float(correct.mean(axis=0).var()), _half_an_image(n))
    return math.sqrt(images / n + seeds.level / runs)


def standard_error_of_share(accuracy: float, n: int) -> float:
    """Return √(p(1 − p)/n): the standard error of a share of n independent images.

    Of none or all of them it is that of half an image: other images may differ.
    """
    return math.sqrt(max(accuracy * (1.0 - accuracy), _half_an_image(n)) / n)


def _half_an_image(n: int) -> float:
    """Return the variance over n images of which half a one is unlike the others."""
    half = 0.5 / n
    return half * (1.0 - half)


@dataclass(frozen=True)
class Marks:
    """Accuracies of all runs, and how they vary together over images and over seeds.

    The runs stand in one row: those of the first value, from replicate 0 on, then the next one's.
    """

    runs: Int[np.ndarray, " k"]
    """Replicates of each value."""
    accuracy: Float[np.ndarray, " q"]
    covariance: Float[np.ndarray, "q q"]
    """Covariance of the accuracies over samples of n images, the networks held fixed."""
    families: Int[np.ndarray, " k"]
    """Each value's family, numbered."""
    replicates: Int[np.ndarray, " q"]
    """The replicate of each run."""
    images: int
    """n"""

    @cached_property
    def residuals(self) -> Float[np.ndarray, "2 3 k"]:
        """What each value's runs leave over of accuracy = value + replicate, and of value alone.

        Of either these are a sum of squares, the same as images alone would give it, and degrees of
        freedom; all but none where nothing is left over.
        """
        found = np.zeros((2, 3, len(self.runs)))
        family = np.repeat(self.families, self.runs)
        for one in np.unique(family):
            found[..., self.families == one] = _residuals(self, np.flatnonzero(family == one))
        return found

    @cached_property
    def seeds(self) -> Seeds:
        """What replicates tell of the noise of seeds."""
        return _seeds(self)

    def before(self, replicate: int) -> Marks:
        """Return the same values by their runs before a replicate, of which each has some."""
        has = self.replicates < replicate
        if has.all():
            return self
        runs = np.add.reduceat(has, self.starts, dtype=int)
        covariance = self.covariance[np.ix_(has, has)]
        return replace(
            self,
            runs=runs,
            accuracy=self.accuracy[has],
            covariance=covariance,
            replicates=self.replicates[has],
        )

    @cached_property
    def same_seeds(self) -> Float[np.ndarray, "q q"]:
        """1 for each two runs with the same weights and batches, else 0."""
        family = np.repeat(self.families, self.runs)
        alike = (family[:, None] == family) & (self.replicates[:, None] == self.replicates)
        return np.asarray(alike, dtype=float)

    @property
    def paired(self) -> bool:
        """Whether the first runs of all values have the same seeds, and so on."""
        first = np.concatenate([np.arange(each) for each in self.runs])
        return not self.families.any() and bool((self.replicates == first).all())

    @property
    def starts(self) -> Int[np.ndarray, " k"]:
        """Where each value's runs begin."""
        return np.asarray(np.cumsum(self.runs) - self.runs)


def marks(candidates: Sequence[Candidate]) -> Marks:
    """Return the accuracies and variance components of some candidates.

    The images' covariance comes from counts, which are added exactly in any order, in float32 too
    (below 2²⁴). To each run's variance half an image is added, as A. Agresti and Y. Min (2005) add
    half an image to each cell of a pair's table: two runs that agree on these n images need not
    agree on all.
    """
    runs = np.array([each.runs for each in candidates])
    right = np.concatenate([each.correct for each in candidates]).astype(np.float32)
    n = right.shape[1]
    accuracy = right.sum(axis=1, dtype=float) / n
    covariance = (right @ right.T).astype(float)  # in place from here: of many runs it is large
    covariance /= n
    covariance -= np.outer(accuracy, accuracy)
    covariance /= max(1, n - 1)
    covariance[np.diag_indices(len(covariance))] += 0.5 / n**2
    names = list(dict.fromkeys(each.family for each in candidates))
    families = np.array([names.index(each.family) for each in candidates])
    replicates = np.concatenate([each.replicates for each in candidates])
    return Marks(runs, accuracy, covariance, families, replicates, n)


def _seeds(table: Marks) -> Seeds:
    """Estimate the noise of seeds from the residuals of accuracy = value + replicate.

    A replicate is another one in each family, so what families tell adds up.
    """
    of_both, of_values = table.residuals.sum(axis=2)
    half = 0.5 / table.images**2  # the variance that half an image adds to each accuracy
    found, images, freedom = _spread(of_both, half)
    level, expected, runs_left = _spread(of_values, half)
    alone = freedom == 0 and len(np.unique(table.families)) > 1  # no two points share a replicate
    return Seeds(
        freedom=runs_left if alone else freedom,
        dispersion=found / images if freedom else 1.0,
        interaction=max(0.0, found - images),
        level=max(0.0, level - expected),
    )


def _spread(sums: Float[np.ndarray, " 3"], half: float) -> tuple[float, float, int]:
    """Return the variance of residuals, that which images alone would give, and their freedom."""
    squares, images, freedom = sums.tolist()
    if round(freedom) == 0:
        return 0.0, 0.0, 0
    return squares / freedom + half, images / freedom, round(freedom)


def _residuals(table: Marks, runs: Int[np.ndarray, " q"]) -> Float[np.ndarray, "2 3 k"]:
    """Return what a family's runs leave over of value + replicate, and of value alone.

    Of either these are each value's part of aᵀPa, tr(PC) and tr(P) = f: P is the projection on the
    f residuals, a are the accuracies and C is the images' covariance.
    """
    value = np.repeat(np.arange(len(table.runs)), table.runs)[runs]
    _, first, value, of_each = np.unique(
        value, return_index=True, return_inverse=True, return_counts=True
    )
    accuracy, covariance = table.accuracy[runs, None], table.covariance[np.ix_(runs, runs)]

    def summed(x: Float[np.ndarray, "q p"]) -> Float[np.ndarray, " k"]:
        return np.asarray(np.add.reduceat(x.sum(axis=1), first))

    def centred(x: Float[np.ndarray, "q p"]) -> Float[np.ndarray, "q p"]:
        return np.asarray(x - (np.add.reduceat(x, first) / of_each[:, None])[value])

    blocks = np.diag(np.add.reduceat(np.add.reduceat(covariance, first), first, axis=1))
    left = centred(accuracy)
    images = np.add.reduceat(np.diag(covariance), first) - blocks / of_each
    alone = summed(left**2), images, of_each - 1.0
    # What replicates add to the means of values, as far as these do not hold it already.
    _, which = np.unique(table.replicates[runs], return_inverse=True)
    basis, sizes, _ = np.linalg.svd(centred(np.eye(which.max() + 1)[which]), full_matrices=False)
    basis = basis[:, sizes > NOTHING]
    left = left - basis @ (basis.T @ left)
    moved = covariance @ basis
    images = images - summed(basis * (2.0 * moved - basis @ (basis.T @ moved)))
    return np.array([(summed(left**2), images, of_each - 1.0 - summed(basis**2)), alone])
