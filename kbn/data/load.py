"""Data sets by name."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kbn.arrays import machine_bytes
from kbn.data import cifar10
from kbn.data.dataset import Dataset
from kbn.data.digits import digits
from kbn.data.download import cache_folder, download
from kbn.data.npz import npz
from kbn.data.synthetic import synthetic
from kbn.errors import DataError, InputError
from kbn.paths import user_path

NAMES = ("auto", "cifar10", "digits", "synthetic", "npz")
FOLDER_VARIABLE = "KBN_DATA_DIR"
SMALLEST_SYNTHETIC = 100
IMAGE_BYTES = 3072 * (1 + 4) * 7 // 6
"""Of a synthetic training image and its share of the test part: as bytes, and as float32."""


def load(name: str, *, data_dir: Path | None = None, say: Callable[[str], None] = print) -> Dataset:
    """Load a data set.

    Parameters
    ----------
    name
        `cifar10`, `digits`, `synthetic` or `synthetic:N` (N training images), `npz:FILE`, or
        `auto`: CIFAR-10 where it is on disk or can be downloaded, else digits.
    data_dir
        Where to look for CIFAR-10 first; then in $KBN_DATA_DIR, the user's cache, the network.
    say
        Called with a line for the user, such as that digits are used instead.

    Raises
    ------
    DataError
        When there is no such set, or its files are missing or damaged.
    InputError
        When a path is none, or the system does not let this user look at it.
    """
    kind, colon, rest = name.partition(":")
    match kind:
        case "auto" if not colon:
            return _auto(data_dir, say)
        case "cifar10" if not colon:
            found = find_cifar10(data_dir)
            return cifar10.read(*(found or _downloaded(say)))
        case "digits" if not colon:
            return digits()
        case "synthetic":
            return synthetic(_size(name, rest)) if colon else synthetic()
        case "npz" if rest:
            return npz(user_path("data npz", rest))
        case "npz":
            raise DataError(f"data {name}: name the file too, as in npz:images.npz")
    near = difflib.get_close_matches(kind, NAMES, n=1, cutoff=0)[0]
    raise DataError(
        f"data {name}: there is no such data set; did you mean {near}? "
        "Choose auto, cifar10, digits, synthetic[:N], or npz:FILE"
    )


def _size(name: str, text: str) -> int:
    size = int(text[:18]) if text.isdecimal() else 0  # Python refuses to read thousands of digits
    if size < SMALLEST_SYNTHETIC:
        raise DataError(
            f"data {name}: give a whole number of images, at least {SMALLEST_SYNTHETIC}, "
            "as in synthetic:6000"
        )
    there = machine_bytes()
    if there is not None and size * IMAGE_BYTES > there:
        raise DataError(
            f"data {name[:40]}: that many images take {size * IMAGE_BYTES / 1e9:,.0f} GB, and this "
            f"machine has {there / 1e9:,.0f} GB; choose at most {there // IMAGE_BYTES}"
        )
    return size


def _auto(data_dir: Path | None, say: Callable[[str], None]) -> Dataset:
    """Return CIFAR-10, or digits where it can't be had; damaged files are no reason for that."""
    found = find_cifar10(data_dir)
    if found:
        return cifar10.read(*found)
    try:
        found = _downloaded(say)
    except DataError as error:
        say(f"CIFAR-10 is not on this machine and could not be downloaded: using digits ({error})")
        note = (
            "CIFAR-10 was not on this machine and could not be downloaded, so the small digits "
            "set was used; its figures cannot be compared with the reference report's."
        )
        dataset = digits()
        return replace(dataset, notes=(note, *dataset.notes))
    return cifar10.read(*found)


def find_cifar10(data_dir: Path | None) -> tuple[cifar10.Layout, Path] | None:
    """Look for CIFAR-10 on disk, in the folder given first.

    Raises
    ------
    DataError
        When a folder is given (as argument or in $KBN_DATA_DIR) that does not hold it.
    """
    variable, origin = os.environ.get(FOLDER_VARIABLE), f"${FOLDER_VARIABLE}"
    for folder, given_as in (
        (data_dir, "data_dir"),
        (user_path(origin, variable) if variable else None, origin),
    ):
        if folder is not None:
            found = cifar10.find(folder, f"{given_as} {folder}")
            if found is None:
                raise DataError(
                    f"{given_as} {folder}: holds no CIFAR-10; it should hold "
                    f"{' or '.join(layout.folder + '/' for layout in cifar10.LAYOUTS)}, "
                    "or one of the published .tar.gz files"
                )
            return found
    try:
        return cifar10.find(cache_folder())
    except InputError:  # nobody named this folder: one that cannot be read holds nothing
        return None


def _downloaded(say: Callable[[str], None]) -> tuple[cifar10.Layout, Path]:
    return cifar10.BINARY, download(cache_folder(), say=say)
