"""Whether a study's store can be read: at a glance, as a list can pay for, or all of it."""

from __future__ import annotations

import struct
from pathlib import Path

from kbn.errors import InputError
from kbn.paths import kind_of, looking
from search.store import schema
from search.store.folder import STORE
from search.store.store import Store

HEADER = struct.Struct(">16s H 10x I 28x I 36x")
"""Of a database: what all begin with, the size of a page (1 for 65,536), the number of pages, and
the version of its tables (sqlite.org/fileformat2.html)."""
BEGINS = b"SQLite format 3\0"


def glance(folder: Path) -> str:
    """Return what is wrong with a study's store; nothing where its first 100 bytes do not say so.

    Where a driver was killed as it wrote, SQLite's journal says what holds; nothing is looked at.
    """
    path = folder / STORE
    if kind_of(path) is None or kind_of(path.with_name(f"{STORE}-journal")) is not None:
        return ""
    with looking(path), path.open("rb") as file:
        begins = file.read(HEADER.size)
        size = file.seek(0, 2)
    if len(begins) < HEADER.size:
        return _said("its file is cut off")
    magic, page, pages, version = HEADER.unpack(begins)
    if magic != BEGINS:
        return _said("it is no database")
    if version > schema.VERSION:
        return _said(f"it is of version {version}, newer than this project")
    if version == 0:
        return _said("its tables are not those of a study's store")
    return _said("its file is cut off") if size < (65_536 if page == 1 else page) * pages else ""


def inspect(folder: Path) -> str:
    """Return what is wrong with a study's store, all of it read; nothing where it is sound."""
    try:
        Store(folder / STORE, read_only=True).close()
    except InputError as error:
        return str(error)
    return ""


def _said(wrong: str) -> str:
    return f"{STORE} is damaged ({wrong}): see `python -m search.store check`"
