"""CIFAR-10 in its two published layouts, as a folder or as the `.tar.gz`.

Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kbn.data.dataset import Dataset
from kbn.data.unpickle import read_arrays
from kbn.errors import DataError

CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
SHAPE = (3, 32, 32)
FEATURES = 3 * 32 * 32
PER_FILE = 10_000
"""Images in each of the six files."""


@dataclass(frozen=True)
class Layout:
    """One published layout: how it is packed, and how one of its files is read."""

    folder: str
    archive: str
    train: tuple[str, ...]
    test: str
    read: Callable[[bytes, str], tuple[np.ndarray, np.ndarray]]
    """From a file's content and its name to images (n × 3072 bytes) and labels (n)."""


def _read_binary(content: bytes, origin: str) -> tuple[np.ndarray, np.ndarray]:
    """Read rows of one label byte and 3072 pixel bytes."""
    expected = PER_FILE * (1 + FEATURES)
    if len(content) != expected:
        raise DataError(
            f"{origin} has {len(content)} bytes, {expected} are expected; download it again"
        )
    rows = np.frombuffer(content, np.uint8).reshape(PER_FILE, 1 + FEATURES)
    return rows[:, 1:], rows[:, 0]


def _read_pickle(content: bytes, origin: str) -> tuple[np.ndarray, np.ndarray]:
    """Read a pickled dictionary with `data` and `labels`, without running it."""
    table = read_arrays(content, origin)
    try:
        images, labels = np.asarray(table["data"]), np.asarray(table["labels"])
    except (KeyError, ValueError) as error:
        raise DataError(f"{origin} lacks data or labels ({error}); download it again") from error
    if images.shape != (PER_FILE, FEATURES) or labels.shape != (PER_FILE,):
        raise DataError(
            f"{origin} holds images of shape {images.shape} and labels of shape {labels.shape}; "
            f"({PER_FILE}, {FEATURES}) and ({PER_FILE},) are expected; download it again"
        )
    if images.dtype != np.uint8 or labels.dtype.kind not in "iu":
        raise DataError(
            f"{origin} holds {images.dtype} images and {labels.dtype} labels; uint8 and whole "
            "numbers are expected; download it again"
        )
    return images, labels


BINARY = Layout(
    folder="cifar-10-batches-bin",
    archive="cifar-10-binary.tar.gz",
    train=tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    test="test_batch.bin",
    read=_read_binary,
)
PYTHON = Layout(
    folder="cifar-10-batches-py",
    archive="cifar-10-python.tar.gz",
    train=tuple(f"data_batch_{i}" for i in range(1, 6)),
    test="test_batch",
    read=_read_pickle,
)
LAYOUTS = (BINARY, PYTHON)


def find(folder: Path) -> tuple[Layout, Path] | None:
    """Return the layout and the path of CIFAR-10 in a folder: batches, or an archive of them.

    `folder` may hold the batches itself, the published folder of them, or the archive, or be
    the path of an archive. None when there is nothing of the kind.
    """
    for layout in LAYOUTS:
        if folder.is_file() and folder.name == layout.archive:
            return layout, folder
        for candidate in (folder, folder / layout.folder):
            if any((candidate / name).is_file() for name in (*layout.train, layout.test)):
                return layout, candidate
    for layout in LAYOUTS:
        if (folder / layout.archive).is_file():
            return layout, folder / layout.archive
    return None


def read(layout: Layout, path: Path) -> Dataset:
    """Read CIFAR-10 from a folder of batches or an archive.

    Raises
    ------
    DataError
        When a batch is missing, cut off or damaged, or a label is no class.
    """
    names = (*layout.train, layout.test)
    X = np.empty((len(names) * PER_FILE, FEATURES), np.uint8)
    y = np.empty(len(X), np.int64)
    missing = set(names)
    with _files(layout, path) as files:
        for name, origin, content in files:
            start = names.index(name) * PER_FILE
            rows = slice(start, start + PER_FILE)
            X[rows], y[rows] = _checked(*layout.read(content, origin), origin)
            missing.discard(name)
    if missing:
        raise DataError(
            f"{path} lacks {', '.join(sorted(missing))}; download CIFAR-10 again, or remove it"
        )
    n = len(layout.train) * PER_FILE
    return Dataset(
        name="cifar10",
        title="CIFAR-10",
        source=str(path),
        X=X[:n],
        y=y[:n],
        X_test=X[n:],
        y_test=y[n:],
        classes=CLASSES,
        image_shape=SHAPE,
    )


Files = Iterator[tuple[str, str, bytes]]
"""File name, its origin for messages, and its content."""


def _checked(images: np.ndarray, labels: np.ndarray, origin: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what it is given, once every label is known to be a class."""
    if not 0 <= labels.min() <= labels.max() < len(CLASSES):
        raise DataError(
            f"{origin} has labels from {labels.min()} to {labels.max()}; "
            f"0 to {len(CLASSES) - 1} are classes; download it again"
        )
    return images, labels


@contextmanager
def _files(layout: Layout, path: Path) -> Iterator[Files]:
    names = {*layout.train, layout.test}
    try:
        if path.is_dir():
            yield _in_folder(path, names)
        else:
            with gzip.open(path) as packed, tarfile.open(fileobj=packed, mode="r:") as archive:
                yield _in_archive(archive, path, names)
                packed.read()  # gzip compares its checksum only when it comes to the end
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read, or is cut off or damaged ({error}); download it again"
        ) from error


def _in_folder(folder: Path, names: set[str]) -> Files:
    for name in sorted(names):
        path = folder / name
        if path.is_file():
            yield name, str(path), path.read_bytes()


def _in_archive(archive: tarfile.TarFile, path: Path, names: set[str]) -> Files:
    """Read members in memory: nothing of an archive is ever extracted to disk."""
    for member in archive:
        name = Path(member.name).name
        file = archive.extractfile(member) if member.isfile() and name in names else None
        if file is not None:
            yield name, f"{name} in {path}", file.read()
