"""The user's own tables: CSV and Parquet files, and pandas's data frames."""

from __future__ import annotations

import difflib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kbn.arrays import machine_bytes
from kbn.data.dataset import Dataset
from kbn.data.own import own
from kbn.errors import DataError, visible
from kbn.paths import Kind, kind_of, looking

if TYPE_CHECKING:
    import pandas as pd

TEXT_TIMES = 10
"""What a table of text takes in memory while it is read, as a multiple of its file's size."""
NUMBER = 8
"""Bytes of a table's number."""
SHOWN = 12
"""Columns that a message names."""


def table(path: Path, kind: str, *, target: str | None) -> Dataset:
    """Read a table: one column holds the labels, all others the features, one number each.

    Parameters
    ----------
    path
        A file with a row of column names first, where it is `csv`; or a `parquet` file, which
        takes pyarrow.
    target
        The column of labels.

    Raises
    ------
    DataError
        When the file cannot be read as a table, or would not fit the memory; when a column is
        missing, or holds what is no number.
    """
    if kind_of(path) is not Kind.FILE:
        raise DataError(f"data {kind}:{path}: there is no such file; name a .{kind} file")
    read = _parquet if kind == "parquet" else _csv
    arrays = frame_arrays(read(path), target, str(path))
    return own(arrays, name=f"{kind}:{path}", title=path.stem, origin=str(path))


def _csv(path: Path) -> pd.DataFrame:
    import pandas as pd

    with looking(path):
        _check_memory(path, path.stat().st_size * TEXT_TIMES)
    try:
        # An open file: pandas would fetch addresses and unpack archives by their names.
        with looking(path), path.open("rb") as file:
            return pd.read_csv(file, encoding="utf-8-sig", low_memory=False)
    except DataError:
        raise
    except (ValueError, MemoryError) as error:  # pandas's own errors are ValueErrors
        raise _unreadable(path, "CSV with a row of column names first", error) from error


def _parquet(path: Path) -> pd.DataFrame:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise DataError(
            f"{path}: Parquet files take pyarrow, which is not installed; "
            "pip install 'kbn-search[parquet]', or save the table as CSV"
        ) from error
    try:
        with looking(path), path.open("rb") as file:
            opened = parquet.ParquetFile(file)
            cells = opened.metadata.num_rows * opened.metadata.num_columns
            _check_memory(
                path, 2 * cells * NUMBER
            )  # equal values are stored once: the rest is told
            frame: pd.DataFrame = opened.read().to_pandas()
            return frame
    except DataError:
        raise
    except (
        OSError,
        ValueError,
        MemoryError,
        importlib.import_module("pyarrow").ArrowException,
    ) as error:
        raise _unreadable(path, "Parquet", error) from error


def _check_memory(path: Path, needed: int) -> None:
    there = machine_bytes()
    if there is not None and needed > there:
        raise DataError(
            f"{path} takes about {needed / 1e9:,.1f} GB to read, and this machine has "
            f"{there / 1e9:,.1f} GB of memory; take fewer rows or columns"
        )


def _unreadable(path: Path, what: str, error: BaseException) -> DataError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return DataError(f"{path} cannot be read as {what} ({reason})")


def frame_arrays(frame: pd.DataFrame, target: str | None, origin: str) -> dict[str, np.ndarray]:
    """Return a table's features and labels as `X` and `y`.

    Raises
    ------
    DataError
        When the column of labels is missing, or another one holds what is no number.
    """
    columns = [str(name) for name in frame.columns]
    if target is None or columns.count(target) != 1:
        raise DataError(f"{origin}: {_which(target, columns)}")
    at = columns.index(target)
    features = frame.iloc[:, [k for k in range(len(columns)) if k != at]]
    return {"X": numbers(features, origin), "y": _labels(frame.iloc[:, at], target, origin)}


def _which(target: str | None, columns: list[str]) -> str:
    """Return what is wrong with the name of a target, and which there are."""
    some = visible(", ".join(map(repr, columns[:SHOWN])) + ", …" * (len(columns) > SHOWN))[:400]
    if target is None:
        return f"name the column of labels with --target COLUMN (target in Python); it has {some}"
    if target in columns:
        return f"two columns are called {target!r:.80}, the target; rename one"
    near = difflib.get_close_matches(target, columns, n=1)
    hint = f"did you mean {visible(repr(near[0]))}? " if near else ""
    return f"there is no column {target!r:.80}, the target; {hint}It has {some}"


def numbers(frame: pd.DataFrame, origin: str) -> np.ndarray:
    """Return a table of numbers as an array, what is missing as NaN.

    Raises
    ------
    DataError
        When a column holds what is no number.
    """
    for name, dtype in zip(frame.columns, frame.dtypes, strict=True):
        if getattr(dtype, "kind", "O") not in "biuf":
            raise DataError(
                f"{origin}: column {str(name)!r:.80} holds {dtype}, which are no numbers; leave it "
                "out, or make numbers of it, as pandas.get_dummies does"
            )
    found = frame.to_numpy()
    return found if found.dtype.kind in "biuf" else frame.to_numpy(np.float64, na_value=np.nan)


def _labels(column: pd.Series[Any], name: str, origin: str) -> np.ndarray:
    """Return labels as an array of numbers or texts."""
    missing = column.isna().to_numpy()
    if missing.any():
        raise DataError(
            f"{origin}: {missing.sum()} of {len(column)} rows have no {name!r:.80}, the first is "
            f"row {missing.argmax()}; remove them"
        )
    if getattr(column.dtype, "kind", "O") in "biuf":
        return column.to_numpy(dtype=column.dtype.kind + "8" if column.dtype.kind != "b" else bool)
    return column.astype(str).to_numpy().astype(str)
