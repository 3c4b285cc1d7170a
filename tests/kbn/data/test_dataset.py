from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import numpy as np
import pytest

from kbn.data import Dataset

DATA = Dataset(
    name="few",
    title="few",
    source="a test",
    X=np.arange(12, dtype=np.uint8).reshape(4, 3),
    y=np.array([0, 1, 0, 1]),
    X_test=np.zeros((1, 3), np.uint8),
    y_test=np.array([1]),
    classes=("a", "b"),
    image_shape=None,
)


def test_the_fingerprint_is_what_it_says() -> None:
    """It is the SHA-256 of each array's type, shape and bytes; stores depend on it."""
    digest = hashlib.sha256()
    for array in (DATA.X, DATA.y, DATA.X_test, DATA.y_test):
        digest.update(f"{array.dtype.str}{array.shape}".encode() + array.tobytes())
    assert DATA.fingerprint == digest.hexdigest()[:16] == "02eb4d08f023faaa"


@pytest.mark.parametrize(
    "change",
    [
        {"X": DATA.X + np.uint8(1)},
        {"X": DATA.X.astype(np.int8)},
        {"X": DATA.X.reshape(3, 4)},
        {"y": 1 - DATA.y},
        {"X_test": np.ones((1, 3), np.uint8)},
        {"y_test": np.array([0])},
    ],
    ids=["values", "type", "shape", "labels", "test values", "test labels"],
)
def test_the_fingerprint_sees_every_change(change: dict[str, Any]) -> None:
    """Other values, another type, another shape: each is another data set."""
    assert dataclasses.replace(DATA, **change).fingerprint != DATA.fingerprint


def test_the_fingerprint_sees_values_alone() -> None:
    """Names, notes and the order in memory do not matter."""
    other = dataclasses.replace(DATA, name="other", notes=("x",), X=np.asfortranarray(DATA.X))
    assert other.fingerprint == DATA.fingerprint


def test_an_empty_part_has_a_fingerprint() -> None:
    """A set without test images can be told from others too."""
    empty = dataclasses.replace(DATA, X_test=DATA.X[:0], y_test=DATA.y[:0])
    assert len(empty.fingerprint) == 16
