"""MNIST's format, which Fashion-MNIST and others have, too: a folder of four files, packed or not.

Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", 1998.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kbn.arrays import machine_bytes
from kbn.data.dataset import Dataset
from kbn.data.own import own
from kbn.errors import DataError
from kbn.paths import Kind, kind_of, looking

PARTS = {
    "X": ("train-images", 3),
    "y": ("train-labels", 1),
    "X_test": ("t10k-images", 3),
    "y_test": ("t10k-labels", 1),
}
"""Each array's file as it was published, and the array's dimensions."""
BYTES = 8
"""The format's code for unsigned bytes, which images and labels are."""


def idx(folder: Path) -> Dataset:
    """Read images and labels of a folder that holds `train-images-idx3-ubyte` and its like.

    Files may be packed by gzip, under names that end in `.gz`. Without `t10k` files a fifth of the
    images is held out.

    Raises
    ------
    DataError
        When a file is missing, cut off or damaged, claims more than there is, or arrays do not
        fit each other.
    """
    if kind_of(folder) is not Kind.FOLDER:
        raise DataError(f"data idx:{folder}: name the folder of train-images-idx3-ubyte and so on")
    paths = {name: _path(folder, *part) for name, part in PARTS.items()}
    for name in ("X", "y"):
        if paths[name] is None:
            stem, dimensions = PARTS[name]
            raise DataError(f"{folder} lacks {stem}-idx{dimensions}-ubyte, or the same as .gz")
    arrays = {name: _read(path, PARTS[name][1]) for name, path in paths.items() if path is not None}
    return own(arrays, name=f"idx:{folder}", title=folder.name, origin=str(folder), numbered=True)


def _path(folder: Path, stem: str, dimensions: int) -> Path | None:
    """Return where a file lies, under one of the names that it is given; None where it does not."""
    names = (f"{stem}{sign}idx{dimensions}-ubyte{end}" for sign in "-." for end in ("", ".gz"))
    return next((path for name in names if kind_of(path := folder / name) is Kind.FILE), None)


def _read(path: Path, dimensions: int) -> np.ndarray:
    with looking(path), path.open("rb") as file:
        if path.suffix != ".gz":
            return _array(file.read, path, dimensions)
        try:
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _array(unpacked.read, path, dimensions)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError(f"{path} is cut off or damaged ({error}); download it again") from error


def _array(read: Callable[[int], bytes], path: Path, dimensions: int) -> np.ndarray:
    """Return a file's array, once its header is known to tell the truth."""
    head = read(4 + 4 * dimensions)
    if head[:4] != bytes((0, 0, BYTES, dimensions)) or len(head) < 4 + 4 * dimensions:
        raise DataError(
            f"{path} is no idx file of bytes with {dimensions} dimensions; download it again"
        )
    shape = struct.unpack(f">{dimensions}I", head[4:])
    claimed, there = math.prod(shape), machine_bytes()
    if there is not None and claimed > there:
        raise DataError(
            f"{path} claims {claimed / 1e9:,.1f} GB, and this machine has {there / 1e9:,.1f} GB of "
            "memory; download it again"
        )
    content = bytearray()
    while len(content) <= claimed and (more := read(min(2**20, claimed + 1 - len(content)))):
        content += more
    if len(content) != claimed:
        found = f"{len(content):,}" if len(content) < claimed else "more"
        raise DataError(f"{path} claims {claimed:,} bytes and holds {found}; download it again")
    return np.frombuffer(bytes(content), np.uint8).reshape(shape)
