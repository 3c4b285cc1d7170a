"""From a data set to what networks train on: split, then standardised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import DTypeLike

from kbn.data.dataset import Dataset
from kbn.errors import DataError, InputError
from kbn.streams import stream

BLOCK = 200_000
"""Numbers in a block of statistics: a float64 copy of the whole set is never made, and one of a
block stays in the cache."""

SPLIT_STREAM, SAMPLE_STREAM = 1_000_000, 1_000_001
"""Keys of these random streams, apart from those of weights and batches."""


Moments = tuple[Float[np.ndarray, " d"], Float[np.ndarray, " d"]]
"""Each feature's mean and standard deviation, float64; the latter is 1 where it was 0."""


@dataclass(frozen=True)
class Split:
    """Standardised images and labels of the three parts, C-contiguous.

    Each feature has mean 0 and standard deviation 1 over the training images; a feature that is
    constant there is 0.
    """

    X_train: Float[np.ndarray, "n d"]
    y_train: Int[np.ndarray, " n"]
    X_validation: Float[np.ndarray, "m d"]
    y_validation: Int[np.ndarray, " m"]
    X_test: Float[np.ndarray, "t d"]
    y_test: Int[np.ndarray, " t"]
    mean: Float[np.ndarray, " d"]
    """Of the raw training images, float64."""
    std: Float[np.ndarray, " d"]
    """Population standard deviation of the raw training images, float64; 1 where it was 0."""


@dataclass(frozen=True)
class Partition:
    """Which images of a data set train a network, and which validate it: ascending indices."""

    train: Int[np.ndarray, " n"]
    validation: Int[np.ndarray, " m"]


def split(
    dataset: Dataset,
    *,
    validation: float,
    seed: int,
    stratified: bool,
    dtype: DTypeLike = np.float32,
) -> Split:
    """Split off a validation set and standardise all parts with the training set's figures.

    Parameters
    ----------
    dataset
        What to split; its test part stays as it is.
    validation
        Number of validation images, or, below 1, their share.
    seed
        The split depends on the data and this alone.
    stratified
        Whether each class keeps its share, to within one image.
    dtype
        Type of the standardised images.

    Raises
    ------
    InputError
        When no image would be left to train or to validate on, or (as `DataError`) an image
        lies too far from the others.
    """
    parts = partition(dataset.y, validation=validation, seed=seed, stratified=stratified)
    return standardised(dataset, parts, dtype)


def partition(
    y: Int[np.ndarray, " N"], *, validation: float, seed: int, stratified: bool
) -> Partition:
    """Choose which images of given labels validate, as `split` does.

    Raises
    ------
    InputError
        When no image would be left to train or to validate on.
    """
    count = validation_count(validation, len(y))
    mask = np.zeros(len(y), bool)
    mask[choose(y, count, rng=stream(seed, SPLIT_STREAM), stratified=stratified)] = True
    return Partition(np.flatnonzero(~mask), np.flatnonzero(mask))


def standardised(dataset: Dataset, parts: Partition, dtype: DTypeLike = np.float32) -> Split:
    """Return the standardised images of a data set's parts.

    Raises
    ------
    DataError
        When an image lies too far from the others.
    """
    split = unfilled(dataset, parts, dtype)
    fill(split, dataset, parts, moments(dataset.X, parts.train))
    return split


def unfilled(dataset: Dataset, parts: Partition, dtype: DTypeLike = np.float32) -> Split:
    """Return room for the standardised images of a data set's parts, with their labels.

    The system gives memory to what is written: up to then the room takes none.
    """
    features = dataset.X.shape[1]
    rooms = [
        np.empty((len(rows), features), dtype)
        for rows in (parts.train, parts.validation, dataset.y_test)
    ]
    return Split(
        X_train=rooms[0],
        y_train=dataset.y[parts.train],
        X_validation=rooms[1],
        y_validation=dataset.y[parts.validation],
        X_test=rooms[2],
        y_test=np.ascontiguousarray(dataset.y_test),
        mean=np.empty(features),
        std=np.empty(features),
    )


def fill(split: Split, dataset: Dataset, parts: Partition, found: Moments) -> None:
    """Write the standardised images of a data set's parts into the room that is made for them.

    `found` are the moments of the images to train on.

    Raises
    ------
    DataError
        When an image lies too far from the others.
    """
    split.mean[...], split.std[...] = found
    for X, rows, room in (
        (dataset.X, parts.train, split.X_train),
        (dataset.X, parts.validation, split.X_validation),
        (dataset.X_test, np.arange(len(dataset.y_test)), split.X_test),
    ):
        standardise(X, rows, *found, out=room)


