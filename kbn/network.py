"""A k-layer network: its parameters as one value, and what can be done with them.

affine → batch normalisation → scale γ, shift β → ReLU for each hidden layer (without batch
normalisation: affine → ReLU); the last layer is affine → softmax.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np
from jaxtyping import Float, Int, Integer, Shaped
from numpy.typing import ArrayLike

from kbn.arrays import arrays_of
from kbn.blas import blas_threads
from kbn.errors import InputError
from kbn.files import UNREADABLE_NPZ, whole_file
from kbn.layers import EPS, affine_forward, cross_entropies, relu_forward
from kbn.paths import Kind, kind_of, looking

BLOCK = 500
"""Images in a block of inference: their activations stay in the cache."""

FORMAT, OF_ONE = 2, 1
"""Versions of the `.npz` layout: the newest, and that of a single network, which was the first."""

PARAMETERS = ("W", "b", "gamma", "beta", "mu", "var")


@dataclass(frozen=True)
class Network:
    """Parameters and moving averages, one array a layer, inputs first.

    With batch normalisation the hidden layers' b have no effect, since the batch's mean is
    subtracted; they are kept, at 0, so that both kinds of network have the same form.
    """

    W: tuple[Float[np.ndarray, "_ _"], ...]
    b: tuple[Float[np.ndarray, " _"], ...]
    gamma: tuple[Float[np.ndarray, " _"], ...]
    """One a hidden layer; empty without batch normalisation. So are the next three."""
    beta: tuple[Float[np.ndarray, " _"], ...]
    mu: tuple[Float[np.ndarray, " _"], ...]
    """Moving average of the batches' means."""
    var: tuple[Float[np.ndarray, " _"], ...]
    """Moving average of the batches' variances."""

    @property
    def batch_norm(self) -> bool:
        """Whether hidden layers are normalised."""
        return bool(self.gamma)

    @property
    def widths(self) -> tuple[int, ...]:
        """Inputs, hidden widths, classes."""
        return (self.W[0].shape[0], *(W.shape[1] for W in self.W))

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return self.widths[1:-1]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return every array under a name of its own: `W1`, `b1`, `gamma1`, … from 1."""
        return {
            f"{name}{layer}": array
            for name in PARAMETERS
            for layer, array in enumerate(getattr(self, name), start=1)
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Network:
        """Inverse of `arrays`; other names are ignored.

        Raises
        ------
        InputError
            When the arrays do not make a network.
        """
        found = {name: tuple(_numbered(arrays, name)) for name in PARAMETERS}
        depth, normed = len(found["W"]), len(found["gamma"])
        counts = {name: len(found[name]) for name in PARAMETERS}
        expected = dict.fromkeys(PARAMETERS, normed) | {"W": depth, "b": depth}
        if depth < 2 or counts != expected or normed not in (0, depth - 1):
            raise InputError(f"these arrays do not make a network: {counts}")
        for name, of_layers in found.items():
            for layer, array in enumerate(of_layers, start=1):
                if array.ndim != (2 if name == "W" else 1) or array.dtype.kind != "f":
                    raise InputError(
                        f"{name}{layer} is {array.dtype} of shape {array.shape}; floats with "
                        f"{2 if name == 'W' else 1} axes are needed"
                    )
        network = cls(**found)
        network.check()
        return network

    def check(self) -> None:
        """Raise `InputError` unless shapes and types fit together."""
        widths = self.widths
        shapes = {f"W{i + 1}": widths[i : i + 2] for i in range(len(self.W))}
        shapes |= {f"b{i + 1}": widths[i + 1 : i + 2] for i in range(len(self.W))}
        for name in PARAMETERS[2:]:
            shapes |= {f"{name}{i + 1}": widths[i + 1 : i + 2] for i in range(len(self.gamma))}
        for name, array in self.arrays().items():
            if array.shape != shapes[name] or array.dtype != self.W[0].dtype:
                raise InputError(
                    f"{name} is {array.dtype} of shape {array.shape}; "
                    f"{self.W[0].dtype} of shape {shapes[name]} is needed"
                )


def _numbered(arrays: Mapping[str, np.ndarray], name: str) -> Iterator[np.ndarray]:
    layer = 1
    while (key := f"{name}{layer}") in arrays:
        yield arrays[key]
        layer += 1


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
    _check_features(network, X)
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
    _check_features(network, X)
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


def squared_norm(network: Network) -> float:
    """Return Σ‖W‖² over layers."""
    return sum(float(np.vdot(W, W)) for W in network.W)


def confusion_matrix(
    y: Integer[np.ndarray, " n"], predicted: Int[np.ndarray, " n"], classes: int
) -> Int[np.ndarray, "k k"]:
    """Count images by true class (rows) and predicted class (columns)."""
    counts = np.bincount(y.astype(np.int64) * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def _check_features(network: Network, X: np.ndarray) -> None:
    if X.shape[1] != network.widths[0]:
        raise InputError(
            f"images have {X.shape[1]} features; the network takes {network.widths[0]}"
        )


@dataclass(frozen=True)
class Model:
    """A network with what it takes to feed it raw images and to give its answers as labels.

    Raises
    ------
    InputError
        When an array's shape does not fit the network.
    """

    network: Network
    mean: Float[np.ndarray, " d"]
    std: Float[np.ndarray, " d"]
    classes: tuple[str, ...]
    """Names of the classes, for people."""
    labels: Shaped[np.ndarray, " k"] | None = None
    """The classes' labels as their owner wrote them, such as 0, 1, … or names; None for the
    numbers from 0 that networks are trained with."""
    members: tuple[Network, ...] = ()
    """Further networks: the answers are those of the mean of all networks' probabilities."""

    def __post_init__(self) -> None:
        for member in self.members:
            if (member.widths[0], member.widths[-1]) != (
                self.network.widths[0],
                self.network.widths[-1],
            ):
                raise InputError(f"a member has widths {member.widths}, {self.network.widths} too")
        d, k = self.network.widths[0], self.network.widths[-1]
        labels = k if self.labels is None else len(self.labels)
        for name, size, needed in (
            ("mean", len(self.mean), d),
            ("std", len(self.std), d),
            ("classes", len(self.classes), k),
            ("labels", labels, k),
        ):
            if size != needed:
                raise InputError(f"{name}: {size} were given; the network has {needed}")

    def predict(self, X: ArrayLike, *, threads: int = 1) -> Shaped[np.ndarray, " n"]:
        """Return the most likely labels of raw images, one row each.

        Raises
        ------
        InputError
            When images have another number of features than those trained on, hold NaN or
            infinity, or lie too far from them.
        """
        rows = self._standardised(X)
        found = (
            predict_mean(self.networks, rows, threads=threads).argmax(axis=1)
            if self.members
            else predict(self.network, rows, threads=threads)
        )
        return found if self.labels is None else self.labels[found]

    def predict_proba(self, X: ArrayLike, *, threads: int = 1) -> Float[np.ndarray, "n k"]:
        """Return the probabilities of raw images' labels, in the labels' order.

        Raises
        ------
        InputError
            As `predict` does.
        """
        return predict_mean(self.networks, self._standardised(X), threads=threads)

    @property
    def networks(self) -> tuple[Network, ...]:
        """All networks that answer."""
        return (*self.members, self.network)

    def _standardised(self, images: ArrayLike) -> Float[np.ndarray, "n d"]:
        X = np.asarray(images)
        if X.dtype.kind not in "biuf" or X.ndim < 2:
            raise InputError(
                f"images are {X.dtype} of shape {X.shape}; numbers with one row an image are needed"
            )
        X = X.reshape(len(X), math.prod(X.shape[1:]))
        _check_features(self.network, X)
        with np.errstate(over="ignore", invalid="ignore"):
            result: np.ndarray = ((X - self.mean) / self.std).astype(self.network.W[0].dtype)
        bad = ~np.isfinite(result).all(axis=1)
        if bad.any():
            raise InputError(
                f"{bad.sum()} of {len(X)} images hold NaN, infinity or values too far from those "
                f"trained on, the first is image {bad.argmax()}; remove or fill them"
            )
        return result


