"""One training step: cost, gradients by back-propagation, and the update in place.

The formulas are those of `kbn.layers`; what this file adds is the order of operations and the
buffers they write to, so that a step allocates nothing of a batch's or a matrix's size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from kbn.layers import (
    BatchNormCache,
    affine_backward,
    affine_backward_input,
    affine_forward,
    batch_norm_backward,
    batch_norm_forward,
    relu_backward,
    relu_forward,
    softmax_cross_entropy_backward,
    softmax_cross_entropy_forward,
)
from kbn.network import Network


class Gradients(NamedTuple):
    """Derivatives of the mean cross-entropy, one array a layer; L2's share is not in them."""

    W: list[Float[np.ndarray, "_ _"]]
    b: list[Float[np.ndarray, " _"]]
    gamma: list[Float[np.ndarray, " _"]]
    beta: list[Float[np.ndarray, " _"]]


@dataclass(frozen=True)
class Workspace:
    """Buffers of a step; `l` counts layers from the inputs."""

    X: Float[np.ndarray, "n d"]
    """The batch's images."""
    A: tuple[Float[np.ndarray, "n _"], ...]
    """H W + b of each layer; batch normalisation writes x̂ over it."""
    H: tuple[Float[np.ndarray, "n _"], ...]
    """Activations of the hidden layers."""
    G: tuple[Float[np.ndarray, "n _"], ...]
    """Derivatives by the hidden layers' activations; when a step ends, by their H W + b."""
    gradient: tuple[Float[np.ndarray, "_ _"], ...]
    """Derivatives by the weights."""

    @classmethod
    def of(cls, network: Network, batch_size: int) -> Workspace:
        """Return buffers for a network and a batch size."""
        dtype = network.W[0].dtype
        inputs, *widths = network.widths
        return cls(
            X=np.empty((batch_size, inputs), dtype),
            A=tuple(np.empty((batch_size, m), dtype) for m in widths),
            H=tuple(np.empty((batch_size, m), dtype) for m in widths[:-1]),
            G=tuple(np.empty((batch_size, m), dtype) for m in widths[:-1]),
            gradient=tuple(np.empty_like(W) for W in network.W),
        )


def gradients(
    network: Network, X: Float[np.ndarray, "n d"], y: Int[np.ndarray, " n"], work: Workspace
) -> tuple[float, Gradients, list[BatchNormCache]]:
    """Return a batch's mean cross-entropy, its gradients, and each normalised layer's cache.

    Of the caches only `mu` and `var` are still valid. Everything returned lives in `work` and
    is overwritten by the next call.
    """
    caches: list[BatchNormCache] = []
    H = X
    for l, (W, b) in enumerate(zip(network.W, network.b, strict=True)):
        A = affine_forward(H, W, b, out=work.A[l])
        if l < len(work.H):
            if network.batch_norm:
                Y, cache = batch_norm_forward(
                    A, network.gamma[l], network.beta[l], xhat=A, out=work.H[l]
                )
                caches.append(cache)
            else:
                Y = A
            H = relu_forward(Y, out=work.H[l])
    loss, P = softmax_cross_entropy_forward(A, y, out=A)

    found = Gradients([], [], [], [])
    G = softmax_cross_entropy_backward(P, y)
    for l in reversed(range(len(network.W))):
        dW, db = affine_backward(G, work.H[l - 1] if l else X, out=work.gradient[l])
        found.W.insert(0, dW)
        found.b.insert(0, db)
        if l:
            G = affine_backward_input(G, network.W[l], out=work.G[l - 1])
            G = relu_backward(G, work.H[l - 1], out=G)
            if network.batch_norm:
                G, dgamma, dbeta = batch_norm_backward(
                    G, network.gamma[l - 1], caches[l - 1], out=G
                )
                found.gamma.insert(0, dgamma)
                found.beta.insert(0, dbeta)
    return loss, found, caches


def step(
    network: Network,
    X: Float[np.ndarray, "n d"],
    y: Int[np.ndarray, " n"],
    work: Workspace,
    *,
    eta: float,
    lam: float,
    alpha: float,
) -> float:
    """Change a network's arrays in place by one step of gradient descent; return the loss.

    W ← (1 − 2ηλ)·W − η·∂L/∂W, and θ ← θ − η·∂L/∂θ for b, γ, β. The moving averages follow the
    batch: avg ← α·avg + (1 − α)·batch; with α = 0 they become the batch's.
    """
    loss, found, caches = gradients(network, X, y, work)
    for W, dW in zip(network.W, found.W, strict=True):
        dW *= eta
        W *= 1.0 - 2.0 * eta * lam
        W -= dW
    # A hidden layer's b has no effect under batch normalisation; its gradient is rounding noise.
    first = len(network.b) - 1 if network.batch_norm else 0
    for b, db in zip(network.b[first:], found.b[first:], strict=True):
        b -= eta * db
    for gamma, dgamma in zip(network.gamma, found.gamma, strict=True):
        gamma -= eta * dgamma
    for beta, dbeta in zip(network.beta, found.beta, strict=True):
        beta -= eta * dbeta
    for mu, var, cache in zip(network.mu, network.var, caches, strict=True):
        mu *= alpha
        mu += (1.0 - alpha) * cache.mu
        var *= alpha
        var += (1.0 - alpha) * cache.var
    return loss
