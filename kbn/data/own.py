"""The user's own arrays: checked, and made a data set, wherever they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from kbn.data.dataset import Dataset
from kbn.data.holdout import hold_out
from kbn.errors import DataError, visible

NEEDED, OPTIONAL = ("X", "y"), ("X_test", "y_test")
LARGEST = 1e100
"""Bound of values: their squares, summed, have to stay finite."""
FEWEST = 10
"""Images to split, at least."""


def own(
    arrays: Mapping[str, np.ndarray], *, name: str, title: str, origin: str, numbered: bool = False
) -> Dataset:
    """Return a data set of `X`, `y` and, where there are, `X_test`, `y_test`.

    `X` holds one image or row of features each, of any shape; `y` one label each: whole numbers,
    or texts. Without a test part a fifth is held out.

    Parameters
    ----------
    name, title
        The data set's.
    origin
        Where the arrays came from, for messages.
    numbered
        Whether labels that are numbers have to go from 0 up without gaps.

    Raises
    ------
    DataError
        When an array does not fit, values are not finite, labels are none, or there is one class
        only.
    """
    halves = [half for half in OPTIONAL if half in arrays]
    if len(halves) == 1:
        raise DataError(f"{origin} has {halves[0]} alone; give both of X_test and y_test, or none")
    X = rows_of(arrays["X"], "X", origin)
    y, classes, labels = _labels(arrays["y"], origin, numbered=numbered)
    same_length(X, y, "X", "y", origin)
    if len(X) < FEWEST:
        raise DataError(f"{origin} has {len(X)} images in X; at least {FEWEST} are needed to split")
    shape = arrays["X"].shape[1:]
    dataset = Dataset(
        name=name,
        title=title,
        source=origin,
        X=X,
        y=y,
        X_test=X[:0],
        y_test=y[:0],
        classes=classes,
        image_shape=shape if len(shape) > 1 else None,
        labels=labels,
    )
    return _with_test(dataset, arrays, origin) if halves else hold_out(dataset)


def rows_of(raw: np.ndarray, name: str, origin: str) -> np.ndarray:
    """Return images as rows of bytes or floats, all finite.

    Raises
    ------
    DataError
        When they are no numbers, or none that can be standardised.
    """
    if raw.dtype.kind not in "biuf" or raw.ndim < 2 or 0 in raw.shape:
        raise DataError(
            f"{origin}: {name} is {raw.dtype} of shape {raw.shape}; numbers with one row an image "
            "are needed"
        )
    rows = np.ascontiguousarray(raw.reshape(len(raw), -1))
    if rows.dtype.kind == "f":
        bound = min(LARGEST, float(np.finfo(rows.dtype).max))
        bad = ~(np.abs(rows) <= bound).all(axis=1)  # so written, it catches NaN
        if bad.any():
            raise DataError(
                f"{origin}: {name} has {bad.sum()} of {len(rows)} rows with NaN, infinity or "
                f"values beyond {LARGEST:g}, the first is row {bad.argmax()}; remove or fill them"
            )
    return rows if rows.dtype in (np.uint8, np.float32, np.float64) else rows.astype(np.float64)


def _labels(
    given: np.ndarray, origin: str, *, numbered: bool
) -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
    """Return labels 0 to k − 1, and of the k classes the names and the labels as given."""
    raw = _readable(given, "y", origin, signed=not numbered)
    values, first, labels = np.unique(raw, return_index=True, return_inverse=True)
    if len(values) < 2:
        raise DataError(
            f"{origin}: the number of classes in y is {len(values)}; at least 2 are needed"
        )
    if numbered and raw.dtype.kind != "U" and values[-1] != len(values) - 1:
        absent = np.flatnonzero(values != np.arange(len(values)))[0]
        raise DataError(
            f"{origin}: y goes up to {values[-1]:g}, but no image has label {absent}; "
            "number the classes from 0 without gaps"
        )
    names = [value if raw.dtype.kind == "U" else _whole(value) for value in values]
    for name in names:
        if visible(str(name)) != str(name):
            raise DataError(
                f"{origin}: y holds the class name {str(name)[:40]!r}, with characters that "
                "cannot be shown; rename it"
            )
    return labels.astype(np.int64), tuple(str(name) for name in names), given[first]


def _whole(value: np.generic) -> object:
    """Return a class's number as it is written: 1.0 as 1."""
    return int(value) if value.dtype.kind in "iuf" else value


def _readable(raw: np.ndarray, name: str, origin: str, *, signed: bool) -> np.ndarray:
    """Return labels that are whole numbers, or texts."""
    if raw.ndim != 1:
        raise DataError(f"{origin}: {name} has shape {raw.shape}; one label an image is needed")
    if raw.dtype.kind == "S":
        return np.char.decode(raw, "utf-8", "backslashreplace")
    if raw.dtype.kind == "U":
        return raw
    if raw.dtype.kind not in "biuf" or not np.all(np.isfinite(raw)) or np.any(raw % 1):
        raise DataError(
            f"{origin}: {name} holds values that are no whole numbers; number classes from 0"
        )
    if not signed and raw.min(initial=0) < 0:
        raise DataError(f"{origin}: {name} has label {raw.min():g}; labels start at 0")
    return raw


def same_length(X: np.ndarray, y: np.ndarray, X_name: str, y_name: str, origin: str) -> None:
    """Raise `DataError` unless there is one label an image."""
    if len(X) != len(y):
        raise DataError(
            f"{origin}: {X_name} has {len(X)} rows and {y_name} {len(y)}; make them equal"
        )


def _with_test(dataset: Dataset, arrays: Mapping[str, np.ndarray], origin: str) -> Dataset:
    """Return the set with a test part of its own."""
    X_test, raw = rows_of(arrays["X_test"], "X_test", origin), arrays["y_test"]
    if X_test.shape[1] != dataset.X.shape[1]:
        raise DataError(
            f"{origin}: X_test has {X_test.shape[1]} features an image and X {dataset.X.shape[1]}; "
            "make them equal"
        )
    whole, test_whole = (arrays[name].dtype.kind != "f" for name in ("X", "X_test"))
    if whole != test_whole:  # such as bytes beside numbers from 0 to 1
        raise DataError(
            f"{origin}: X is {arrays['X'].dtype} and X_test {arrays['X_test'].dtype}, whole "
            "numbers beside fractions; scale both alike and give both in one type"
        )
    raw = _readable(raw, "y_test", origin, signed=True)
    same_length(X_test, raw, "X_test", "y_test", origin)
    as_text, y_as_text = raw.dtype.kind == "U", arrays["y"].dtype.kind in "US"
    if as_text != y_as_text:
        raise DataError(
            f"{origin}: y holds {_kind(as_text=y_as_text)} and y_test {_kind(as_text=as_text)}; "
            "give both in the same form"
        )
    assert dataset.labels is not None
    known = np.array(dataset.classes) if as_text else dataset.labels
    unknown = ~np.isin(raw, known)
    if unknown.any():
        raise DataError(
            f"{origin}: y_test has label {raw[unknown.argmax()]}, which y does not have; "
            "test on classes that are trained on"
        )
    return replace(dataset, X_test=X_test, y_test=np.searchsorted(known, raw).astype(np.int64))


def _kind(*, as_text: bool) -> str:
    return "texts" if as_text else "numbers"
