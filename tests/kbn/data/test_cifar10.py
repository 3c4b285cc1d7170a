from __future__ import annotations

import gzip
import io
import os
import pickle
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kbn.data import Dataset, cifar10
from kbn.errors import DataError, InputError
from tests.somebody import give, somebody_else

Batches = dict[str, tuple[np.ndarray, np.ndarray]]
Write = Callable[[Batches], Path]
Pack = Callable[[Path], Path]


def read(folder: Path) -> Dataset:
    """Read what is found in a folder."""
    found = cifar10.find(folder)
    assert found is not None
    return cifar10.read(*found)


@pytest.fixture(params=["write_binary", "write_python"])
def write(request: pytest.FixtureRequest) -> Any:
    """Return the function that writes one layout, then the other."""
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_both_layouts_give_the_images_in_order(
    small_batches: Batches, write: Write, pack: Pack, *, packed: bool
) -> None:
    """Training images are those of batches 1 to 5, in order, rows as published; all is kept."""
    folder = write(small_batches)
    if packed:
        pack(folder)
        shutil.rmtree(folder)
    data = read(folder.parent)
    *train, test = small_batches.values()
    np.testing.assert_array_equal(data.X, np.concatenate([images for images, _ in train]))
    np.testing.assert_array_equal(data.y, np.concatenate([labels for _, labels in train]))
    np.testing.assert_array_equal(data.X_test, test[0])
    np.testing.assert_array_equal(data.y_test, test[1])
    assert data.X.dtype == np.uint8
    assert data.y.dtype == np.int64
    assert data.classes[0] == "airplane"
    assert data.classes[9] == "truck"
    assert data.image_shape == (3, 32, 32)


def test_layouts_have_one_fingerprint(
    small_batches: Batches, write_binary: Write, write_python: Write
) -> None:
    """A trial's identity does not depend on which of the published files was at hand."""
    binary, python = write_binary(small_batches), write_python(small_batches)
    assert read(binary).fingerprint == read(python).fingerprint


def test_places_that_are_found(small_batches: Batches, write: Write, pack: Pack) -> None:
    """The folder of batches, what contains it, the archive, and what contains that, all do."""
    folder = write(small_batches)
    assert cifar10.find(folder) == cifar10.find(folder.parent)
    archive = pack(folder)
    shutil.rmtree(folder)
    assert cifar10.find(archive) == cifar10.find(archive.parent)


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    """An empty folder, or none at all, holds no CIFAR-10."""
    assert cifar10.find(tmp_path) is None
    assert cifar10.find(tmp_path / "absent") is None


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "archive"])
def test_a_missing_batch_is_named(
    small_batches: Batches, write: Write, pack: Pack, *, packed: bool
) -> None:
    """Each missing file is named."""
    del small_batches["data_batch_3"], small_batches["test_batch"]
    folder = write(small_batches)
    path = pack(folder) if packed else folder
    with pytest.raises(DataError, match=r"lacks data_batch_3(\.bin)?, test_batch(\.bin)?;"):
        read(path)


@pytest.mark.parametrize("change", [-1, 1])
def test_a_batch_of_another_size(small_batches: Batches, write_binary: Write, change: int) -> None:
    """The error says which file, how many bytes it has, and how many are expected."""
    path = write_binary(small_batches) / "data_batch_2.bin"
    size = path.stat().st_size
    os.truncate(path, size + change)
    message = rf"{re.escape(str(path))} has {size + change} bytes, {size} are expected"
    with pytest.raises(DataError, match=message):
        read(path.parent)


def test_the_published_size_is_expected(tmp_path: Path) -> None:
    """A batch is 10,000 rows of 3,073 bytes; one row less is an error."""
    path = tmp_path / "data_batch_1.bin"
    path.touch()
    os.truncate(path, 9_999 * 3_073)
    with pytest.raises(DataError, match=r"has 30726927 bytes, 30730000 are expected"):
        read(tmp_path)


