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
from kbn.paths import Kind, kind_of

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
LARGEST_FILE, LARGEST_ARCHIVE = 40 * 10**6, 250 * 10**6
"""Bytes that are read of a batch, and of an archive unpacked: a third more than was published."""
DAMAGED = (EOFError, OSError, ValueError, OverflowError, RecursionError, MemoryError)
"""What `tarfile` raises on archives that are none, beside its own errors."""


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
        images, labels = table["data"], np.array([_label(each) for each in table["labels"]])
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{origin} lacks data or labels ({error}); download it again") from error
    if not isinstance(images, np.ndarray):
        raise DataError(f"{origin} lacks an array of data; download it again")
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


def _label(value: object) -> object:
    """Return a label; NumPy would follow a list within lists for as long as they go."""
    if isinstance(value, list | tuple | dict):
        raise TypeError("a label is no number")
    return value


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


def find(folder: Path, shown: object = None) -> tuple[Layout, Path] | None:
    """Return the layout and the path of CIFAR-10 in a folder: batches, or an archive of them.

    `folder` may hold the batches itself, the published folder of them, as torchvision and Keras
    keep it, or the archive, or be the path of an archive. None when there is nothing of the kind.
    Raises `InputError` when this user may not look; `shown` is what the folder is called then.
    """

    def is_file(path: Path) -> bool:
        return kind_of(path, shown) is Kind.FILE

    for layout in LAYOUTS:
        if folder.name == layout.archive and is_file(folder):
            return layout, folder
        keras = folder / f"{layout.folder}-target" / layout.folder
        for candidate in (folder, folder / layout.folder, keras):
            if any(is_file(candidate / name) for name in (*layout.train, layout.test)):
                return layout, candidate
    for layout in LAYOUTS:
        if is_file(folder / layout.archive):
            return layout, folder / layout.archive
    return None


def is_other(name: str) -> bool:
    """Say whether a name is CIFAR-100's, or one of its archives'."""
    return name.lower().replace("-", "").replace("_", "").startswith("cifar100")


def holds_other(folder: Path) -> bool:
    """Say whether a folder, or an archive, is CIFAR-100, which is published beside CIFAR-10."""
    inside = ("fine_label_names.txt", "cifar-100-python", "cifar-100-binary")
    names = (*inside, "cifar-100-python.tar.gz", "cifar-100-binary.tar.gz")
    return is_other(folder.name) or any(kind_of(folder / name) is not None for name in names)


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
            with _Bounded(path) as packed:
                with tarfile.open(fileobj=packed, mode="r|") as archive:
                    yield _in_archive(archive, path, names)
                while packed.read(2**20):  # gzip compares its checksum only at the end
                    pass
    except DataError:
        raise
    except (*DAMAGED, tarfile.TarError, zlib.error) as error:
        reason = str(error) or type(error).__name__
        raise DataError(
            f"{path} cannot be read, or is cut off or damaged ({reason}); download it again"
        ) from error


class _Bounded(gzip.GzipFile):
    """A packed file that is an error once it unpacks to more than CIFAR-10 does."""

    _unpacked = 0

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes, `size` at most."""
        content = super().read(size)
        self._unpacked += len(content)
        if self._unpacked > LARGEST_ARCHIVE:
            raise DataError(
                f"{self.name} unpacks to more than {LARGEST_ARCHIVE:,} bytes, which CIFAR-10 does "
                "not; download it again"
            )
        return content


def _in_folder(folder: Path, names: set[str]) -> Files:
    for name in sorted(names):
        path = folder / name
        if path.is_file():
            with path.open("rb") as file:
                yield name, str(path), _content(file.read, path.stat().st_size, str(path))


def _in_archive(archive: tarfile.TarFile, path: Path, names: set[str]) -> Files:
    """Read members in memory: nothing of an archive is ever extracted to disk."""
    for member in archive:
        name = Path(member.name).name
        file = archive.extractfile(member) if member.isfile() and name in names else None
        if file is not None:
            origin = f"{name} in {path}"
            yield name, origin, _content(file.read, member.size, origin)


def _content(read: Callable[[int], bytes], size: int, origin: str) -> bytes:
    """Read a batch that says to be of some size."""
    if size > LARGEST_FILE:
        raise DataError(
            f"{origin} has {size:,} bytes, and a batch of CIFAR-10 at most {LARGEST_FILE:,}; "
            "download it again"
        )
    return read(size)
