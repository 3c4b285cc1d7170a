"""One training step: cost, gradients by back-propagation, and the update in place.

This is the one place of the training's equations, in an order and a layout that make them fast;
`tests/kbn/oracle.py` has them batch first, one by one, and the tests hold both to be equal:

- A pack of K networks does every operation at once; one network is a pack of one.
- Inside the network columns are images, shape (K, m, n): what belongs to a unit (b, γ, β, its
  mean) spreads along rows, and a sum over images is a product with a vector.
- Batch normalisation keeps the centred A − μ; γ/√(var + ε) is one factor, forward and backward.
- ReLU is a product with [Y > 0], which the backward pass uses again.
- G is the derivative of the batch's summed loss, so that what is wanted of it are means.
- W ← (1 − 2ηλ)·W − η·∂L/∂W adds inside the matrix product: the gradient is never stored.
- The small parameters of all layers are one vector, updated at once; so are the averages.

Nothing of a batch's or a matrix's size is allocated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Integer
from scipy.linalg.blas import dgemm, sgemm

from kbn.network import Network
from kbn.pack import Pack
from kbn.workspace import Workspace

ADD_PRODUCT = {"f": sgemm, "d": dgemm}
"""BLAS's C ← α·A·B + β·C by the arrays' type."""


def forward(pack: Pack, work: Workspace) -> Float[np.ndarray, " K"]:
    """Return each member's mean cross-entropy on the batch, in nats."""
    last = len(pack.W) - 1
    for l, W in enumerate(pack.W):
        A = work.A[l]
        if l:
            np.matmul(W.mT, work.H[l - 1], out=A)
        else:
            np.matmul(work.X, W, out=work.XW)
            A[...] = work.XW.mT
        if l == last or not pack.batch_norm:
            A += pack.b[l]
        if l < last:
            Y = _batch_norm_forward(pack, work, l) if pack.batch_norm else A
            np.greater(Y, work.zero, out=work.on[l])
            np.multiply(Y, work.on[l], out=work.H[l])
    if pack.batch_norm:
        np.multiply(work.variances, work.nth, out=work.variances)
    return _cross_entropy_forward(work)


def backward(pack: Pack, work: Workspace) -> None:
    """After `forward`, fill `work.G` and `work.d_small`."""
    last = len(pack.W) - 1
    _cross_entropy_backward(work)
    np.matmul(work.G[last], work.nths, out=work.db[last])
    for l in reversed(range(last)):
        G = np.matmul(pack.W[l + 1], work.G[l + 1], out=work.G[l])
        G *= work.on[l]
        if pack.batch_norm:
            _batch_norm_backward(work, l)
        else:
            np.matmul(G, work.nths, out=work.db[l])
    if pack.batch_norm:
        dgammas = np.divide(work.dgammas, work.stds, out=work.dgammas)
        dgammas *= work.nth


def _batch_norm_forward(pack: Pack, work: Workspace, l: int) -> np.ndarray:
    """Y = γ x̂ + β with x̂ = (A − μ)/√(var + ε); A is centred in place.

    b would only shift μ, so it is left out here and added to the moving average of μ.
    """
    A, mu, var, squares = work.A[l], work.mu[l], work.var[l], work.squares[l]
    std, scale = work.std[l], work.scale[l]
    np.matmul(A, work.nths, out=mu)
    A -= mu
    np.vecdot(A, A, out=var[..., 0])  # n·var
    np.add(var, work.n_eps, out=squares)
    np.multiply(squares, work.nth, out=std)
    np.sqrt(std, out=std)
    np.divide(pack.gamma[l], std, out=scale)
    Y: np.ndarray = np.multiply(A, scale, out=work.H[l])
    Y += pack.beta[l]
    return Y


def _batch_norm_backward(work: Workspace, l: int) -> None:
    """G ← γ/√(var + ε)·(G − mean G − x̂·mean(G x̂)); ∂L/∂β = mean G, ∂L/∂γ = mean(G x̂).

    A, which holds A − μ = x̂·√(var + ε), is overwritten. x̂·mean(G x̂) is (A − μ)·Σ G (A − μ) over
    n·(var + ε), and `work.dgamma` is left as that sum.
    """
    A, G, column = work.A[l], work.G[l], work.column[l]
    dgamma, dbeta = work.dgamma[l], work.dbeta[l]
    np.matmul(G, work.nths, out=dbeta)
    np.vecdot(G, A, out=dgamma[..., 0])
    np.divide(dgamma, work.squares[l], out=column)
    A *= column
    A += dbeta
    G -= A
    G *= work.scale[l]