MEMBER = "member"
"""What the names of a further network's arrays begin with, before its number and a slash."""


def members_of(arrays: Mapping[str, np.ndarray]) -> tuple[Network, ...]:
    """Return the further networks among some arrays; raise `InputError` for what makes none."""
    found: list[Network] = []
    while own := _within(arrays, f"{MEMBER}{len(found) + 1}/"):
        found.append(Network.from_arrays(own))
    return tuple(found)


def _within(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def save(path: Path | str, model: Model) -> None:
    """Write a model as `.npz`, whole or not at all; nothing in it is a pickle."""
    classes = np.array(model.classes)
    arrays: dict[str, Any] = {
        **model.network.arrays(),
        **{
            f"{MEMBER}{k}/{name}": array
            for k, member in enumerate(model.members, start=1)
            for name, array in member.arrays().items()
        },
        "format": FORMAT if model.members else OF_ONE,
        "mean": model.mean,
        "std": model.std,
        "classes": classes,
        "labels": np.arange(len(classes)) if model.labels is None else model.labels,
    }
    # Given a path, NumPy would write to another one where the suffix is not its own.
    with whole_file(Path(path)) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load(path: Path | str) -> Model:
    """Read a model written by `save`, without running any pickle.

    Raises
    ------
    InputError
        When the file is missing, damaged, no model, or of a newer format.
    """
    path = Path(path)
    if kind_of(path) is not Kind.FILE:
        raise InputError(f"{path} is missing, or no file")
    with looking(path), path.open("rb") as file:
        if not is_zipfile(file):
            raise InputError(f"{path} is no model, or is cut off")
    try:
        arrays = arrays_of(path)
    except UNREADABLE_NPZ as error:
        raise InputError(f"{path} cannot be read as a model ({error})") from error
    version = arrays.get("format", np.array(0))
    if version.shape or version.dtype.kind != "i" or not 1 <= version <= FORMAT:
        raise InputError(f"{path} has format {version}; this version reads 1 to {FORMAT}")
    network = Network.from_arrays(arrays)
    d, k = network.widths[0], network.widths[-1]
    if "classes" in arrays:  # files from before there were labels answer with names
        arrays.setdefault("labels", arrays["classes"])
    for name, shape in {"mean": (d,), "std": (d,), "classes": (k,), "labels": (k,)}.items():
        if name not in arrays or arrays[name].shape != shape:
            raise InputError(f"{path} lacks {name} of shape {shape}")
    return Model(
        network=network,
        mean=arrays["mean"],
        std=arrays["std"],
        classes=tuple(str(name) for name in arrays["classes"]),
        labels=arrays["labels"],
        members=members_of(arrays),
    )
