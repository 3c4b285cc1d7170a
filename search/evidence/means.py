"""Means over runs that are measured on the same images: their errors, and how sure their sides are.

R runs, n images. A quantity of a run is a mean over images: of losses, of differences of losses, of
labels that are right. Its mean over runs varies with the images, which all runs share, and from run
to run, with seeds and with what of the images' noise differs from one network to another:

    variance = shared images + spread of runs ∕ R

The first part is known from single images as if there were no end of them; the second from the
spread of R runs, with R − 1 degrees of freedom. Of a single run all variance is that of its images:
what is said then is about that network, and not about networks of its kind. The method is explained
in docs/statistics.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri, stdtrit

SMALLEST = -300.0
"""Logarithm of the smallest p-value that is worked out: what is below it is 0."""


@dataclass(frozen=True)
class Mean:
    """A mean over runs, with its variance by what it comes from."""

    value: float
    images: float
    """Variance that all runs share."""
    runs: float = 0.0
    """Variance of the mean from run to run."""
    freedom: int = 0
    """Degrees of freedom of `runs`, their number less one."""
    paired: bool = True
    """Whether the images' part is known image by image, not bounded by that of unpaired losses."""

    @property
    def error(self) -> float:
        """Its standard error."""
        return math.sqrt(self.images + self.runs)

    def tail(self, bound: float = 0.0) -> float:
        """Return the chance of a mean so far above a bound, were the true one the bound.

        It is small where the mean is surely above, and near 1 where it is surely below.

        The p whose interval just reaches the bound, where an interval of tail p goes

            √(z(p)² · images + t(p; freedom)² · runs)

        to either side. That errs never by more than it says, whatever share of the variance is
        estimated (S. Banerjee, *Sankhyā* 22, 1960); Student's t with Satterthwaite's degrees of
        freedom does, since with two runs their number is itself anyone's guess.
        """
        distance = self.value - bound
        if distance <= 0.0:
            return 0.5 if distance == 0.0 else 1.0 - Mean(-distance, *self._parts).tail()
        if not self.runs:
            return float(ndtr(-distance / math.sqrt(self.images))) if self.images else 0.0

        def beyond(log_p: float) -> float:
            p = math.exp(log_p)
            z, t = float(ndtri(p)), float(stdtrit(self.freedom, p))
            return z * z * self.images + t * t * self.runs - distance * distance

        if beyond(SMALLEST) <= 0.0:
            return 0.0
        return math.exp(brentq(beyond, SMALLEST, math.log(0.5)))

    @property
    def _parts(self) -> tuple[float, float, int]:
        return self.images, self.runs, self.freedom


@dataclass(frozen=True)
class Runs:
    """A quantity of some runs on the same images, run by run."""

    values: Sequence[float]
    variances: Sequence[float]
    """Of each by its images; of a difference an upper bound, as if it were of unlike images."""
    single: Sequence[Float[np.ndarray, " n"]] | None = None
    """The quantity image by image, up to a constant; None where that was not kept."""

    def __sub__(self, other: Runs) -> Runs:
        """Return the difference of runs, the first from the first and so on."""
        pairs = zip(self.single, other.single, strict=True) if self.single and other.single else ()
        return Runs(
            [a - b for a, b in zip(self.values, other.values, strict=True)],
            [a + b for a, b in zip(self.variances, other.variances, strict=True)],
            [a - b for a, b in pairs] or None,
        )

    def mean(self) -> Mean:
        """Return the mean over runs.

        Where single images are not kept, all of their noise is taken to be shared: with several
        runs, too, that is never too little.
        """
        number = len(self.values)
        images = _shared(np.stack(self.single)) if self.single else fmean(self.variances)
        return Mean(
            fmean(self.values),
            images,
            variance(self.values) / number if number > 1 else 0.0,
            number - 1,
            paired=self.single is not None,
        )


def _shared(single: Float[np.ndarray, "r n"]) -> float:
    """Return the variance over images that r means share: the mean covariance of any two of them.

    Of a single run it is the variance of its mean.
    """
    runs, n = single.shape
    own = single.var(axis=1, dtype=float, ddof=1).mean() / n
    if runs == 1:
        return float(own)
    whole = single.mean(axis=0, dtype=float).var(ddof=1) / n
    return max(0.0, float((runs * whole - own) / (runs - 1)))


def shares(accuracies: Sequence[float], n: int, *, at: float) -> Mean:
    """Return the mean of shares of n images, with the error that it has where the truth is `at`.

    It is for a comparison with that bound, as E. Wilson (1927) makes it: a share of 0 or 1 has no
    spread of its own, and its error is not 0 for that.
    """
    return Runs(accuracies, [at * (1.0 - at) / n] * len(accuracies)).mean()
