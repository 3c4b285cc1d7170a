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
    return float(exact_pairs(np.stack([first, second]))[0, 1])


def exact_pairs(right: Bool[np.ndarray, "k n"]) -> Float[np.ndarray, "k k"]:
    """Return the same of every pair of networks; a row of `right` is what one labels right."""
    marks = right.astype(np.float32)  # counts below 2²⁴ are exact
    both = (marks @ marks.T).astype(np.int64)
    alone = np.diag(both)[:, None] - both  # what a row's network labels right and a column's not
    tail = bdtr(np.minimum(alone, alone.T), alone + alone.T, 0.5)
    return np.asarray(np.minimum(1.0, 2 * tail))


def holm(p: Sequence[float] | Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
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
