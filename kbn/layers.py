"""What a network does to images once it is trained, batch first; training is in `kbn.step`.

All take and return arrays whose rows are images. Dimension letters are those of `kbn`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Integer

EPS = 1e-8
"""Added to a batch's variance. Far below the usual 1e-5, because weights that start at σ = 1e-4
give a second layer variances of 1e-7, which must still be normalised to 1."""


def affine_forward(
    H: Float[np.ndarray, "n d"],
    W: Float[np.ndarray, "d m"],
    b: Float[np.ndarray, " m"],
    *,
    out: Float[np.ndarray, "n m"] | None = None,
) -> Float[np.ndarray, "n m"]:
    """A = H W + b."""
    A: np.ndarray = np.matmul(H, W, out=out)
    A += b
    return A


def relu_forward(
    A: Float[np.ndarray, "n m"], *, out: Float[np.ndarray, "n m"] | None = None
) -> Float[np.ndarray, "n m"]:
    """H = max(A, 0)."""
    H: np.ndarray = np.maximum(A, 0.0, out=out)
    return H


def cross_entropies(
    S: Float[np.ndarray, "n k"], y: Integer[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Return each image's cross-entropy −log p_y in nats, p = softmax(S). S is overwritten."""
    S -= S.max(axis=1, keepdims=True)
    score = S[np.arange(len(y)), y]
    np.exp(S, out=S)
    losses: np.ndarray = np.log(S.sum(axis=1)) - score
    return losses
