from __future__ import annotations

import contextlib
import pickle
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbn.data.unpickle import read_arrays
from kbn.errors import DataError

IMAGES = np.arange(24, dtype=np.uint8).reshape(4, 6)
Pickled = Callable[[Any], bytes]


def read(content: bytes) -> dict[str, Any]:
    """Read a pickle called `batch`."""
    return read_arrays(content, "batch")


class Reduced:
    """Pickles as whatever it is told: a call and, if given, a state."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __reduce__(self) -> tuple[Any, ...]:
        return self.parts


def test_a_python_2_batch_is_read(python2_pickle: Pickled) -> None:
    """The published files were pickled by Python 2, with the old names of NumPy's modules."""
    content = python2_pickle({"data": IMAGES, "labels": [3, 1], "batch_label": "training"})
    assert b"numpy.core.multiarray" in content
    table = read(content)
    np.testing.assert_array_equal(table["data"], IMAGES)
    assert table["data"].dtype == np.uint8
    assert table["labels"] == [3, 1]


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_python_3_batch_is_read(protocol: int, order: str) -> None:
    """A file pickled again by a newer Python and NumPy, in either memory order, is read too."""
    images = IMAGES if order == "C" else np.asfortranarray(IMAGES)
    table = read(pickle.dumps({b"data": images, b"labels": [0]}, protocol=protocol))
    np.testing.assert_array_equal(table["data"], IMAGES)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_foreign_pickle_is_never_run(protocol: int, tmp_path: Path) -> None:
    """A pickle that would call a function is refused before the function is looked up."""
    target = tmp_path / "ran"
    content = pickle.dumps({"data": Reduced(Path.touch, (target,))}, protocol=protocol)
    with pytest.raises(DataError, match="it names"):
        read(content)
    assert not target.exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [("builtins", "eval"), ("numpy", "load"), ("os", "system"), ("numpy", "ndarray.tofile")],
)
def test_other_names_are_refused(module: str, name: str) -> None:
    """Only names that arrays are made of are admitted, and nothing that hangs on them."""
    with pytest.raises(DataError, match=rf"names {module}\.{name}"):
        read(pickle.PROTO + b"\x04" + f"c{module}\n{name}\n.".encode())


def test_false_descriptions_of_elements_are_refused() -> None:
    """Bytes of the file are never taken for addresses of objects, which would end the process."""
    objects = ("V8", False, True), (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 1)
    reconstruct = np.empty(0).__reduce__()[0]
    state = (1, (4,), Reduced(np.dtype, *objects), False, struct.pack("4Q", *[0x41414141] * 4))
    content = {"data": Reduced(reconstruct, (np.ndarray, (0,), "b"), state)}
    with pytest.raises(DataError, match="not of bytes"):
        read(pickle.dumps(content, protocol=4))


@pytest.mark.parametrize("dtype", ["f8", "i8", "O", "M8[s]"])
def test_arrays_of_other_types_are_refused(dtype: str) -> None:
    """Pixels are unsigned bytes; nothing else is rebuilt."""
    with pytest.raises(DataError, match="not of bytes"):
        read(pickle.dumps({"data": np.zeros(3, dtype)}, protocol=4))


def test_a_list_is_no_batch() -> None:
    """A batch is a dictionary."""
    with pytest.raises(DataError, match="holds no dictionary"):
        read(pickle.dumps([1, 2]))


@given(st.data())
def test_a_damaged_batch_is_one_error(data: st.DataObject) -> None:
    """Wherever a pickle is cut off or overwritten, it is read or gives the one error."""
    content = bytearray(pickle.dumps({"data": IMAGES, "labels": list(range(4))}, protocol=3))
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        del content[at:]
    else:
        content[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(DataError):
        assert isinstance(read(bytes(content)), dict)


CLAIMS = {
    "a text of 8 TB": pickle.BINBYTES8 + struct.pack("<Q", 8 * 10**12),
    "bytes of 3 GB": pickle.BYTEARRAY8 + struct.pack("<Q", 3 * 10**9),
    "the two thousand millionth place": pickle.NONE + pickle.LONG_BINPUT + b"\xff\xff\xff\x7f",
    "a frame of 8 TB": pickle.FRAME + struct.pack("<Q", 8 * 10**12),
    "lists without end": pickle.EMPTY_LIST * 10_000 + pickle.APPEND * 9_999,
}


@pytest.mark.parametrize("name", CLAIMS)
def test_memory_is_not_set_aside_for_what_a_file_claims(name: str) -> None:
    """A pickle of some bytes is refused within the memory of some bytes."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="batch"):
            read(pickle.PROTO + b"\x04" + CLAIMS[name] + pickle.STOP)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 50 * 10**6
