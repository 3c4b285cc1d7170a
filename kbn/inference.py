"""What a network answers, and how well: scores, labels, probabilities, cost and accuracy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Integer

from kbn.blas import blas_threads
from kbn.errors import InputError
from kbn.layers import EPS, affine_forward, cross_entropies, relu_forward
from kbn.network import Network, check_features, squared_norm

BLOCK = 500
"""Images in a block of inference: their activations stay in the cache."""


@dataclass(frozen=True)
class Evaluation:
    """A network measured on a set of images."""

    cost: float
    """Loss + λ·Σ‖W‖²."""
    loss: float
    """Mean cross-entropy, in nats."""
    loss_error: float
    """Standard error of the loss over images: their standard deviation / √n, in nats."""
    accuracy: float
    """Share of images labelled right."""
    n: int
    correct: np.ndarray
    """Which images were labelled right, one boolean each."""
    losses: np.ndarray
    """The images' cross-entropies, in nats."""


def scores(
    network: Network, X: Float[np.ndarray, "n d"]
) -> Iterator[tuple[slice, Float[np.ndarray, "_ k"]]]:
    """Yield the scores before softmax, block by block, with the rows of each block.

    Batch normalisation uses the moving averages: γ/√(var + ε) is one factor, β − μ·factor one
    shift.
    """
    last = len(network.W) - 1
    factors = [
        gamma / np.sqrt(var + EPS) for gamma, var in zip(network.gamma, network.var, strict=True)
    ]
    for start in range(0, len(X), BLOCK):
        rows = slice(start, min(start + BLOCK, len(X)))
        H = X[rows]
        for layer, (W, b) in enumerate(zip(network.W, network.b, strict=True)):
            H = affine_forward(H, W, b)
            if layer < last:
                if network.batch_norm:
                    H -= network.mu[layer]
                    H *= factors[layer]
                    H += network.beta[layer]
                H = relu_forward(H, out=H)
        yield rows, H


def predict(
    network: Network, X: Float[np.ndarray, "n d"], *, threads: int = 1
) -> Int[np.ndarray, " n"]:
    """Return each image's most likely class. X is standardised as the training set was.

    `threads` are the BLAS's (see `kbn.blas`), here and below.

    Raises
    ------
    InputError
        When the images have another number of features than the network, or an image has no
        finite scores.
    """
    labels = np.empty(len(X), np.int64)
    for rows, S in _finite_scores(network, X, threads):
        labels[rows] = S.argmax(axis=1)
    return labels


def predict_proba(
    network: Network, X: Float[np.ndarray, "n d"], *, threads: int = 1
) -> Float[np.ndarray, "n k"]:
    """Return each image's probabilities of the classes, softmax of its scores, as `predict` does.

    Raises
    ------
    InputError
        As `predict` does.
    """
    P = np.empty((len(X), network.widths[-1]), network.W[0].dtype)
    for rows, S in _finite_scores(network, X, threads):
        S -= S.max(axis=1, keepdims=True)
        np.exp(S, out=S)
        np.divide(S, S.sum(axis=1, keepdims=True), out=P[rows])
    return P


def predict_mean(
    networks: Sequence[Network], X: Float[np.ndarray, "n d"], *, threads: int = 1
) -> Float[np.ndarray, "n k"]:
    """Return the mean of several networks' probabilities, image by image.

    Source: G. Huang et al., "Snapshot Ensembles: Train 1, get M for free", 2017.

    Raises
    ------
    InputError
        As `predict` does.
    """
    first, *others = networks
    P = predict_proba(first, X, threads=threads)
    for network in others:
        P += predict_proba(network, X, threads=threads)
    if others:
        P /= len(networks)
    return P


def _finite_scores(
    network: Network, X: Float[np.ndarray, "n d"], threads: int
) -> Iterator[tuple[slice, Float[np.ndarray, "_ k"]]]:
    """Yield what `scores` does, once each image has a highest score: else class 0 would be it."""
    check_features(network, X)
    with blas_threads(threads), np.errstate(over="ignore", invalid="ignore"):
        for rows, S in scores(network, X):
            lost = ~np.isfinite(S.max(axis=1))
            if lost.any():
                raise InputError(
                    f"image {rows.start + lost.argmax()} has no finite scores: look for NaN, "
                    "infinity or a huge value in it"
                )
            yield rows, S


def evaluate(
    network: Network,
    X: Float[np.ndarray, "n d"],
    y: Integer[np.ndarray, " n"],
    *,
    lam: float,
    threads: int = 1,
) -> Evaluation:
    """Measure cost, loss and accuracy in inference mode.

    Raises
    ------
    InputError
        When the images have another number of features than the network, or are none, or when
        labels are no classes of the network.
    """
    check_features(network, X)
    if not len(X):
        raise InputError("no images to evaluate on: give at least one")
    check_labels(y, images=len(X), classes=network.widths[-1])
    losses, correct = np.empty(len(X)), np.empty(len(X), bool)
    with blas_threads(threads):
        for rows, S in scores(network, X):
            correct[rows] = S.argmax(axis=1) == y[rows]
            losses[rows] = cross_entropies(S, y[rows])
        norm = squared_norm(network)
    loss = float(losses.mean())
    return Evaluation(
        cost=loss + lam * norm,
        loss=loss,
        loss_error=float(losses.std()) / math.sqrt(len(X)),
        accuracy=float(correct.mean()),
        n=len(X),
        correct=correct,
        losses=losses,
    )


def check_labels(y: np.ndarray, *, images: int, classes: int) -> None:
    """Raise `InputError` unless there is one label an image, from 0 to the number of classes − 1.

    NumPy would count a label of −1 from the end.
    """
    if y.dtype.kind not in "iu" or y.shape != (images,):
        raise InputError(
            f"labels are {y.dtype} of shape {y.shape}; whole numbers of shape ({images},) are "
            "needed, one an image"
        )
    wrong = (y < 0) | (y >= classes)
    if wrong.any():
        raise InputError(
            f"image {wrong.argmax()} has label {y[wrong.argmax()]}; the network's classes are 0 to "
            f"{classes - 1}"
        )


def confusion_matrix(
    y: Integer[np.ndarray, " n"], predicted: Int[np.ndarray, " n"], classes: int
) -> Int[np.ndarray, "k k"]:
    """Count images by true class (rows) and predicted class (columns)."""
    counts = np.bincount(y.astype(np.int64) * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)
