from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kbn.data.npz import npz
from kbn.errors import DataError, InputError
from tests.kbn.builders import CLAIM, claiming
from tests.somebody import give, somebody_else

N = 40
X = np.random.default_rng(0).normal(size=(N, 6))
Y = np.arange(N) % 4
NAMES = np.array(["ant", "bee", "cow", "dog"])


def with_value(array: np.ndarray, index: int, value: Any) -> np.ndarray:
    """Return a copy with one element of another value."""
    changed = array.copy()
    changed.flat[index] = value
    return changed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a test's file goes."""
    return tmp_path / "mine.npz"


def test_arrays_with_a_test_part(path: Path) -> None:
    """Both parts are read as they are."""
    np.savez(path, X=X, y=Y, X_test=X[:5], y_test=Y[:5])
    data = npz(path)
    np.testing.assert_array_equal(data.X, X)
    np.testing.assert_array_equal(data.y, Y)
    np.testing.assert_array_equal(data.X_test, X[:5])
    np.testing.assert_array_equal(data.y_test, Y[:5])
    assert data.classes == ("0", "1", "2", "3")
    assert data.title == "mine"
    assert data.name == f"npz:{path}"
    assert data.notes == ()


def test_a_test_part_is_held_out(path: Path) -> None:
    """Without a test part a fifth of the images becomes one, and a note says so."""
    np.savez_compressed(path, X=X, y=Y)
    data = npz(path)
    assert (len(data.y), len(data.y_test)) == (32, 8)
    assert "8 of 40 images" in data.notes[0]


@pytest.mark.parametrize(
    ("shape", "image_shape"),
    [((6,), None), ((2, 3), (2, 3)), ((3, 2, 1), (3, 2, 1))],
)
def test_images_are_flattened(
    path: Path, shape: tuple[int, ...], image_shape: tuple[int, ...] | None
) -> None:
    """Rows keep the order of their features; the shape of an image is kept beside them."""
    np.savez(path, X=X.reshape(N, *shape), y=Y, X_test=X[:5].reshape(5, *shape), y_test=Y[:5])
    data = npz(path)
    np.testing.assert_array_equal(data.X, X)
    assert data.image_shape == image_shape


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("u1", "u1"),
        ("f4", "f4"),
        ("f8", "f8"),
        ("f2", "f8"),
        ("i2", "f8"),
        ("?", "f8"),
        (">f8", "f8"),
    ],
)
def test_types_of_images(path: Path, given: str, kept: str) -> None:
    """Bytes and the two usual floats are kept as they are, other numbers become float64."""
    images = np.abs(X).astype(given)
    np.savez(path, X=images, y=Y, X_test=images[:5], y_test=Y[:5])
    data = npz(path)
    assert data.X.dtype == np.dtype(kept)
    np.testing.assert_array_equal(data.X, np.abs(X).astype(given))


@pytest.mark.parametrize(("of_X", "of_test"), [("u1", "f4"), ("f8", "u1"), ("i8", "f2")])
def test_whole_numbers_beside_fractions(path: Path, of_X: str, of_test: str) -> None:
    """Bytes beside numbers from 0 to 1 would be standardised alike, and every answer be wrong."""
    images = np.abs(X)
    np.savez(path, X=images.astype(of_X), y=Y, X_test=images[:5].astype(of_test), y_test=Y[:5])
    with pytest.raises(DataError, match=r"X is \w+ and X_test \w+, whole numbers beside fractions"):
        npz(path)


@pytest.mark.parametrize("y", [Y, Y.astype("u1"), Y.astype("f4"), NAMES[Y], NAMES[Y].astype("S")])
def test_labels_are_kept_as_given(path: Path, y: np.ndarray) -> None:
    """A class's label is what the file has, type included."""
    np.savez(path, X=X, y=y)
    data = npz(path)
    assert data.labels is not None
    assert data.labels.dtype == y.dtype
    np.testing.assert_array_equal(np.isin(data.labels[data.y], y), np.ones(32, bool))
    np.testing.assert_array_equal(data.labels, np.unique(y))


@pytest.mark.parametrize("dtype", ["i8", "u1", "f4"])
def test_labels_of_any_whole_number_type(path: Path, dtype: str) -> None:
    """Labels that are whole numbers become int64, whatever type they come in."""
    np.savez(path, X=X, y=Y.astype(dtype), X_test=X[:5], y_test=Y[:5].astype(dtype))
    data = npz(path)
    np.testing.assert_array_equal(data.y, Y)
    assert data.y.dtype == data.y_test.dtype == np.int64


