"""Shared data that is made when Ray has started."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from cluster import RayPool
from cluster.later import Later, put
from tests.cluster.collect import finish, items
from tests.cluster.tasks import Order, work


@dataclass(frozen=True)
class Data:
    """Data as a study shares it: arrays in a record, in another one."""

    name: str
    parts: dict[str, np.ndarray]


class Store:
    """A store as Ray has one: it copies what it is given, and hands out read-only views of it."""

    def __init__(self) -> None:
        self._buffers: list[bytearray] = []

    def put(self, value: Any) -> bytes:
        """Keep a copy of all arrays."""
        taken: list[pickle.PickleBuffer] = []
        words = pickle.dumps(value, protocol=5, buffer_callback=taken.append)
        self._buffers = [bytearray(each) for each in taken]
        return words

    def get(self, words: bytes) -> Any:
        """Return what was put, its arrays read-only."""
        views = [memoryview(each).toreadonly() for each in self._buffers]
        return pickle.loads(words, buffers=views)  # noqa: S301 - our own


def room() -> Data:
    """Return room for data."""
    return Data("shared", {"X": np.zeros((20, 3)), "y": np.arange(20), "none": np.zeros((0, 3))})


def fill(data: Data) -> None:
    """Fill it."""
    data.parts["X"][...] = np.arange(60.0).reshape(20, 3)


@pytest.mark.parametrize("in_place", [True, False])
def test_what_was_filled_is_what_tasks_read(in_place: bool) -> None:  # noqa: FBT001
    """In the store itself or before it is put there: all arrays are what they were to be."""
    store, filled = Store(), room()
    fill(filled)
    found = store.get(put(store, Later(room, fill, 0), in_place=in_place))
    assert found.name == filled.name
    for name, array in filled.parts.items():
        assert np.array_equal(found.parts[name], array)
        assert not found.parts[name].flags.writeable or not array.size


def test_a_store_that_hands_out_copies_is_found_out() -> None:
    """Filling one would leave tasks with what was never written."""

    class Copies(Store):
        def get(self, words: bytes) -> Any:
            return pickle.loads(words, buffers=list(self._buffers))  # noqa: S301 - our own

    with pytest.raises(AssertionError, match="a copy"):
        put(Copies(), Later(room, fill, 0), in_place=True)


@pytest.mark.ray
def test_an_embedded_ray_is_filled_in_place() -> None:
    """Its workers read what was written to its store after it was put there."""

    def numbers() -> dict[str, Any]:
        return {"name": "shared", "numbers": np.empty(10**6)}

    def filling(data: dict[str, Any]) -> None:
        data["numbers"][...] = np.arange(10.0**6)

    with RayPool(work, Later(numbers, filling, 8 * 10**6)) as pool:
        pool.submit("a", Order("write", None), once=True)  # which it may not
        assert items(finish(pool, "a"), "a") == [float(np.arange(10.0**6).sum()), False]
