"""MNIST's format: what was written is read, packed or not, and no header is believed."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from kbn.data.idx import PARTS, idx
from kbn.data.load import load
from kbn.errors import DataError

RNG = np.random.default_rng(0)
ARRAYS = {
    "X": RNG.integers(256, size=(30, 4, 5), dtype=np.uint8),
    "y": (np.arange(30) % 3).astype(np.uint8),
    "X_test": RNG.integers(256, size=(9, 4, 5), dtype=np.uint8),
    "y_test": (np.arange(9) % 3).astype(np.uint8),
}


def content(array: np.ndarray) -> bytes:
    """Return an array as an idx file."""
    head = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


def write(folder: Path, *, packed: bool = False, sign: str = "-", test: bool = True) -> Path:
    """Write the four files, or the two of the training part; return their folder."""
    folder.mkdir(exist_ok=True)
    for name, (stem, dimensions) in PARTS.items():
        if test or not name.endswith("_test"):
            path = folder / f"{stem}{sign}idx{dimensions}-ubyte{'.gz' * packed}"
            data = content(ARRAYS[name])
            path.write_bytes(gzip.compress(data) if packed else data)
    return folder


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("sign", ["-", "."])
def test_what_was_written_is_read(tmp_path: Path, sign: str, *, packed: bool) -> None:
    """Images, labels and the test part are those of the files, under both spellings of names."""
    folder = write(tmp_path / "mnist", packed=packed, sign=sign)
    data = load(f"idx:{folder}")
    np.testing.assert_array_equal(data.X, ARRAYS["X"].reshape(30, 20))
    np.testing.assert_array_equal(data.y, ARRAYS["y"])
    np.testing.assert_array_equal(data.X_test, ARRAYS["X_test"].reshape(9, 20))
    np.testing.assert_array_equal(data.y_test, ARRAYS["y_test"])
    assert (data.image_shape, data.title, data.name) == ((4, 5), "mnist", f"idx:{folder}")


def test_without_a_test_part(tmp_path: Path) -> None:
    """A fifth is held out, as of all data that come without one."""
    assert len(idx(write(tmp_path / "mnist", test=False)).y_test) == 6


HEAD = content(ARRAYS["X"])[:16]
BAD = {
    "cut off": (content(ARRAYS["X"])[:-1], r"claims 600 bytes and holds 599"),
    "too long": (content(ARRAYS["X"]) + b"\0", r"claims 600 bytes and holds more"),
    "in its head": (HEAD[:9], "is no idx file of bytes with 3 dimensions"),
    "empty": (b"", "is no idx file"),
    "of other numbers": (bytes((0, 0, 13, 3)) + HEAD[4:], "is no idx file of bytes"),
    "labels": (content(ARRAYS["y"]), "with 3 dimensions"),
    "a claim": (HEAD[:4] + b"\xff" * 12, r"claims [\d,.]+ GB, and this machine has"),
}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD)
def test_damaged_files(tmp_path: Path, data: bytes, message: str, *, packed: bool) -> None:
    """Each is an error of one line that names the file."""
    folder = write(tmp_path / "mnist", packed=packed)
    path = folder / f"train-images-idx3-ubyte{'.gz' * packed}"
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(DataError, match=message) as caught:
        idx(folder)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("data", [b"hello", gzip.compress(content(ARRAYS["X"]))[:-9]])
def test_a_damaged_archive(tmp_path: Path, data: bytes) -> None:
    """What gzip cannot unpack is said to be damaged."""
    folder = write(tmp_path / "mnist", packed=True)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(data)
    with pytest.raises(DataError, match="is cut off or damaged"):
        idx(folder)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """No more is unpacked than the header claims, and a byte to see that there is more."""
    folder = write(tmp_path / "mnist", packed=True)
    bomb = gzip.compress(content(ARRAYS["X"]) + bytes(5 * 10**7))
    (folder / "train-images-idx3-ubyte.gz").write_bytes(bomb)
    with pytest.raises(DataError, match="holds more"):
        idx(folder)


def test_missing_files(tmp_path: Path) -> None:
    """The file that is missing is named; so is what the path should be."""
    with pytest.raises(DataError, match=r"lacks train-images-idx3-ubyte, or the same as .gz"):
        idx(tmp_path)
    with pytest.raises(DataError, match="name the folder of"):
        idx(tmp_path / "absent")
    (write(tmp_path / "mnist") / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="has X_test alone"):
        idx(tmp_path / "mnist")
