"""A small network's form, images for it, and its scores worked out one image at a time."""

from __future__ import annotations

import numpy as np
import pytest

from kbn.layers import EPS
from kbn.network import Network

WIDTHS = (6, 5, 4, 3)
SEED = 5
"""With these weights each class is the answer to many images."""
BOTH = pytest.mark.parametrize("batch_norm", [True, False])
PRECISIONS = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def images(n: int, *, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Return standardised images and labels."""
    rng = np.random.default_rng(n)
    return rng.standard_normal((n, WIDTHS[0])).astype(dtype), rng.integers(WIDTHS[-1], size=n)


def plain_scores(made: Network, x: np.ndarray) -> np.ndarray:
    """Return the scores of one image, in inference mode, without blocks and factors."""
    h = x
    for l, (W, b) in enumerate(zip(made.W, made.b, strict=True)):
        if l > 0:
            h = np.array([max(value, 0.0) for value in h])
        h = np.array([h @ column for column in W.T]) + b
        if made.batch_norm and l < len(made.gamma):
            h = made.gamma[l] * (h - made.mu[l]) / np.sqrt(made.var[l] + EPS) + made.beta[l]
    return h