def sample(dataset: Dataset, share: float, *, seed: int) -> Dataset:
    """Return a data set of a share of the images of both parts, each class with its share.

    Raises
    ------
    InputError
        When fewer than one image a class would be left in either part.
    """
    rng = stream(seed, SAMPLE_STREAM)
    rows = []
    for y in (dataset.y, dataset.y_test):
        count, classes = round(share * len(y)), len(dataset.classes)
        if count < classes:
            raise InputError(
                f"scale {share:g}: {count} of {len(y)} images are too few for {classes} "
                f"classes; choose at least {classes / len(y):.2g}"
            )
        rows.append(np.sort(choose(y, count, rng=rng, stratified=True)))
    train, test = rows
    return replace(
        dataset,
        X=dataset.X[train],
        y=dataset.y[train],
        X_test=dataset.X_test[test],
        y_test=dataset.y_test[test],
    )


def validation_count(validation: float, n: int) -> int:
    """Return how many of `n` images a number, or, below 1, a share of them, comes to.

    Raises
    ------
    InputError
        When that is no whole number, or leaves no image to validate on, or fewer than 2 to train.
    """
    count = round(validation * n) if 0 < validation < 1 else validation
    if not (1 <= count <= n - 2 and count == int(count)):
        raise InputError(
            f"validation {validation:g}: choose a whole number from 1 to {n - 2} (of {n} "
            "images), or a fraction that comes to one"
        )
    return int(count)


def choose(
    y: Int[np.ndarray, " n"], count: int, *, rng: np.random.Generator, stratified: bool
) -> Int[np.ndarray, " _"]:
    """Choose `count` distinct indices at random; stratified: of each class its share.

    Shares are rounded by the largest remainder, so that they sum to `count`.
    """
    if not stratified:
        return rng.permutation(len(y))[:count]
    sizes = np.bincount(y)
    exact = sizes * (count / len(y))
    quota = np.floor(exact).astype(np.int64)
    by_remainder = np.argsort(quota - exact, kind="stable")
    quota[by_remainder[: count - quota.sum()]] += 1
    return np.concatenate(
        [
            rng.permutation(np.flatnonzero(y == label))[:share]
            for label, share in enumerate(quota.tolist())
        ]
    )


def moments(X: np.ndarray, rows: Int[np.ndarray, " n"]) -> Moments:
    """Return each feature's mean and standard deviation over some rows, in float64, in blocks.

    Two passes: the squares are taken of deviations from the mean, so that nothing cancels.
    """
    total = np.zeros(X.shape[1])
    low, high = X[rows[0]].astype(np.float64), X[rows[0]].astype(np.float64)
    for _, block in _blocks(X, rows):
        total += block.sum(axis=0, dtype=np.float64)
        np.minimum(low, block.min(axis=0), out=low)
        np.maximum(high, block.max(axis=0), out=high)
    constant = low == high
    mean = np.where(constant, low, total / len(rows))  # the quotient would be off by rounding
    squares = np.zeros(X.shape[1])
    for _, deviations in _deviations(X, rows, mean):
        squares += np.einsum("nd,nd->d", deviations, deviations)
    std = np.sqrt(squares / len(rows))
    return mean, np.where(constant | (std == 0), 1.0, std)  # squares below 1e-308 are 0


def standardise(
    X: np.ndarray,
    rows: Int[np.ndarray, " n"],
    mean: Float[np.ndarray, " d"],
    std: Float[np.ndarray, " d"],
    *,
    out: Float[np.ndarray, "n d"],
) -> None:
    """Write (X[rows] − mean)/std to `out`, computed in float64 in blocks.

    Raises
    ------
    DataError
        When an image lies so far from the training images that the type cannot hold it.
    """
    for part, block in _deviations(X, rows, mean):
        block /= std
        try:
            with np.errstate(over="raise"):
                out[part] = block
        except FloatingPointError:
            raise DataError(
                f"an image is {np.abs(block).max():.0e} standard deviations away from the training "
                f"images, too far for {out.dtype}; look for a feature with a wrong value"
            ) from None


def _blocks(
    X: np.ndarray, rows: Int[np.ndarray, " n"]
) -> Iterator[tuple[slice, Float[np.ndarray, "_ d"] | Int[np.ndarray, "_ d"]]]:
    """Yield X[rows] block by block, each in the place of the one before."""
    size = max(1, BLOCK // X.shape[1])
    room = np.empty((min(size, len(rows)), X.shape[1]), X.dtype)
    for start in range(0, len(rows), size):
        part = slice(start, min(start + size, len(rows)))
        # Any mode but "raise" writes to the buffer directly.
        yield part, np.take(X, rows[part], axis=0, out=room[: part.stop - start], mode="clip")


def _deviations(
    X: np.ndarray, rows: Int[np.ndarray, " n"], mean: Float[np.ndarray, " d"]
) -> Iterator[tuple[slice, Float[np.ndarray, "_ d"]]]:
    """Yield X[rows] − mean in float64, as `_blocks` does."""
    room = np.empty((max(1, BLOCK // X.shape[1]), X.shape[1]))
    for part, block in _blocks(X, rows):
        deviations = room[: len(block)]
        deviations[...] = block
        deviations -= mean
        yield part, deviations