def test_a_label_that_is_no_class(small_batches: Batches, write: Write) -> None:
    """A label above 9 is an error that names the file."""
    small_batches["data_batch_4"][1][5] = 10
    with pytest.raises(DataError, match=r"data_batch_4.* has labels from 0 to 10; 0 to 9"):
        read(write(small_batches))


def test_a_python_batch_of_another_shape(small_batches: Batches, write_python: Write) -> None:
    """A Python batch with too few images is an error that says both shapes."""
    images, labels = small_batches["data_batch_1"]
    small_batches["data_batch_1"] = images[:-1], labels
    with pytest.raises(DataError, match=r"images of shape \(19, 3072\).*\(20, 3072\)"):
        read(write_python(small_batches))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"labels": [0] * 20}, "lacks data or labels"),
        ({"data": np.zeros((20, 3072), np.uint8)}, "lacks data or labels"),
        ({"data": np.zeros((20, 3072), np.uint8), "labels": [0.5] * 20}, "float64 labels"),
        ({"data": np.zeros((20, 3072), np.uint8), "labels": [0, [1]]}, "lacks data or labels"),
        ({"data": np.zeros((20, 3072), np.uint8), "labels": [-1] * 20}, "labels from -1 to -1"),
    ],
)
def test_a_python_batch_that_holds_something_else(
    small_batches: Batches,
    write_python: Write,
    python2_pickle: Callable[[Any], bytes],
    table: dict[str, Any],
    message: str,
) -> None:
    """A readable pickle that is no batch is an error that says what is wrong."""
    folder = write_python(small_batches)
    (folder / "test_batch").write_bytes(python2_pickle(table))
    with pytest.raises(DataError, match=message):
        read(folder)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_an_archive_cut_off(small_batches: Batches, write: Write, pack: Pack, share: float) -> None:
    """Wherever an archive ends early, it is an error."""
    path = pack(write(small_batches))
    os.truncate(path, int(share * path.stat().st_size))
    with pytest.raises(DataError, match=r"cut off or damaged|lacks"):
        read(path)


def test_an_archive_with_a_wrong_checksum(small_batches: Batches, write: Write, pack: Pack) -> None:
    """Changed pixels that unpack without complaint are noticed by the archive's own checksum."""
    path = pack(write(small_batches))
    content = bytearray(path.read_bytes())
    content[-8] ^= 1  # gzip ends with the CRC-32 and the length, 4 bytes each
    path.write_bytes(content)
    with pytest.raises(DataError, match="cut off or damaged"):
        read(path)


def test_an_archive_that_is_none(tmp_path: Path) -> None:
    """A web page saved under the archive's name is an error, not a crash."""
    path = tmp_path / cifar10.BINARY.archive
    path.write_text("<html>moved</html>", encoding="ascii")
    with pytest.raises(DataError, match="cut off or damaged"):
        read(path)


def test_nothing_of_an_archive_is_extracted(
    small_batches: Batches, write: Write, pack: Pack
) -> None:
    """Reading an archive leaves no file behind."""
    folder = write(small_batches)
    path = pack(folder)
    shutil.rmtree(folder)
    before = sorted(path.parent.rglob("*"))
    read(path)
    assert sorted(path.parent.rglob("*")) == before


def claiming(path: Path, name: str, *, size: int, sparse: bool) -> None:
    """Write an archive of 10 kB whose one member claims a size."""
    member = tarfile.TarInfo(name)
    member.size = size
    if sparse:  # GNU's: a file of holes alone
        member.size, member.type = 0, tarfile.GNUTYPE_SPARSE
        header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
        header[483:495] = b"\x80" + size.to_bytes(11, "big")
        header[148:156] = b" " * 8
        header[148:155] = b"%06o\0" % sum(header)
    else:
        header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    with gzip.open(path, "wb") as packed:
        packed.write(bytes(header) + bytes(10_240))


