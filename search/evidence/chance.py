"""Whether a network has learned: whether it labels more images right than one that knows nothing.

What knows nothing names classes whatever the image is. On n images of which the largest class has a
share s it labels s·n right on average at most, and a network that always names one class never
labels more right than that.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Integer
from scipy.special import bdtrc

LEVEL = 0.002
"""Rate at which a network that knows nothing is taken for one that has learned, at most."""
_ROUNDING = 1e-6
"""Of an image: a share times their number need not be whole in floating point."""


def largest_share(labels: Integer[np.ndarray, " n"]) -> float:
    """Return the share of the most frequent class among some images, by their labels."""
    return float(np.bincount(labels).max() / len(labels))


def chance_of(accuracy: float, *, share: float, n: int) -> float:
    """Return the chance that a network which knows nothing has an accuracy this high or higher.

    It is that of k or more successes in n trials with probability `share`, the largest class's
    (the exact binomial test, one-sided): an upper bound for whoever names classes at random, in
    whatever proportions (W. Hoeffding, *Annals of Mathematical Statistics* 27, 1956). The mean
    accuracy of several runs on the same n images is judged as that of one.
    """
    right = math.floor(accuracy * n + _ROUNDING)
    return float(bdtrc(right - 1, n, share)) if right > 0 else 1.0


def learned(accuracy: float, *, share: float, n: int) -> bool:
    """Say whether an accuracy on n images is above what knowing nothing gives, by `LEVEL`.

    `share` is that of the largest class among these images (`DataRecord.chance`).
    """
    return chance_of(accuracy, share=share, n=n) < LEVEL
