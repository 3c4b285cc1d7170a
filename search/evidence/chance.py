"""Whether a network has learned: whether it labels more images right than one that knows nothing.

What knows nothing names classes whatever the image is. On n images of which the largest class has a
share s it labels s·n right on average at most, and a network that always names one class never
labels more right than that.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Integer
from scipy.special import bdtr, bdtrc, betaincinv

LEVEL = 0.002
"""Rate at which a network that knows nothing is taken for one that has learned, at most."""
NEGLIGIBLE = 0.02
"""An accuracy above the largest class's share by less than this is as good as none: where it is
surely within that margin, a network is said not to learn."""
SURE = 0.05
"""Rate at which the largest class has less of all images than it is taken to have, at most."""
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
    right = _right(accuracy, n)
    return float(bdtrc(right - 1, n, share)) if right > 0 else 1.0


def _right(accuracy: float, n: int) -> int:
    return math.floor(accuracy * n + _ROUNDING)


def learned(accuracy: float, *, share: float, n: int) -> bool:
    """Say whether an accuracy on n images is above what knowing nothing gives, by `LEVEL`.

    `share` is that of the largest class among these images (`DataRecord.chance`).
    """
    return chance_of(accuracy, share=share, n=n) < LEVEL


def chance_of_none(accuracy: float, *, share: float, n: int, classes: int) -> float:
    """Return the chance of an accuracy this low of a network that does have learned something.

    Something is `unlearned_below`; the test is the exact binomial one (of equivalence, one-sided).
    That an accuracy is not above chance by a test is no sign that the network has not learned: on
    few images hardly any is. This p is small where it has not.
    """
    bound = unlearned_below(share, n=n, classes=classes)
    return float(bdtr(_right(accuracy, n), n, bound)) if bound < 1.0 else 1.0


def unlearned_below(share: float, *, n: int, classes: int) -> float:
    """Return the accuracy over all images from which on a network has learned something.

    It is `NEGLIGIBLE` above what the largest class has of all images at least, by its share of n
    of them: 1 in as many as there are classes, and the lower limit of C. Clopper and E. Pearson
    (1934), corrected for the class being the largest of so many.
    """
    right = _right(share, n)
    return NEGLIGIBLE + max(1 / classes, float(betaincinv(right, n - right + 1, SURE / classes)))
