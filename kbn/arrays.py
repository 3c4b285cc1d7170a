"""Reading arrays that somebody else wrote: nothing that a header claims is believed.

NumPy sets aside what a header asks for before it reads on, so a file of 100 bytes that claims
800 GB ends in a MemoryError, or in the kernel's killing the process.
"""

from __future__ import annotations

import io
import math
import os
from collections.abc import Collection
from pathlib import Path
from typing import IO
from zipfile import ZipFile

import numpy as np
from numpy.lib import format as npy_format

_MAGIC = npy_format.MAGIC_PREFIX
_HEADERS = {
    (1, 0): npy_format.read_array_header_1_0,
    (2, 0): npy_format.read_array_header_2_0,
}


def machine_bytes() -> int | None:
    """Return the size of this machine's memory; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def array_of(npy: bytes) -> np.ndarray:
    """Return an array in the `.npy` format.

    Raises `ValueError`, or what else `np.load` does, for bytes that are none.
    """
    _check_claim("an array", io.BytesIO(npy), len(npy))
    return np.asarray(np.load(io.BytesIO(npy), allow_pickle=False))


def arrays_of(
    file: Path | IO[bytes], names: Collection[str] | None = None
) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` file, or those of some names, as far as they are there.

    Raises `ValueError` for what does not fit this machine's memory or claims more than the file
    holds; else what `kbn.files.UNREADABLE_NPZ` names.
    """
    _check_claims(file, names)
    with np.load(file, allow_pickle=False) as archive:
        # A member that is no array comes as bytes.
        found = archive.files if names is None else [name for name in names if name in archive]
        return {name: np.asarray(archive[name]) for name in found}


def _check_claims(file: Path | IO[bytes], names: Collection[str] | None) -> None:
    with ZipFile(file) as archive:
        members = [
            member
            for member in archive.infolist()
            if names is None or member.filename.removesuffix(".npy") in names
        ]
        total, there = sum(member.file_size for member in members), machine_bytes()
        if there is not None and total > there:
            raise ValueError(
                f"its arrays unpack to {total / 1e9:,.1f} GB, and this machine has "
                f"{there / 1e9:,.1f} GB of memory"
            )
        for member in members:
            with archive.open(member) as content:
                _check_claim(member.filename, content, member.file_size)
    if not isinstance(file, Path):
        file.seek(0)


def _check_claim(name: str, content: IO[bytes], size: int) -> None:
    """Raise `ValueError` for an array whose header claims another size than its bytes have."""
    magic = content.read(len(_MAGIC))
    if magic != _MAGIC:
        return  # no array: the caller sees that
    version = tuple(content.read(2))
    if version not in _HEADERS:
        raise ValueError(f"{name} has .npy version {version}; 1.0 and 2.0 are read")
    shape, _, dtype = _HEADERS[version](content)
    claimed = math.prod(shape) * dtype.itemsize
    if not dtype.hasobject and claimed != size - content.tell():
        raise ValueError(f"{name} claims {claimed:,} bytes and holds {size - content.tell():,}")