def _cross_entropy_forward(work: Workspace) -> Float[np.ndarray, " K"]:
    """Mean of log Σ exp S − S_y; the largest score of each image is subtracted from S first."""
    S, extremes = work.A[-1], work.extremes
    np.maximum.reduce(S, axis=1, keepdims=True, out=extremes)
    S -= extremes
    true = S.reshape(-1)[work.labels]
    np.exp(S, out=S)
    np.add.reduce(S, axis=1, keepdims=True, out=extremes)
    losses = np.log(extremes).reshape(len(S), -1)
    losses -= true.reshape(losses.shape)
    mean: np.ndarray = np.matmul(losses, work.nths)[:, 0]
    return mean


def _cross_entropy_backward(work: Workspace) -> None:
    """G = P − one-hot(y) with P = exp S / Σ exp S."""
    S = work.A[-1]
    S /= work.extremes
    S.reshape(-1)[work.labels] -= 1.0


def step(
    pack: Pack, work: Workspace, *, eta: Sequence[float], lam: Sequence[float], alpha: float
) -> Float[np.ndarray, " K"]:
    """Change a pack in place by one step of gradient descent; return each member's loss.

    W ← (1 − 2ηλ)·W − η·∂L/∂W, and θ ← θ − η·∂L/∂θ for b, γ, β, with each member's own η and λ.
    The moving averages follow the batch: avg ← α·avg + (1 − α)·batch; with α = 0 they become
    the batch's.
    """
    losses = forward(pack, work)
    backward(pack, work)
    _descend(pack, work, eta, lam)
    if pack.batch_norm:
        averages, moments, means = pack.averages, work.moments, work.means
        means += pack.small[:, : means.shape[1]]  # μ is the mean of Wᵀ H + b
        averages *= alpha
        moments *= 1.0 - alpha
        averages += moments
    return losses


def _descend(pack: Pack, work: Workspace, eta: Sequence[float], lam: Sequence[float]) -> None:
    """Update the parameters. BLAS counts along columns, so that it sees each array transposed."""
    n, small, d_small, rates = len(work.X), pack.small, work.d_small, work.rates
    add_product = ADD_PRODUCT[small.dtype.char]
    rates[:, 0] = eta
    for l, weights in enumerate(pack.W):
        for k, (rate, decay) in enumerate(zip(eta, lam, strict=True)):
            W, G, kept = weights[k], work.G[l][k], 1.0 - 2.0 * rate * decay
            if l:
                H = work.H[l - 1][k].T
            else:
                W *= kept  # BLAS would take twice as long over so large an array
                H, kept = work.X.T, 1.0
            add_product(-rate / n, G.T, H, kept, W.T, trans_a=1, trans_b=not l, overwrite_c=1)
    d_small *= rates
    small -= d_small


class Gradients(NamedTuple):
    """Derivatives of the mean cross-entropy, one array a layer; L2's share is not in them."""

    W: list[Float[np.ndarray, "_ _"]]
    b: list[Float[np.ndarray, " _"]]
    gamma: list[Float[np.ndarray, " _"]]
    beta: list[Float[np.ndarray, " _"]]


def gradients(
    network: Network, X: Float[np.ndarray, "n d"], y: Integer[np.ndarray, " n"]
) -> tuple[float, Gradients, Workspace]:
    """Return a batch's mean cross-entropy, its gradients, and the buffers they came from."""
    pack = Pack.of([network])
    work = Workspace.of(pack, len(X))
    work.load(X, y, np.arange(len(X)))
    (loss,) = forward(pack, work)
    backward(pack, work)
    inputs = (work.X.T, *(H[0] for H in work.H))
    dW = [H @ G[0].T / len(X) for H, G in zip(inputs, work.G, strict=True)]
    small = ([d[0, :, 0] for d in part] for part in (work.db, work.dgamma, work.dbeta))
    return float(loss), Gradients(dW, *small), work
