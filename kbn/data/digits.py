"""Handwritten digits that ship inside scikit-learn: real data with no network."""

from __future__ import annotations

import numpy as np

from kbn.data.dataset import Dataset
from kbn.data.holdout import hold_out


def digits() -> Dataset:
    """Return 1,797 handwritten digits of 8 × 8 pixels.

    Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998.
    """
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return hold_out(
        Dataset(
            name="digits",
            title="digits",
            source="scikit-learn's copy of the UCI handwritten digits",
            X=X.astype(np.uint8),
            y=y.astype(np.int64),
            X_test=X[:0],
            y_test=y[:0],
            classes=tuple("0123456789"),
            image_shape=(8, 8),
        )
    )
