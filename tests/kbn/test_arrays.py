"""Arrays of somebody else: what a header claims is not believed."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kbn import arrays
from kbn.arrays import array_of, arrays_of
from tests.kbn.builders import CLAIM, claiming, npy


@pytest.mark.parametrize(
    "array", [np.arange(6.0).reshape(2, 3), np.array(3), np.zeros((0, 4)), np.array(["a", "bc"])]
)
def test_arrays_come_back(array: np.ndarray, tmp_path: Path) -> None:
    """Any shape and plain type, from bytes and from an archive."""
    np.testing.assert_array_equal(array_of(npy(array)), array)
    np.savez(tmp_path / "some.npz", X=array, y=array)
    found = arrays_of(tmp_path / "some.npz", ("X", "none"))
    assert list(found) == ["X"]
    np.testing.assert_array_equal(found["X"], array)
    assert list(arrays_of(io.BytesIO((tmp_path / "some.npz").read_bytes()))) == ["X", "y"]


def test_a_claim_beyond_what_is_there(tmp_path: Path) -> None:
    """800 GB are not set aside for eight bytes; the message has both numbers."""
    assert len(claiming(CLAIM)) == len(npy(np.zeros(8, np.uint8)))
    message = r"claims 800,000,000,000 bytes and holds 8"
    with pytest.raises(ValueError, match=f"an array {message}"):
        array_of(claiming(CLAIM))
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w") as archive:
        archive.writestr("X.npy", claiming(CLAIM))
    with pytest.raises(ValueError, match=rf"X\.npy {message}"):
        arrays_of(tmp_path / "bomb.npz")


def test_an_archive_that_unpacks_to_more_than_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zeros pack well: what they unpack to is held against the machine before anything is read."""
    path = tmp_path / "zeros.npz"
    np.savez_compressed(path, X=np.zeros(2_000_000, np.uint8), notes=np.zeros(9))
    assert path.stat().st_size < 10_000
    monkeypatch.setattr(arrays, "machine_bytes", lambda: 1_000_000)
    with pytest.raises(ValueError, match=r"unpack to 0\.0 GB, and this machine has 0\.0 GB"):
        arrays_of(path)
    assert list(arrays_of(path, ["notes"])) == ["notes"]


@pytest.mark.parametrize("data", [b"", b"\x93NUMPY", b"\x93NUMPY\x09\x00abc", b"no array"])
def test_bytes_that_are_no_array(data: bytes) -> None:
    """An error of the kinds that readers of arrays expect."""
    with pytest.raises((ValueError, EOFError, OSError)):
        array_of(data)
