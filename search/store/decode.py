"""From what a store holds back to records, believing nothing: it may be somebody else's file.

A checksum says that a row is as it was written, and not who wrote it.
"""

from __future__ import annotations

import functools
import json
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from kbn.epoch import EpochRecord
from kbn.files import UNREADABLE_NPZ
from kbn.model import members_of
from kbn.network import Network
from search.records import ENSEMBLE_CORRECT, LOSSES, TEST_CORRECT, Result, State

T = TypeVar("T")
_hints: Callable[[Any], dict[str, Any]] = functools.cache(typing.get_type_hints)

INTEGERS = 2**63
"""Whole numbers are smaller."""
FOREIGN = (*UNREADABLE_NPZ, TypeError, KeyError, RecursionError, OverflowError)
"""What reading something raises that no study wrote."""


def fields_of(text: object) -> dict[str, Any]:
    """Return what a JSON object holds. Raises one of `FOREIGN` for anything else."""
    found = json.loads(text) if isinstance(text, str) else None
    if not isinstance(found, dict):
        raise TypeError("no JSON object")
    return found


def read_record(kind: type[T], fields: dict[str, Any]) -> T:
    """Return a flat record from its fields, of whose lists tuples are made.

    Raises one of `FOREIGN` unless every field is there, known, and of its type.
    """
    made = kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})
    for name, hint in _hints(kind).items():
        value = getattr(made, name)
        if type(value) is hint is float:  # as most are
            continue
        if not _fits(value, hint):
            raise TypeError(f"{name} of a {kind.__name__} is no {hint}")
    return made


def read_epochs(fields: dict[str, Any]) -> list[EpochRecord]:
    """Return the epochs of one row: a field holds a list of theirs, or an older store's only one.

    Raises as `read_record` does.
    """
    if not isinstance(fields.get("epoch"), list):
        return [read_record(EpochRecord, fields)]
    rows = zip(*fields.values(), strict=True)
    return [read_record(EpochRecord, dict(zip(fields, row, strict=True))) for row in rows]


def check_result(result: Result, history: Sequence[EpochRecord]) -> None:
    """Raise one of `FOREIGN` for a result that training cannot have given."""
    if result.state not in (State.COMPLETED, State.DIVERGED):
        raise ValueError(f"a result is {result.state}")
    if result.epochs != len(history):
        raise ValueError(f"a result of {result.epochs} epochs has {len(history)}")
    parts = [part for part in (result.train, result.validation, result.test) if part is not None]
    if any(part.n < 1 or not 0 <= part.accuracy <= 1 for part in parts):
        raise ValueError("an accuracy is beyond 0 and 1, or of no images")
    if result.state is State.COMPLETED and (result.train is None or result.validation is None):
        raise ValueError("a completed trial lacks its figures")
    arrays = result.arrays
    bits, confusion = arrays.get("validation_correct"), arrays.get("confusion")
    n = result.validation.n if result.validation else 0
    _check_marks(bits, n)
    for name in (TEST_CORRECT, ENSEMBLE_CORRECT):
        _check_marks(arrays.get(name), result.test.n if result.test else 0)
    if confusion is not None and (confusion.dtype.kind not in "iu" or confusion.ndim != 2):
        raise ValueError(f"a confusion matrix is {confusion.dtype} of shape {confusion.shape}")
    for name in LOSSES:
        losses = arrays.get(name)
        if losses is not None and not (
            losses.dtype == np.float16 and losses.ndim == 1 and np.isfinite(losses).all()
        ):
            raise ValueError(f"{name} is {losses.dtype} of shape {losses.shape}, or not finite")
    if result.network:
        Network.from_arrays(result.network)
        members_of(arrays)


def _check_marks(bits: np.ndarray | None, n: int) -> None:
    """Raise `ValueError` for marks, where there are any, of another number of images."""
    if bits is None:
        return
    if bits.dtype != np.uint8 or bits.shape != (-(-n // 8),):
        raise ValueError(f"the marks of {n} images are {bits.dtype} of shape {bits.shape}")


def _fits(value: object, hint: Any) -> bool:
    if isinstance(hint, types.UnionType):
        return any(_fits(value, each) for each in typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        each = typing.get_args(hint)[0]
        return isinstance(value, tuple) and all(_fits(item, each) for item in value)
    if isinstance(value, bool) or hint is bool:
        return isinstance(value, bool) and hint is bool
    if isinstance(value, int):
        return hint in (int, float) and abs(value) < INTEGERS
    if isinstance(value, str):
        value.encode()  # halves of characters fit no file
    return isinstance(value, typing.get_origin(hint) or hint)
