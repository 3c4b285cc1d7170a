"""Data sets that were uploaded: kept beside the studies, read without running anything in them.

A file is read once, in a process of its own, before it is kept under its name.

    python -m search.service.uploads < QUESTION > ANSWER
"""

from __future__ import annotations

import filecmp
import json
import shutil
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from kbn.data.npz import npz
from kbn.errors import InputError
from kbn.files import make_folder, whole_file
from kbn.paths import kind_of
from search.service.elsewhere import asked
from search.service.errors import ConflictError, FieldsError
from search.service.folders import DATA
from search.settings import values
from search.study.command import exit_code

SUFFIX = ".npz"


@dataclass(frozen=True)
class Uploaded:
    """A data set that was uploaded."""

    data: str
    """What a specification calls it."""
    images: int
    test_images: int
    inputs: int
    """Numbers of an image."""
    classes: tuple[str, ...]
    fingerprint: str


def folder_of(root: Path) -> Path:
    """Return the folder of uploaded data sets."""
    return root / DATA


def uploaded(root: Path) -> list[str]:
    """Return what specifications call the data sets that were uploaded, sorted."""
    folder = folder_of(root)
    if kind_of(folder) is None:
        return []
    return sorted(f"npz:{path.name}" for path in folder.glob(f"[!.]*{SUFFIX}"))


def upload(root: Path, name: str, content: BinaryIO) -> Uploaded:
    """Keep a data set under a name. The same file again changes nothing.

    Raises
    ------
    FieldsError
        When the name is none of a `.npz` file, or the file is no data set.
    ConflictError
        When another file has the name.
    WriteError
        When the disk is full, or the folder may not be written to; nothing is kept then.
    """
    try:
        name = values.file_name("file", name)
    except InputError as error:
        raise FieldsError({("file",): str(error)}) from error
    if Path(name).suffix != SUFFIX:
        raise FieldsError({("file",): f"file {name}: a name that ends in {SUFFIX} is needed"})
    folder = folder_of(root)
    make_folder(folder, parents=True)
    path = folder / name
    with whole_file(path) as temporary:
        with temporary.open("wb") as file:
            shutil.copyfileobj(content, file)
        found = _looked_at(temporary, name)
        if kind_of(path) is not None and not filecmp.cmp(path, temporary, shallow=False):
            raise ConflictError(f"another file is called {name}; choose another name")
    return found


def _looked_at(path: Path, name: str) -> Uploaded:
    """Return what a file holds; raise `FieldsError` for one that is no data set."""
    try:
        held = asked("search.service.uploads", str(path.absolute()))
    except InputError as error:
        said = str(error).replace(str(path.absolute()), name)
        raise FieldsError({("file",): said}) from error
    return Uploaded(data=f"npz:{name}", **{**held, "classes": tuple(held["classes"])})


def _describe(path: Path) -> int:
    """Print what is known of a file, as JSON."""
    found = npz(path)
    known = Uploaded(
        data="",
        images=len(found.y),
        test_images=len(found.y_test),
        inputs=found.X.shape[1],
        classes=found.classes,
        fingerprint=found.fingerprint,
    )
    held = asdict(known)
    del held["data"]
    sys.stdout.write(json.dumps(held))
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(partial(_describe, Path(json.load(sys.stdin)))))
