"""A data set as loaded: raw arrays, what their values mean, and a fingerprint of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images with labels, in a part to train on and a part to test on."""

    name: str
    """The name that `load` takes."""
    title: str
    """The name for headings."""
    source: str
    """Where the arrays came from."""
    X: np.ndarray
    """n × d, raw: unsigned bytes or floats."""
    y: np.ndarray
    """n labels, 0 to k − 1, int64."""
    X_test: np.ndarray
    y_test: np.ndarray
    classes: tuple[str, ...]
    """Names of the k classes."""
    image_shape: tuple[int, ...] | None
    """Shape of one image, or None where features are no image."""
    labels: np.ndarray | None = None
    """The k classes' labels as their owner wrote them; None where those are 0 to k − 1."""
    notes: tuple[str, ...] = ()
    """What a reader of results has to know of how the set was made."""

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        n, d = self.X.shape
        return f"<Dataset {self.name}: {n} × {d} to train on, {len(self.classes)} classes>"

    @cached_property
    def fingerprint(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of types, shapes and bytes of all arrays."""
        digest = hashlib.sha256()
        for array in (self.X, self.y, self.X_test, self.y_test):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()[:16]
