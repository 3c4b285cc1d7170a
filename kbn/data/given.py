"""Data that are given in Python, as arrays, data frames or data sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from kbn.data.dataset import Dataset
from kbn.data.own import NEEDED, OPTIONAL, own, rows_of, same_length
from kbn.data.table import frame_arrays, numbers
from kbn.errors import DataError, visible

GIVEN = "arrays"
"""The name of data that were given in Python."""
_FORMS = "give (X, y), (X, y, X_test, y_test), a data frame with its target, or a kbn.data.Dataset"


def given(value: Any, target: str | None = None) -> Dataset:
    """Return a data set of what was given in Python.

    Parameters
    ----------
    value
        A `Dataset`; `(X, y)` or `(X, y, X_test, y_test)`, where `X` may be a data frame and `y` one
        of its columns; Keras's `((X, y), (X_test, y_test))`; or a data frame with the labels in
        its column `target`.

    Raises
    ------
    DataError
        When it is none of these, or does not fit.
    """
    if isinstance(value, Dataset):
        return _checked(value)
    arrays = frame_arrays(value, target, "data") if _is_frame(value) else _named(value)
    dataset = own(arrays, name=GIVEN, title="data given in Python", origin="data")
    return replace(dataset, notes=(*dataset.notes, _how_to_keep(dataset, arrays)))


def _how_to_keep(dataset: Dataset, arrays: Mapping[str, np.ndarray]) -> str:
    """Say how a command, which cannot be given arrays, gets them."""
    assert dataset.labels is not None
    as_is = dataset.labels.dtype.kind in "US" or np.array_equal(
        dataset.labels, np.arange(len(dataset.labels))
    )
    kept = {
        name: name if as_is or name.startswith("X") else f"np.searchsorted(np.unique(y), {name})"
        for name in arrays
    }
    return (
        "The data were given in Python. A command takes them from a file: "
        f"np.savez({f'{dataset.name}.npz'!r}, "
        f"{', '.join(f'{name}={value}' for name, value in kept.items())})."
    )


def _named(value: Any) -> dict[str, np.ndarray]:
    """Return arrays by their names."""
    parts = list(value) if isinstance(value, tuple | list) else []
    if len(parts) == 2 and all(isinstance(part, tuple) for part in parts):
        parts = [array for part in parts for array in part]
    if len(parts) not in (2, 4):
        raise DataError(f"data is a {type(value).__name__}: {_FORMS}")
    names = (*NEEDED, *OPTIONAL)[: len(parts)]
    return {
        name: _array(part, name, labels=name.startswith("y"))
        for name, part in zip(names, parts, strict=True)
    }


def _array(part: Any, name: str, *, labels: bool) -> np.ndarray:
    if _is_frame(part) and not labels:
        return numbers(part, f"data, {name}")
    try:
        array = np.asarray(part)
    except ValueError as error:  # rows of several lengths
        raise DataError(f"data: {name} is no array ({error})") from error
    if labels and array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if labels and array.dtype.kind == "O" and all(isinstance(each, str) for each in array.flat):
        array = array.astype(str)
    return array


def _is_frame(value: Any) -> bool:
    return hasattr(value, "columns") and hasattr(value, "iloc")


def _checked(dataset: Dataset) -> Dataset:
    """Return a data set that somebody made, once it is known to be one."""
    name = dataset.name
    if not name.strip() or visible(name) != name or "\n" in name:
        raise DataError(f"data: a Dataset's name is {name!r:.80}; give it one that can be shown")
    sets = (("X", dataset.X, "y", dataset.y), ("X_test", dataset.X_test, "y_test", dataset.y_test))
    for X_name, X, y_name, y in sets:
        rows = rows_of(X, X_name, f"data {name}")
        if rows.dtype != X.dtype or X.ndim != 2:
            raise DataError(
                f"data {name}: {X_name} is {X.dtype} of shape {X.shape}; a Dataset has unsigned "
                "bytes or floats, one row an image"
            )
        same_length(X, y, X_name, y_name, f"data {name}")
        k = len(dataset.classes)
        if y.dtype != np.int64 or y.ndim != 1 or y.min() < 0 or y.max() >= k:
            raise DataError(
                f"data {name}: {y_name} is {y.dtype} of shape {y.shape}; a Dataset's labels are "
                f"int64 from 0 to {k - 1}, the classes that it names"
            )
    if dataset.X.shape[1] != dataset.X_test.shape[1]:
        raise DataError(f"data {name}: X and X_test differ in features; make them equal")
    return dataset
