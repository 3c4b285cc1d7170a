"""A result as the store keeps it, made where the trial was trained.

What the store writes of a trial are texts, bytes and a checksum over them. Workers are many and the
driver is one: they make all of it, and the driver only writes it down.
"""

from __future__ import annotations

import functools
import io
import json
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kbn.epoch import EpochRecord
from search.records import Environment, Result
from search.store.schema import Row, checksum
from search.training.checkpoint import Checkpoint, Item, Start


@dataclass(frozen=True, slots=True)
class Sealed:
    """A trial's result and epochs, as rows with their checksum."""

    result: Result
    """Without its arrays."""
    row: Row
    """Of the table `results`."""
    epochs: tuple[Row, ...]
    """Of `epochs`, but for the trial's id: one that holds all of them, or none."""
    arrays: tuple[Row, ...]
    """Of `arrays`, but for the trial's id."""


def seal(result: Result, history: Sequence[EpochRecord]) -> Sealed:
    """Return a result with its epochs, in order, as the store keeps them."""
    row = (
        result.trial_id,
        result.state.value,
        result.epochs,
        *(dump(part) for part in (result.train, result.validation, result.test)),
        float(result.seconds),
        _environment(result.environment),
    )
    epochs = ((history[-1].epoch, _columns(history)),) if history else ()
    arrays = tuple((name, _npy(array)) for name, array in sorted(result.arrays.items()))
    sealed = (*row, checksum([row, *epochs, *arrays]))
    return Sealed(replace(result, arrays={}), sealed, epochs, arrays)


def sealing(
    task: Callable[[Any, tuple[Start, ...]], Iterator[tuple[str, Item]]],
    shared: Any,
    starts: tuple[Start, ...],
) -> Generator[tuple[str, EpochRecord | Checkpoint | Sealed], None, tuple[str, Sealed] | None]:
    """Do what a task does that trains trials, but with their epochs in each result, sealed.

    A pool's task yields what this does: epochs are for those who watch, so that any of them may be
    left out. The last result is returned: see `cluster.events.Task`.
    """
    histories = {trial.id: list(known.history) if known else [] for trial, known in starts}
    for key, item in task(shared, starts):
        if isinstance(item, Result):
            sealed = seal(item, histories.pop(key))
            if not histories:
                return key, sealed
            yield key, sealed
            continue
        if isinstance(item, EpochRecord):
            # Who could not use a checkpoint starts anew, from the first epoch.
            histories[key][item.epoch - 1 :] = [item]
        yield key, item
    return None


def dump(record: Any) -> str | None:
    """Return a flat record as JSON; NaN and infinities stay readable."""
    return None if record is None else json.dumps(vars(record), ensure_ascii=False)


def _columns(records: Sequence[EpochRecord]) -> str:
    """Return records as one JSON object, a list for each field."""
    return json.dumps({name: [vars(each)[name] for each in records] for name in vars(records[0])})


@functools.lru_cache(maxsize=64)  # a study's workers are of a few kinds
def _environment(where: Environment) -> str | None:
    return dump(where)


def _npy(array: np.ndarray) -> bytes:
    """Return an array in NumPy's format; what comes before the numbers is made once a shape."""
    if array.flags.c_contiguous and not array.dtype.hasobject:
        return _npy_header(array.dtype, array.shape) + array.tobytes()
    return _saved(array)


@functools.lru_cache(maxsize=64)
def _npy_header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    empty = _saved(np.empty(shape, dtype))
    return empty[: len(empty) - math.prod(shape) * dtype.itemsize]


def _saved(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
