"""The user's own arrays, from an `.npz` file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zipfile import is_zipfile

import numpy as np

from kbn.arrays import arrays_of
from kbn.data.dataset import Dataset
from kbn.data.holdout import hold_out
from kbn.errors import DataError, visible
from kbn.files import UNREADABLE_NPZ
from kbn.paths import Kind, kind_of, looking

NEEDED, OPTIONAL = ("X", "y"), ("X_test", "y_test")
MAKE_ONE = "make one with np.savez(file, X=images, y=labels)"
LARGEST = 1e100
"""Bound of values: their squares, summed, have to stay finite."""


def npz(path: Path) -> Dataset:
    """Read `X`, `y` and, where there are, `X_test`, `y_test`.

    `X` holds one image or row of features each, of any shape; `y` one label each: whole numbers
    from 0, or texts. Without a test part a fifth is held out.

    Raises
    ------
    DataError
        When the file cannot be read without running code, an array is missing or does not fit,
        values are not finite, labels are out of range, or there is one class only.
    """
    arrays = _read(path)
    missing = [name for name in NEEDED if name not in arrays]
    if missing:
        raise DataError(f"{path} lacks {' and '.join(missing)}; {MAKE_ONE}")
    halves = [name for name in OPTIONAL if name in arrays]
    if len(halves) == 1:
        raise DataError(f"{path} has {halves[0]} alone; give both of X_test and y_test, or none")
    X = _images(arrays["X"], "X", path)
    y, classes, labels = _labels(arrays["y"], path)
    _same_length(X, y, "X", "y", path)
    if len(X) < 10:
        raise DataError(f"{path} has {len(X)} images in X; at least 10 are needed to split")
    shape = arrays["X"].shape[1:]
    dataset = Dataset(
        name=f"npz:{path}",
        title=path.stem,
        source=str(path),
        X=X,
        y=y,
        X_test=X[:0],
        y_test=y[:0],
        classes=classes,
        image_shape=shape if len(shape) > 1 else None,
        labels=labels,
    )
    return _with_test(dataset, arrays, path) if halves else hold_out(dataset)


def _read(path: Path) -> dict[str, np.ndarray]:
    kind = kind_of(path)
    if kind is None:
        raise DataError(f"{path} does not exist; {MAKE_ONE}")
    if kind is not Kind.FILE:
        raise DataError(f"{path} is a {kind}, so it is no .npz file; {MAKE_ONE}")
    with looking(path), path.open("rb") as file:
        zipped = is_zipfile(file)
    if not zipped:
        raise DataError(f"{path} is no .npz file, or is cut off; {MAKE_ONE}")
    try:
        return arrays_of(path, (*NEEDED, *OPTIONAL))
    except UNREADABLE_NPZ as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path} cannot be read as .npz ({reason}); {MAKE_ONE}") from error


def _images(raw: np.ndarray, name: str, path: Path) -> np.ndarray:
    """Return images as rows of bytes or floats, all finite."""
    if raw.dtype.kind not in "biuf" or raw.ndim < 2 or 0 in raw.shape:
        raise DataError(
            f"{path}: {name} is {raw.dtype} of shape {raw.shape}; numbers with one row an image "
            "are needed"
        )
    rows = np.ascontiguousarray(raw.reshape(len(raw), -1))
    if rows.dtype.kind == "f":
        bound = min(LARGEST, float(np.finfo(rows.dtype).max))
        bad = ~(np.abs(rows) <= bound).all(axis=1)  # so written, it catches NaN
        if bad.any():
            raise DataError(
                f"{path}: {name} has {bad.sum()} of {len(rows)} rows with NaN, infinity or values "
                f"beyond {LARGEST:g}, the first is row {bad.argmax()}; remove or fill them"
            )
    return rows if rows.dtype in (np.uint8, np.float32, np.float64) else rows.astype(np.float64)


def _labels(given: np.ndarray, path: Path) -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
    """Return labels 0 to k − 1, and of the k classes the names and the labels as given."""
    raw = _readable(given, "y", path)
    values, first, labels = np.unique(raw, return_index=True, return_inverse=True)
    if len(values) < 2:
        raise DataError(
            f"{path}: the number of classes in y is {len(values)}; at least 2 are needed"
        )
    if raw.dtype.kind != "U" and values[-1] != len(values) - 1:
        absent = np.flatnonzero(values != np.arange(len(values)))[0]
        raise DataError(
            f"{path}: y goes up to {values[-1]:g}, but no image has label {absent}; "
            "number the classes from 0 without gaps"
        )
    names = values if raw.dtype.kind == "U" else range(len(values))
    for name in names:
        if visible(str(name)) != str(name):
            raise DataError(
                f"{path}: y holds the class name {str(name)[:40]!r}, with characters that cannot "
                "be shown; rename it"
            )
    return labels.astype(np.int64), tuple(str(name) for name in names), given[first]


def _readable(raw: np.ndarray, name: str, path: Path) -> np.ndarray:
    """Return labels that are whole numbers from 0, or texts."""
    if raw.ndim != 1:
        raise DataError(f"{path}: {name} has shape {raw.shape}; one label an image is needed")
    if raw.dtype.kind == "S":
        return np.char.decode(raw, "utf-8", "backslashreplace")
    if raw.dtype.kind == "U":
        return raw
    if raw.dtype.kind not in "biuf" or not np.all(np.isfinite(raw)) or np.any(raw % 1):
        raise DataError(
            f"{path}: {name} holds values that are no whole numbers; number classes from 0"
        )
    if raw.min(initial=0) < 0:
        raise DataError(f"{path}: {name} has label {raw.min():g}; labels start at 0")
    return raw


def _same_length(X: np.ndarray, y: np.ndarray, X_name: str, y_name: str, path: Path) -> None:
    if len(X) != len(y):
        raise DataError(
            f"{path}: {X_name} has {len(X)} rows and {y_name} {len(y)}; make them equal"
        )


def _with_test(dataset: Dataset, arrays: dict[str, np.ndarray], path: Path) -> Dataset:
    """Return the set with the file's own test part."""
    X_test, raw = _images(arrays["X_test"], "X_test", path), arrays["y_test"]
    if X_test.shape[1] != dataset.X.shape[1]:
        raise DataError(
            f"{path}: X_test has {X_test.shape[1]} features an image and X {dataset.X.shape[1]}; "
            "make them equal"
        )
    whole, test_whole = (arrays[name].dtype.kind != "f" for name in ("X", "X_test"))
    if whole != test_whole:  # such as bytes beside numbers from 0 to 1
        raise DataError(
            f"{path}: X is {arrays['X'].dtype} and X_test {arrays['X_test'].dtype}, whole numbers "
            "beside fractions; scale both alike and give both in one type"
        )
    raw = _readable(raw, "y_test", path)
    _same_length(X_test, raw, "X_test", "y_test", path)
    as_text, y_as_text = raw.dtype.kind == "U", arrays["y"].dtype.kind in "US"
    if as_text != y_as_text:
        raise DataError(
            f"{path}: y holds {_kind(as_text=y_as_text)} and y_test {_kind(as_text=as_text)}; "
            "give both in the same form"
        )
    known = np.array(dataset.classes) if as_text else np.arange(len(dataset.classes))
    unknown = ~np.isin(raw, known)
    if unknown.any():
        raise DataError(
            f"{path}: y_test has label {raw[unknown.argmax()]}, which y does not have; "
            "test on classes that are trained on"
        )
    return replace(dataset, X_test=X_test, y_test=np.searchsorted(known, raw).astype(np.int64))


def _kind(*, as_text: bool) -> str:
    return "texts" if as_text else "numbers"
