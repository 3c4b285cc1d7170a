"""McNemar's exact test of two networks that labelled the same images.

It compares two trained networks, not two values of λ: the noise of seeds is not in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import bdtr


def exact(first: Bool[np.ndarray, " n"], second: Bool[np.ndarray, " n"]) -> float:
    """Return the two-sided p-value of McNemar's exact test (Q. McNemar, 1947).

    Of the images that one network alone labels right, each is as likely the first's as the
    second's if the two are equally good: a binomial test with one half, whose tails are alike.
    """
    only_first = int(np.count_nonzero(first & ~second))
    only_second = int(np.count_nonzero(second & ~first))
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), only_first + only_second, 0.5)))


def holm(p: Sequence[float]) -> Float[np.ndarray, " m"]:
    """Return p-values corrected so that all tests together keep their rate (S. Holm, 1979).

    The smallest of m is multiplied by m, the next by m − 1, and so on; none falls below a
    smaller one's.
    """
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    raised = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(1.0, raised)
    return corrected
