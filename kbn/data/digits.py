"""Handwritten digits that ship inside scikit-learn: real data with no network."""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from kbn.data.dataset import Dataset
from kbn.data.holdout import hold_out

FILE = "datasets/data/digits.csv.gz"
"""Inside scikit-learn, a row an image: pixels, label. `sklearn.datasets.load_digits` reads it, too,
but takes a second to be imported."""


def digits() -> Dataset:
    """Return 1,797 handwritten digits of 8 × 8 pixels.

    Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998.
    """
    library = find_spec("sklearn")
    assert library is not None
    assert library.origin is not None
    with gzip.open(Path(library.origin).parent / FILE) as file:
        rows = np.loadtxt(file, delimiter=",", dtype=np.int64)
    X, y = rows[:, :-1].astype(np.uint8), rows[:, -1]
    return hold_out(
        Dataset(
            name="digits",
            title="digits",
            source="scikit-learn's copy of the UCI handwritten digits",
            X=X,
            y=y,
            X_test=X[:0],
            y_test=y[:0],
            classes=tuple("0123456789"),
            image_shape=(8, 8),
        )
    )
