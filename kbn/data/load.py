"""Data sets by name."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from kbn.arrays import machine_bytes
from kbn.data import cifar10
from kbn.data.dataset import Dataset
from kbn.data.digits import digits
from kbn.data.download import cache_folder, download
from kbn.data.folder import folder
from kbn.data.given import GIVEN
from kbn.data.idx import idx
from kbn.data.npz import npz
from kbn.data.synthetic import synthetic
from kbn.data.table import table
from kbn.errors import DataError, InputError
from kbn.paths import user_path

NAMES = ("auto", "cifar10", "digits", "synthetic", "npz", "idx", "csv", "parquet", "folder")
TABLES = ("csv", "parquet")
"""Those in which a column has to be named."""
BUILT_IN = ("cifar10", "digits", "synthetic")
"""Sets of names that say all; those of the others are paths, which decide nothing."""
CHOICES = (
    "auto, cifar10, digits, synthetic[:N], or npz:FILE, idx:DIR, csv:FILE, parquet:FILE, folder:DIR"
)
_EXAMPLES = {"npz": "images.npz", "csv": "table.csv", "parquet": "table.parquet"}
_IDX = ("mnist", "fashion", "fmnist", "kmnist", "emnist")
"""What names of sets hold that are published in MNIST's format."""
FOLDER_VARIABLE = "KBN_DATA_DIR"
SMALLEST_SYNTHETIC = 100
IMAGE_BYTES = 3072 * (1 + 4) * 7 // 6
"""Of a synthetic training image and its share of the test part: as bytes, and as float32."""


def load(
    name: str,
    *,
    data_dir: Path | None = None,
    target: str | None = None,
    say: Callable[[str], None] = print,
) -> Dataset:
    """Load a data set.

    Parameters
    ----------
    name
        `cifar10`, `digits`, `synthetic` or `synthetic:N` (N training images), `npz:FILE`,
        `idx:DIR` (MNIST's four files), `csv:FILE`, `parquet:FILE`, `folder:DIR` (a folder of
        pictures for each class), or `auto`: CIFAR-10 where it is on disk or can be downloaded,
        else digits.
    data_dir
        Where to look for CIFAR-10 first; then in $KBN_DATA_DIR, the user's cache, the network.
    target
        The column of labels in a table.
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
        case "npz" | "idx" | "csv" | "parquet" | "folder" if rest:
            return _own(kind, user_path(f"data {kind}", rest), target)
        case "npz" | "idx" | "csv" | "parquet" | "folder":
            example = _EXAMPLES.get(kind, "DIR")
            what = "file" if kind in _EXAMPLES else "folder"
            raise DataError(f"data {name}: name the {what} too, as in {kind}:{example}")
    raise DataError(f"data {name}: {_meant(name, kind)} Choose {CHOICES}")


def _own(kind: str, path: Path, target: str | None) -> Dataset:
    """Read a file or folder of the user's."""
    if target is not None and kind not in TABLES:
        raise DataError(f"--target {target:.80}: data {kind} have no columns; leave it out")
    match kind:
        case "npz":
            return npz(path)
        case "idx":
            return idx(path)
        case "folder":
            return folder(path)
    return table(path, kind, target=target)


def _meant(name: str, kind: str) -> str:
    """Say what a name that is none may have meant."""
    if name == GIVEN:
        return "these arrays were given in Python: give them there again, or save them as .npz."
    ending = Path(name).suffix.removeprefix(".").lower()
    if ending in _EXAMPLES:
        column = "" if ending == "npz" else " with --target COLUMN"
        return f"there is no such data set; did you mean {ending}:{name}{column}?"
    with suppress(OSError):
        if "/" in name and Path(name).expanduser().is_dir():
            return f"is a folder; did you mean folder:{name} (pictures), or idx:{name} (MNIST's)?"
    if cifar10.is_other(kind):
        return "CIFAR-100 has 100 classes, and is not read; did you mean cifar10?"
    if any(word in kind.lower() for word in _IDX):
        return "did you mean idx:DIR, with the folder of its four files?"
    near = difflib.get_close_matches(kind.lower(), NAMES, n=1, cutoff=0.5)
    hint = f" did you mean {near[0]}?" if near else ""
    return f"there is no such data set;{hint}"


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
    for place, given_as in (
        (data_dir, "data_dir"),
        (user_path(origin, variable) if variable else None, origin),
    ):
        if place is not None:
            found = cifar10.find(place, f"{given_as} {place}")
            if found is None:
                other = "CIFAR-100, which has other classes, and " * cifar10.holds_other(place)
                raise DataError(
                    f"{given_as} {place}: holds {other}no CIFAR-10; it should hold "
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