@pytest.mark.parametrize("dtype", ["U", "S"])
def test_labels_that_are_texts(path: Path, dtype: str) -> None:
    """Texts are class names, numbered in alphabetical order, in both parts alike."""
    y = NAMES[::-1][Y].astype(dtype)
    np.savez(path, X=X, y=y, X_test=X[:2], y_test=np.array(["dog", "bee"]).astype(dtype))
    data = npz(path)
    assert data.classes == ("ant", "bee", "cow", "dog")
    np.testing.assert_array_equal(NAMES[data.y], NAMES[::-1][Y])
    assert data.y_test.tolist() == [3, 1]


def test_bytes_that_are_no_text_stay_different(path: Path) -> None:
    """Two class names in an unknown encoding stay two classes."""
    np.savez(path, X=X, y=np.array([b"\xfe", b"\xff"])[Y % 2])
    assert len(npz(path).classes) == 2


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no X": ({"y": Y}, r"lacks X; make one with"),
    "no y": ({"X": X}, r"lacks y; make one with"),
    "neither": ({"images": X}, r"lacks X and y"),
    "half a test part": ({"X": X, "y": Y, "X_test": X}, r"has X_test alone"),
    "NaN": ({"X": with_value(X, 13, np.nan), "y": Y}, r"1 of 40 rows with NaN.*row 2;"),
    "infinity": ({"X": with_value(X, 7, -np.inf), "y": Y}, r"1 of 40 rows with NaN.*row 1;"),
    "a huge value": ({"X": with_value(X, 7, 1e200), "y": Y}, r"beyond 1e\+100.*row 1;"),
    "NaN in the test part": (
        {"X": X, "y": Y, "X_test": with_value(X, 0, np.nan), "y_test": Y},
        r"X_test has 1 of 40 rows",
    ),
    "one dimension": ({"X": X[:, 0], "y": Y}, r"X is float64 of shape \(40,\)"),
    "no features": ({"X": X[:, :0], "y": Y}, r"of shape \(40, 0\)"),
    "no images": ({"X": X[:0], "y": Y[:0]}, r"of shape \(0, 6\)"),
    "too few images": ({"X": X[:9], "y": Y[:9]}, r"9 images in X; at least 10"),
    "complex images": ({"X": X * 1j, "y": Y}, r"X is complex128"),
    "texts as images": ({"X": X.astype("U"), "y": Y}, r"X is <U32"),
    "objects": ({"X": X.astype(object), "y": Y}, r"cannot be read as .npz .*allow_pickle=False"),
    "lengths": ({"X": X, "y": Y[:-1]}, r"X has 40 rows and y 39"),
    "two labels an image": ({"X": X, "y": np.eye(4)[Y]}, r"y has shape \(40, 4\)"),
    "a negative label": ({"X": X, "y": Y - 1}, r"label -1; labels start at 0"),
    "half a label": ({"X": X, "y": Y + 0.5}, r"no whole numbers"),
    "a NaN label": ({"X": X, "y": with_value(Y * 1.0, 3, np.nan)}, r"no whole numbers"),
    "labels from 1": ({"X": X, "y": Y + 1}, r"goes up to 4, but no image has label 0"),
    "a gap": ({"X": X, "y": np.where(Y == 2, 5, Y)}, r"up to 5, but no image has label 2"),
    "a huge label": ({"X": X, "y": with_value(Y, 3, 2**62)}, r"up to 4.61169e\+18, but"),
    "a label beyond int64": ({"X": X, "y": with_value(Y * 1.0, 3, 1e300)}, r"up to 1e\+300, but"),
    "one class": ({"X": X, "y": Y * 0}, r"number of classes in y is 1; at least 2"),
    "one class of texts": ({"X": X, "y": NAMES[Y * 0]}, r"number of classes in y is 1"),
    "features of the test part": (
        {"X": X, "y": Y, "X_test": X[:, :5], "y_test": Y},
        r"X_test has 5 features an image and X 6",
    ),
    "lengths of the test part": (
        {"X": X, "y": Y, "X_test": X, "y_test": Y[:3]},
        r"X_test has 40 rows and y_test 3",
    ),
    "two test labels an image": (
        {"X": X, "y": Y, "X_test": X, "y_test": np.eye(4)[Y]},
        r"y_test has shape \(40, 4\)",
    ),
    "an unknown test label": (
        {"X": X, "y": Y, "X_test": X, "y_test": with_value(Y, 3, 4)},
        r"y_test has label 4, which y does not have",
    ),
    "a test label beyond int64": (
        {"X": X, "y": Y, "X_test": X, "y_test": with_value(Y.astype("u8"), 3, 2**63 + 5)},
        r"y_test has label 9223372036854775813,",
    ),
    "an unknown test text": (
        {"X": X, "y": NAMES[Y], "X_test": X[:1], "y_test": np.array(["eel"])},
        r"y_test has label eel, which",
    ),
    "numbers to test texts": (
        {"X": X, "y": NAMES[Y], "X_test": X, "y_test": Y},
        r"y holds texts and y_test numbers",
    ),
}


