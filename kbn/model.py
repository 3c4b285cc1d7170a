"""A trained network with what it takes to feed it raw images, and its file."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np
from jaxtyping import Float, Shaped
from numpy.typing import ArrayLike

from kbn.arrays import arrays_of
from kbn.errors import InputError
from kbn.files import UNREADABLE_NPZ, whole_file
from kbn.inference import predict, predict_mean
from kbn.network import Network, check_features
from kbn.paths import Kind, kind_of, looking

FORMAT, OF_ONE = 2, 1
"""Versions of the `.npz` layout: the newest, and that of a single network, which was the first."""
MEMBER = "member"
"""What the names of a further network's arrays begin with, before its number and a slash."""


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
        check_features(self.network, X)
        with np.errstate(over="ignore", invalid="ignore"):
            result: np.ndarray = ((X - self.mean) / self.std).astype(self.network.W[0].dtype)
        bad = ~np.isfinite(result).all(axis=1)
        if bad.any():
            raise InputError(
                f"{bad.sum()} of {len(X)} images hold NaN, infinity or values too far from those "
                f"trained on, the first is image {bad.argmax()}; remove or fill them"
            )
        return result


def member_arrays(members: Collection[Network]) -> dict[str, np.ndarray]:
    """Return the arrays of further networks, each under a name of its own."""
    return {
        f"{MEMBER}{k}/{name}": array
        for k, member in enumerate(members, start=1)
        for name, array in member.arrays().items()
    }


def members_of(arrays: Mapping[str, np.ndarray]) -> tuple[Network, ...]:
    """Inverse of `member_arrays`; raise `InputError` for what makes no network."""
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
        **member_arrays(model.members),
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
