"""The user's own images: a folder of folders, one a class, read with Pillow."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kbn.arrays import machine_bytes
from kbn.data.dataset import Dataset
from kbn.data.own import own
from kbn.errors import DataError
from kbn.paths import Kind, kind_of, looking

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""What is read: formats of pictures alone, none that names other files or runs a program."""
GREY, COLOUR = ("1", "L", "LA"), ("RGB", "RGBA", "P", "PA", "CMYK", "YCbCr", "HSV", "LAB", "RGBX")
"""Pillow's modes of eight bits a colour, or one."""
PARTS = ("train", "test")


class _Head(NamedTuple):
    """What a picture's head says."""

    size: tuple[int, int]
    """Width and height."""
    grey: bool


def folder(path: Path) -> Dataset:
    """Read pictures of one size; each folder in `path` is a class, by its name.

    Where `path` holds `train` and `test` and no other folder, these hold the classes. Grey
    pictures stay grey where all are; else all have three colours. Transparency is left out.

    Raises
    ------
    DataError
        When there are no such folders, a file is no picture, or of another size than the first,
        or the pictures would not fit the memory.
    """
    if kind_of(path) is not Kind.FOLDER:
        raise DataError(
            f"data folder:{path}: there is no such folder; name one that holds a "
            "folder of pictures for each class"
        )
    found = [each.name for each in _folders(path)]
    parts = {"": path} if set(found) != set(PARTS) else {"": path / "train", "_test": path / "test"}
    files = {end: list(_pictures(part)) for end, part in parts.items()}
    heads = {file: _head(file) for each in files.values() for file, _ in each}
    if not heads:
        raise DataError(f"{path} holds no folder of pictures for each class; make one for each")
    first, grey = next(iter(heads)), all(head.grey for head in heads.values())
    for file, head in heads.items():
        if head.size != heads[first].size:
            raise DataError(
                f"{file} has {_by(head)} pixels and {first.name} {_by(heads[first])}; bring all "
                "pictures to one size"
            )
    _check_memory(path, heads[first], len(heads), grey=grey)
    arrays: dict[str, np.ndarray] = {}
    for end, each in files.items():
        arrays[f"X{end}"] = np.stack([_pixels(file, grey=grey) for file, _ in each])
        arrays[f"y{end}"] = np.array([name for _, name in each])
    return own(arrays, name=f"folder:{path}", title=path.name or str(path), origin=str(path))


def _folders(path: Path) -> list[Path]:
    """Return the folders in a folder, by name; hidden ones are none of the user's."""
    with looking(path):
        entries = sorted(path.iterdir())
    return [each for each in entries if kind_of(each) is Kind.FOLDER and not _hidden(each)]


def _pictures(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files of each class, and the class."""
    for each in _folders(path):
        with looking(each):
            files = sorted(each.iterdir())
        inside = [file for file in files if kind_of(file) is Kind.FILE and not _hidden(file)]
        if not inside:
            raise DataError(f"{each} holds no pictures; add some, or remove the folder")
        yield from ((file, each.name) for file in inside)


def _hidden(path: Path) -> bool:
    return path.name.startswith(".") or path.name in {"Thumbs.db", "desktop.ini"}


def _head(file: Path) -> _Head:
    """Return what a picture's head says; its pixels stay packed."""
    with _opened(file) as picture:
        if picture.mode not in (*GREY, *COLOUR):
            raise DataError(
                f"{file} has pixels of mode {picture.mode}; save it with eight bits a colour"
            )
        return _Head(picture.size, picture.mode in GREY)


def _pixels(file: Path, *, grey: bool) -> np.ndarray:
    """Return a picture's pixels: height × width, or 3 × height × width."""
    with _opened(file) as picture:
        pixels = np.asarray(picture.convert("L" if grey else "RGB"))
    return pixels if grey else np.moveaxis(pixels, -1, 0)


@contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    """Open a picture; what Pillow raises for one that is none, or too large, is a `DataError`."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=FORMATS) as picture:
                yield picture
    except UnidentifiedImageError as error:
        raise DataError(f"{file} is no picture that can be read; remove it") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{file} unpacks to more pixels than are read; make it smaller") from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        if isinstance(error, DataError):
            raise
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:120]
        raise DataError(f"{file} cannot be read, or is damaged ({reason}); remove it") from error


def _by(head: _Head) -> str:
    return " × ".join(map(str, head.size))


def _check_memory(path: Path, head: _Head, count: int, *, grey: bool) -> None:
    """Raise `DataError` where the pictures do not fit: as bytes, and as numbers to train on."""
    width, height = head.size
    needed, there = count * width * height * (1 if grey else 3) * (1 + 4), machine_bytes()
    if there is not None and needed > there:
        raise DataError(
            f"{path}: {count:,} pictures of {_by(head)} pixels take {needed / 1e9:,.1f} GB, and "
            f"this machine has {there / 1e9:,.1f} GB of memory; make them smaller"
        )