@pytest.mark.parametrize(("arrays", "message"), BAD.values(), ids=BAD)
def test_bad_arrays(path: Path, arrays: dict[str, Any], message: str) -> None:
    """What cannot be trained on is an error of one line that names the file and the trouble."""
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=message) as caught:
        npz(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file(path: Path) -> None:
    """A file that is not there is said to be so."""
    with pytest.raises(DataError, match="does not exist"):
        npz(path)


@pytest.mark.parametrize("content", [b"", b"hello", pickle.dumps({"X": 1})])
def test_a_file_of_another_kind(path: Path, content: bytes) -> None:
    """What is no .npz file is said to be so, and is never unpickled."""
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"is no \.npz file"):
        npz(path)


def test_a_single_array(tmp_path: Path) -> None:
    """One array alone lacks its labels."""
    np.save(tmp_path / "X.npy", X)
    with pytest.raises(DataError, match=r"is no \.npz file"):
        npz(tmp_path / "X.npy")


def test_a_folder(tmp_path: Path) -> None:
    """A folder is no file."""
    with pytest.raises(DataError, match=r"is no \.npz file"):
        npz(tmp_path)


def test_a_file_cut_off(path: Path) -> None:
    """A download that ended early is an error."""
    np.savez(path, X=X, y=Y)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"is no \.npz file, or is cut off"):
        npz(path)


@pytest.mark.parametrize("at", [60, 200, 300, 1_000])
def test_a_damaged_file(path: Path, at: int) -> None:
    """Bytes that changed in a compressed array are an error."""
    np.savez_compressed(path, X=X, y=Y)
    content = bytearray(path.read_bytes())
    content[at : at + 8] = bytes(8)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read as \.npz"):
        npz(path)


def test_a_zip_file_of_something_else(path: Path) -> None:
    """A member that is called X but is no array is an error."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("X", "hello")
        archive.writestr("y", "hello")
    with pytest.raises(DataError, match="X is "):
        npz(path)


def test_a_file_that_claims_800_gigabytes(path: Path) -> None:
    """Nothing is set aside for a claim; the message has what is claimed and what is there."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("X.npy", claiming(CLAIM))
        archive.writestr("y.npy", claiming(8))
    with pytest.raises(DataError, match=r"X\.npy claims 800,000,000,000 bytes and holds 8"):
        npz(path)


@pytest.mark.parametrize("name", ["\x1b[2J", "half \ud800", "\u202ea"])
def test_a_class_name_that_cannot_be_shown(path: Path, name: str) -> None:
    """It would command the terminal of whoever reads the report."""
    np.savez(path, X=X, y=np.array(["a", name])[Y % 2])
    with pytest.raises(DataError, match=r"y holds the class name .*; rename it") as caught:
        npz(path)
    assert str(caught.value).isprintable()


def test_a_file_of_another_user(open_path: Path) -> None:
    """A file, and one in a folder, that may not be read."""
    for place in ("closed", "open"):
        (open_path / place).mkdir()
        np.savez(open_path / place / "mine.npz", X=X, y=Y)
    give(open_path)
    (open_path / "closed").chmod(0)
    (open_path / "open" / "mine.npz").chmod(0)
    with somebody_else():
        for place in ("closed", "open"):
            with pytest.raises(InputError, match=r"mine\.npz cannot be read \(Permission denied"):
                npz(open_path / place / "mine.npz")
    (open_path / "closed").chmod(0o700)
