"""CIFAR-10's published layouts, written small."""

from __future__ import annotations

import hashlib
import importlib
import pickle
import socket
import struct
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kbn.data import cifar10
from tests.kbn.data.server import Server, serve

module = importlib.import_module("kbn.data.download")
ARCHIVE = cifar10.BINARY.archive
PER_FILE = 20
"""Images in a file, in place of 10,000."""

Batches = dict[str, tuple[np.ndarray, np.ndarray]]
"""Images and labels by the batch's name, without an ending."""


@pytest.fixture(autouse=True)
def no_data_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the user's own folders and proxies out of the tests."""
    monkeypatch.delenv("KBN_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> Batches:
    """Return five training batches and a test batch of few random images, as read expects."""
    monkeypatch.setattr(cifar10, "PER_FILE", PER_FILE)
    rng = np.random.default_rng(0)
    return {
        name: (
            rng.integers(256, size=(PER_FILE, cifar10.FEATURES), dtype=np.uint8),
            rng.permutation(np.arange(PER_FILE) % 10).astype(np.uint8),
        )
        for name in (*cifar10.PYTHON.train, cifar10.PYTHON.test)
    }


Write = Callable[..., Path]


@pytest.fixture
def write_binary(tmp_path: Path) -> Write:
    """Return a function that writes batches in the binary layout and returns their folder."""

    def write(batches: Batches, parent: Path = tmp_path) -> Path:
        folder = parent / cifar10.BINARY.folder
        folder.mkdir(parents=True)
        for name, (images, labels) in batches.items():
            np.column_stack([labels, images]).tofile(folder / f"{name}.bin")
        (folder / "batches.meta.txt").write_text("\n".join(cifar10.CLASSES), encoding="ascii")
        return folder

    return write


@pytest.fixture
def write_python(tmp_path: Path) -> Write:
    """Return a function that writes batches in the Python layout and returns their folder."""

    def write(batches: Batches, parent: Path = tmp_path) -> Path:
        folder = parent / cifar10.PYTHON.folder
        folder.mkdir(parents=True)
        for name, (images, labels) in batches.items():
            table = {
                "data": images,
                "labels": [int(label) for label in labels],
                "batch_label": name,
                "filenames": [f"{i}.png" for i in range(len(labels))],
            }
            (folder / name).write_bytes(python2_pickle(table))
        return folder

    return write


def python2_pickle(value: Any) -> bytes:
    """Pickle as Python 2 and its NumPy did: texts are bytes, modules have their old names."""
    return pickle.PROTO + b"\x02" + _encode(value) + pickle.STOP


def _encode(value: Any) -> bytes:
    match value:
        case str():
            return _encode(value.encode())
        case tuple():
            return pickle.MARK + b"".join(map(_encode, value)) + pickle.TUPLE
        case list():
            return pickle.EMPTY_LIST + pickle.MARK + b"".join(map(_encode, value)) + pickle.APPENDS
        case dict():
            pairs = b"".join(_encode(key) + _encode(item) for key, item in value.items())
            return pickle.EMPTY_DICT + pickle.MARK + pairs + pickle.SETITEMS
        case np.ndarray():
            return _encode_bytes_array(value)
    return _encode_atom(value)


def _encode_atom(value: Any) -> bytes:
    match value:
        case None:
            return pickle.NONE
        case bool():
            return pickle.NEWTRUE if value else pickle.NEWFALSE
        case bytes():
            return pickle.BINSTRING + struct.pack("<i", len(value)) + value
        case float():
            return pickle.BINFLOAT + struct.pack(">d", value)
    return pickle.BININT + struct.pack("<i", value)


def _encode_bytes_array(array: np.ndarray) -> bytes:
    assert array.dtype == np.uint8
    empty = pickle.MARK + b"cnumpy\nndarray\n" + _encode((0,)) + _encode("b") + pickle.TUPLE
    kind = b"cnumpy\ndtype\n" + _encode(("u1", 0, 1)) + pickle.REDUCE
    kind += _encode((3, "|", None, None, None, -1, -1, 0)) + pickle.BUILD
    state = _encode(1) + _encode(array.shape) + kind + _encode(False) + _encode(array.tobytes())
    return (
        b"cnumpy.core.multiarray\n_reconstruct\n"
        + empty
        + pickle.REDUCE
        + (pickle.MARK + state + pickle.TUPLE)
        + pickle.BUILD
    )


def pack(folder: Path) -> Path:
    """Pack a folder of batches as the published archive beside it; return its path."""
    (layout,) = (layout for layout in cifar10.LAYOUTS if layout.folder == folder.name)
    path = folder.parent / layout.archive
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        archive.add(folder, arcname=folder.name)
    return path


@pytest.fixture(name="pack")
def pack_fixture() -> Callable[[Path], Path]:
    """Return the function that packs a folder as the published archive."""
    return pack


@pytest.fixture(name="python2_pickle")
def python2_pickle_fixture() -> Callable[[Any], bytes]:
    """Return the function that pickles as Python 2 did."""
    return python2_pickle


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve an archive in place of the published one, whose address it takes."""
    content = b"archive" * 1_000
    with serve(content) as running:
        publish(monkeypatch, content)
        monkeypatch.setattr(module, "URL", f"http://127.0.0.1:{running.port}/a/{ARCHIVE}")
        yield running


def publish(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Let the checks expect this content."""
    monkeypatch.setattr(module, "SIZE", len(content))
    monkeypatch.setattr(module, "MD5", hashlib.md5(content, usedforsecurity=False).hexdigest())


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the published address be one where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setattr(module, "URL", f"http://127.0.0.1:{port}/{ARCHIVE}")
