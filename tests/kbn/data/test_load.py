from __future__ import annotations

import hashlib
import importlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kbn.data import load
from kbn.data.download import cache_folder
from kbn.errors import DataError
from tests.kbn.data.server import Server

module = importlib.import_module("kbn.data.download")
Batches = dict[str, tuple[np.ndarray, np.ndarray]]
Write = Callable[..., Path]
Pack = Callable[[Path], Path]


def with_first_pixel(batches: Batches, value: int) -> Batches:
    """Return batches that can be told from others."""
    images, labels = batches["data_batch_1"]
    changed = images.copy()
    changed[0, 0] = value
    return {**batches, "data_batch_1": (changed, labels)}


@pytest.fixture
def published(
    server: Server,
    small_batches: Batches,
    write_binary: Write,
    pack: Pack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Server:
    """Let the server publish an archive of small batches."""
    archive = pack(write_binary(small_batches, tmp_path / "published"))
    server.content = archive.read_bytes()
    monkeypatch.setattr(module, "SIZE", len(server.content))
    checksum = hashlib.md5(server.content, usedforsecurity=False).hexdigest()
    monkeypatch.setattr(module, "MD5", checksum)
    return server


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", ["auto", "cifar10"])
def test_the_order_of_places(
    small_batches: Batches,
    write_binary: Write,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """The folder given comes first, then the environment's, then the cache."""
    places = [tmp_path / "given", tmp_path / "environment", cache_folder()]
    for value, place in enumerate(places):
        write_binary(with_first_pixel(small_batches, value), place)
    monkeypatch.setenv("KBN_DATA_DIR", str(places[1]))
    assert load(name, data_dir=places[0]).X[0, 0] == 0
    assert load(name).X[0, 0] == 1
    monkeypatch.delenv("KBN_DATA_DIR")
    assert load(name).X[0, 0] == 2
    assert load(name).source.startswith(str(places[2]))


@pytest.mark.parametrize("name", ["auto", "cifar10"])
def test_a_download_happens_once(published: Server, name: str) -> None:
    """Where CIFAR-10 is nowhere, it is downloaded, and then found in the cache."""
    said: list[str] = []
    first = load(name, say=said.append)
    assert first.name == "cifar10"
    assert first.title == "CIFAR-10"
    assert "downloading CIFAR-10" in said[0]
    assert load(name, say=said.append).fingerprint == first.fingerprint
    assert len(published.asked) == len(said) == 1


@pytest.mark.usefixtures("offline")
def test_auto_falls_back_to_digits() -> None:
    """Without CIFAR-10 and a network the first line said, and the first note, tell of digits."""
    said: list[str] = []
    data = load("auto", say=said.append)
    assert data.name == data.title == "digits"
    assert len(said) == 1
    assert "using digits" in said[0]
    assert "\n" not in said[0]
    assert "CIFAR-10 was not on this machine" in data.notes[0]
    assert data.fingerprint == load("digits").fingerprint


@pytest.mark.usefixtures("offline")
def test_cifar10_never_falls_back() -> None:
    """Who asks for CIFAR-10 gets it or an error that says the ways out."""
    with pytest.raises(DataError, match=r"cannot be reached; .*data_dir.*data digits"):
        load("cifar10")


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("name", ["auto", "cifar10"])
@pytest.mark.parametrize("place", ["data_dir", "$KBN_DATA_DIR"])
def test_a_folder_given_without_cifar10(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, place: str
) -> None:
    """A folder that was named and holds no CIFAR-10 is an error: nothing else is used silently."""
    folder = tmp_path / "empty"
    folder.mkdir()
    if place == "$KBN_DATA_DIR":
        monkeypatch.setenv("KBN_DATA_DIR", str(folder))
    with pytest.raises(DataError) as caught:
        load(name, data_dir=folder if place == "data_dir" else None)
    assert str(caught.value).startswith(f"{place} {folder}: holds no CIFAR-10; ")
    assert "cifar-10-batches-bin/" in str(caught.value)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", ["cifar-100-python", "cifar-100-binary.tar.gz"])
def test_a_folder_of_cifar100(tmp_path: Path, name: str) -> None:
    """CIFAR-100 by mistake is called by its name, whether it is named itself or its folder."""
    (tmp_path / name).mkdir()
    for folder in (tmp_path, tmp_path / name):
        with pytest.raises(DataError, match="holds CIFAR-100, which has other classes, and no"):
            load("cifar10", data_dir=folder)


def test_where_keras_keeps_it(tmp_path: Path, small_batches: Batches, write_python: Write) -> None:
    """Keras unpacks the published folder into one of its own."""
    write_python(small_batches, tmp_path / "cifar-10-batches-py-target")
    assert load("cifar10", data_dir=tmp_path).name == "cifar10"


def test_a_target_without_columns() -> None:
    """A column is named for tables alone."""
    with pytest.raises(DataError, match="--target label: data npz have no columns"):
        load("npz:mine.npz", target="label")


def test_auto_does_not_hide_damaged_files(small_batches: Batches, write_binary: Write) -> None:
    """CIFAR-10 that is there but damaged is an error; digits would hide it."""
    folder = write_binary(small_batches, cache_folder())
    (folder / "data_batch_5.bin").unlink()
    with pytest.raises(DataError, match=r"lacks data_batch_5\.bin"):
        load("auto")


def test_the_other_names(tmp_path: Path) -> None:
    """Each name gives its set, with no word and no look at the network."""
    said: list[str] = []
    path = tmp_path / "mine.npz"
    np.savez(path, X=np.eye(20), y=np.arange(20) % 2)
    assert load("digits", say=said.append).name == "digits"
    assert len(load("synthetic:120", say=said.append).y) == 120
    assert load(f"npz:{path}", say=said.append).name == f"npz:{path}"
    assert said == []


def test_names_lead_back_to_their_sets(tmp_path: Path) -> None:
    """A set's own name loads the same set again."""
    path = tmp_path / "mine.npz"
    np.savez(path, X=np.eye(20), y=np.arange(20) % 2)
    for name in ("digits", "synthetic:120", f"npz:{path}"):
        data = load(name)
        assert load(data.name).fingerprint == data.fingerprint


def test_a_file_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tilde is the user's home, as in a shell."""
    monkeypatch.setenv("HOME", str(tmp_path))
    np.savez(tmp_path / "mine.npz", X=np.eye(20), y=np.arange(20) % 2)
    assert len(load("npz:~/mine.npz").classes) == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cifar", r"did you mean cifar10\? Choose auto, cifar10, digits, synthetic\[:N\], or npz"),
        ("CIFAR-10", r"did you mean cifar10\?"),
        ("fashion", r"did you mean idx:DIR, with the folder of its four files\?"),
        ("MNIST", r"did you mean idx:DIR"),
        ("mine.npz", r"did you mean npz:mine\.npz\?"),
        ("data/mine.CSV", r"did you mean csv:data/mine\.CSV with --target COLUMN\?"),
        ("kittens", r"there is no such data set; Choose auto"),
        ("../", r"did you mean folder:\.\./ \(pictures\), or idx:\.\./"),
        ("cifar100", r"CIFAR-100 has 100 classes, and is not read; did you mean cifar10\?"),
        ("arrays", r"were given in Python: give them there again"),
        ("csv:", r"name the file too, as in csv:table\.csv"),
        ("folder", r"name the folder too, as in folder:DIR"),
        ("digit", r"did you mean digits\?"),
        ("auto:3", r"did you mean auto\?"),
        ("digits:3", r"did you mean digits\?"),
        ("", r"there is no such data set"),
        ("npz", r"name the file too, as in npz:images\.npz"),
        ("npz:", r"name the file too"),
        ("npz:absent.npz", r"absent\.npz does not exist"),
        ("synthetic:", r"a whole number of images, at least 100"),
        ("synthetic:99", r"a whole number of images, at least 100"),
        ("synthetic:-500", r"a whole number of images, at least 100"),
        ("synthetic:1e4", r"a whole number of images, at least 100"),
    ],
)
def test_bad_names(name: str, message: str) -> None:
    """A name that means nothing is an error with the nearest name and the list."""
    with pytest.raises(DataError, match=message):
        load(name)


@pytest.mark.cifar
def test_the_real_archive_equals_the_folder(cifar_dir: Path, pack: Pack, tmp_path: Path) -> None:
    """The real images, read from an archive of them, are those of the folder, byte for byte."""
    folder = next(cifar_dir.glob("**/data_batch_1.bin")).parent
    copy = tmp_path / "cifar-10-batches-bin"
    shutil.copytree(folder, copy)
    archive = pack(copy)
    assert (
        load("cifar10", data_dir=archive).fingerprint
        == load("cifar10", data_dir=cifar_dir).fingerprint
    )


@pytest.mark.parametrize("size", ["99999999999", "9" * 5_000], ids=["100 billion", "5,000 digits"])
def test_more_images_than_the_memory_holds(size: str) -> None:
    """Made-up images are counted before they are made; the message has both sizes."""
    with pytest.raises(DataError, match=r"images take [\d,]+ GB, and this machine has") as caught:
        load(f"synthetic:{size}")
    assert len(str(caught.value)) < 300
