"""The operations of a training step as their equations read: the oracle of `kbn.step`.

Each is a pair, forward and backward, with an explicit cache. All take and return arrays whose rows
are images; dimension letters are those of `kbn`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Integer

from kbn.layers import EPS


def affine_backward(
    G: Float[np.ndarray, "n m"],
    H: Float[np.ndarray, "n d"],
    *,
    out: Float[np.ndarray, "d m"] | None = None,
) -> tuple[Float[np.ndarray, "d m"], Float[np.ndarray, " m"]]:
    """Given G = ∂L/∂A, return ∂L/∂W = Hᵀ G and ∂L/∂b = Σ G over images."""
    return np.matmul(H.T, G, out=out), G.sum(axis=0)


def affine_backward_input(
    G: Float[np.ndarray, "n m"],
    W: Float[np.ndarray, "d m"],
    *,
    out: Float[np.ndarray, "n d"] | None = None,
) -> Float[np.ndarray, "n d"]:
    """Given G = ∂L/∂A, return ∂L/∂H = G Wᵀ."""
    dH: np.ndarray = np.matmul(G, W.T, out=out)
    return dH


def relu_backward(
    G: Float[np.ndarray, "n m"],
    H: Float[np.ndarray, "n m"],
    *,
    out: Float[np.ndarray, "n m"] | None = None,
) -> Float[np.ndarray, "n m"]:
    """Given G = ∂L/∂H and H = max(A, 0), return ∂L/∂A = G where H > 0, else 0."""
    dA: np.ndarray = np.multiply(G, H > 0.0, out=out)
    return dA


class BatchNormCache(NamedTuple):
    """What the backward pass of batch normalisation needs of the forward pass."""

    xhat: Float[np.ndarray, "n m"]
    """Normalised inputs."""
    inv_std: Float[np.ndarray, " m"]
    """1/√(var + ε)."""
    mu: Float[np.ndarray, " m"]
    """Mean of the batch."""
    var: Float[np.ndarray, " m"]
    """Variance of the batch, 1/n."""


def batch_norm_forward(
    A: Float[np.ndarray, "n m"],
    gamma: Float[np.ndarray, " m"],
    beta: Float[np.ndarray, " m"],
    *,
    xhat: Float[np.ndarray, "n m"] | None = None,
    out: Float[np.ndarray, "n m"] | None = None,
) -> tuple[Float[np.ndarray, "n m"], BatchNormCache]:
    """Y = γ x̂ + β with x̂ = (A − μ)/√(var + ε), μ and var (1/n) over the batch.

    `xhat` may be A itself, which is then overwritten.
    Source: S. Ioffe, C. Szegedy, "Batch Normalization", 2015.
    """
    mu = A.mean(axis=0)
    xhat = np.subtract(A, mu, out=xhat)
    var = np.einsum("nm,nm->m", xhat, xhat) / len(A)
    inv_std = 1.0 / np.sqrt(var + EPS)
    xhat *= inv_std
    Y = np.multiply(xhat, gamma, out=out)
    Y += beta
    return Y, BatchNormCache(xhat, inv_std, mu, var)


def batch_norm_backward(
    G: Float[np.ndarray, "n m"],
    gamma: Float[np.ndarray, " m"],
    cache: BatchNormCache,
    *,
    out: Float[np.ndarray, "n m"] | None = None,
) -> tuple[Float[np.ndarray, "n m"], Float[np.ndarray, " m"], Float[np.ndarray, " m"]]:
    """Given G = ∂L/∂Y, return ∂L/∂A, ∂L/∂γ = Σ G x̂ and ∂L/∂β = Σ G.

    ∂L/∂A = γ/√(var + ε) · (G − (∂L/∂β + x̂ ∂L/∂γ)/n). `out` may be G itself; `cache.xhat` is
    overwritten.
    """
    n = len(G)
    dbeta = G.sum(axis=0)
    dgamma = np.einsum("nm,nm->m", G, cache.xhat)
    correction = np.multiply(cache.xhat, dgamma / n, out=cache.xhat)
    correction += dbeta / n
    dA = np.subtract(G, correction, out=out)
    dA *= gamma * cache.inv_std
    return dA, dgamma, dbeta


def softmax_cross_entropy_forward(
    S: Float[np.ndarray, "n k"],
    y: Integer[np.ndarray, " n"],
    *,
    out: Float[np.ndarray, "n k"] | None = None,
) -> tuple[float, Float[np.ndarray, "n k"]]:
    """Return the mean cross-entropy −log p_y, in nats, and the probabilities p = softmax(S).

    The largest score of each image is subtracted first, so that no exponential overflows and
    the logarithm is taken of a number of at least 1.
    """
    rows = np.arange(len(y))
    P = np.subtract(S, S.max(axis=1, keepdims=True), out=out)
    score = P[rows, y]
    np.exp(P, out=P)
    total = P.sum(axis=1, keepdims=True)
    loss = float(np.mean(np.log(total[:, 0]) - score, dtype=np.float64))
    P /= total
    return loss, P


def softmax_cross_entropy_backward(
    P: Float[np.ndarray, "n k"], y: Integer[np.ndarray, " n"]
) -> Float[np.ndarray, "n k"]:
    """Return ∂L/∂S = (P − one-hot(y))/n. P is overwritten."""
    P[np.arange(len(y)), y] -= 1.0
    P /= len(y)
    return P
