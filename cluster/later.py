"""Shared data that is made once Ray has started: in the store itself, where that is ours alone.

A copy in the driver would take as much memory again. That is time, too: the system gives memory to
a process by the page, as it is written to.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any, NamedTuple

import numpy as np


class Later(NamedTuple):
    """Data that is still being made."""

    unfilled: Callable[[], Any]
    """Returns room for it: a dataclass or a dictionary, or several in each other, with C-contiguous
    arrays. Those that will be filled need not have been written to."""
    fill: Callable[[Any], None]
    """Writes to the arrays of such a room; waits for what it takes."""
    nbytes: int


def put(ray: Any, later: Later, *, in_place: bool) -> Any:
    """Return a reference to the data, which is made now.

    Made `in_place` it has one copy, in Ray's store. Nobody else may know of that store: what Ray
    was given it takes for finished, and could send or write elsewhere before it is filled.
    """
    shared = later.unfilled()
    if not in_place:
        later.fill(shared)
        return ray.put(shared)
    reference = ray.put(shared)
    stored = ray.get(reference)  # as long as it is there, so is its memory
    later.fill(_writable(stored))
    return reference


def _writable(stored: Any) -> Any:
    """Return an object of the store, to be written to: Ray hands out read-only views alone."""
    if isinstance(stored, np.ndarray):
        assert not stored.flags.writeable, "Ray hands out a copy, which would be filled for nobody"
        room = (ctypes.c_char * stored.nbytes).from_address(stored.ctypes.data)
        return np.ndarray(stored.shape, stored.dtype, memoryview(room))
    if isinstance(stored, dict):
        return {key: _writable(value) for key, value in stored.items()}
    if is_dataclass(stored) and not isinstance(stored, type):
        parts = {each.name: _writable(getattr(stored, each.name)) for each in fields(stored)}
        return replace(stored, **parts)
    return stored