@pytest.mark.parametrize("sparse", [False, True], ids=["plain", "sparse"])
@pytest.mark.parametrize("size", [4 * 10**9, 8 * 10**12], ids=["4 GB", "8 TB"])
def test_an_archive_that_claims_more_than_there_is(
    tmp_path: Path, size: int, *, sparse: bool
) -> None:
    """A member's claim is held against a batch's size before a byte of it is read."""
    path = tmp_path / cifar10.BINARY.archive
    claiming(path, "data_batch_1.bin", size=size, sparse=sparse)
    message = rf"data_batch_1\.bin in .* has {size:,} bytes, .* at most 40,000,000"
    with pytest.raises(DataError, match=message):
        read(path)


def test_a_batch_of_8_terabytes(tmp_path: Path) -> None:
    """A file's size is held against a batch's as well."""
    with (tmp_path / "data_batch_1.bin").open("wb") as file:
        file.truncate(8 * 10**12)
    with pytest.raises(DataError, match=r"has 8,000,000,000,000 bytes, .* at most 40,000,000"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["another file", "data_batch_1.bin"])
def test_an_archive_that_unpacks_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whatever is in it, no more of an archive is unpacked than CIFAR-10 has."""
    monkeypatch.setattr(cifar10, "LARGEST_ARCHIVE", 10**6)
    path = tmp_path / cifar10.BINARY.archive
    member = tarfile.TarInfo(name)
    with tarfile.open(path, "w:gz") as archive:
        member.size = 2 * 10**6
        archive.addfile(member, io.BytesIO(bytes(member.size)))
    with pytest.raises(DataError, match=r"unpacks to more than 1,000,000 bytes"):
        read(path)


def test_an_archive_of_names_without_end(tmp_path: Path) -> None:
    """Headers that announce headers are damage, and no error of Python's."""
    path = tmp_path / cifar10.BINARY.archive
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 10
    with gzip.open(path, "wb") as packed:
        packed.write((member.tobuf(tarfile.GNU_FORMAT) + bytes(512)) * 2_000 + bytes(1_024))
    with pytest.raises(DataError, match="cut off or damaged"):
        read(path)


def test_labels_within_labels(
    small_batches: Batches, write_python: Write, python2_pickle: Callable[[Any], bytes]
) -> None:
    """Lists that share their items take no memory in a pickle, and all of it in an array."""
    folder = write_python(small_batches)
    table = pickle.PROTO + b"\x02" + pickle.EMPTY_DICT + pickle.MARK
    table += python2_pickle("data")[2:-1] + python2_pickle(small_batches["test_batch"][0])[2:-1]
    table += python2_pickle("labels")[2:-1] + python2_pickle([0] * 20)[2:-1]
    for _ in range(20):
        table += pickle.BINPUT + b"\0" + pickle.POP + pickle.EMPTY_LIST + pickle.MARK
        table += (pickle.BINGET + b"\0") * 20 + pickle.APPENDS
    (folder / "test_batch").write_bytes(table + pickle.SETITEMS + pickle.STOP)
    with pytest.raises(DataError, match="lacks data or labels"):
        read(folder)


@pytest.mark.parametrize("layout", cifar10.LAYOUTS, ids=lambda layout: layout.folder)
def test_a_folder_that_may_not_be_looked_into(open_path: Path, layout: cifar10.Layout) -> None:
    """One line that says why, for the folder and for one that lies in it."""
    for closed in (open_path / "closed", open_path / layout.folder):
        closed.mkdir()
    give(open_path)
    for closed in (open_path / "closed", open_path / layout.folder):
        closed.chmod(0)
    with somebody_else():
        for folder in (open_path, open_path / "closed"):
            with pytest.raises(InputError, match=r"cannot be read \(Permission denied\)"):
                cifar10.find(folder)
    for closed in (open_path / "closed", open_path / layout.folder):
        closed.chmod(0o700)


@pytest.mark.cifar
def test_the_real_images(cifar_dir: Path) -> None:
    """The real set has 50,000 and 10,000 images, each class a tenth of them."""
    data = read(cifar_dir)
    assert data.X.shape == (50_000, 3072)
    assert data.X_test.shape == (10_000, 3072)
    assert np.bincount(data.y).tolist() == [5_000] * 10
    assert np.bincount(data.y_test).tolist() == [1_000] * 10
