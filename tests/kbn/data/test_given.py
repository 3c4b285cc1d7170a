"""Data that are given in Python."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from kbn.data import given, load
from kbn.errors import DataError

N = 40
X = np.random.default_rng(0).normal(size=(N, 3, 2))
Y = np.arange(N) % 4
FRAME = pd.DataFrame(X.reshape(N, 6), columns=list("abcdef"))

FORMS: dict[str, Any] = {
    "arrays": (X, Y),
    "lists": [X.tolist(), Y.tolist()],
    "frames": (FRAME, pd.Series(Y)),
    "a column of labels": (X, Y[:, None]),
}


@pytest.mark.parametrize("value", FORMS.values(), ids=FORMS)
def test_forms_of_the_same_data(value: Any, tmp_path: Path) -> None:
    """All have one fingerprint, which is that of a file of them."""
    np.savez(tmp_path / "mine.npz", X=X, y=Y)
    data = given(value)
    assert data.fingerprint == load(f"npz:{tmp_path / 'mine.npz'}").fingerprint
    assert data.name == "arrays"
    assert len(data.y_test) == 8


def test_a_frame_with_its_target() -> None:
    """The column is taken out of the features."""
    data = given(FRAME.assign(kind=Y), "kind")
    assert data.X.shape[1] == 6
    assert data.fingerprint == given((FRAME, Y)).fingerprint
    with pytest.raises(DataError, match="name the column of labels"):
        given(FRAME)


@pytest.mark.parametrize("value", [(X, Y, X[:5], Y[:5]), ((X, Y), (X[:5], Y[:5]))])
def test_with_a_test_part(value: Any) -> None:
    """Four arrays, or two pairs of them."""
    data = given(value)
    np.testing.assert_array_equal(data.X_test, X[:5].reshape(5, 6))
    np.testing.assert_array_equal(data.y_test, Y[:5])
    assert data.image_shape == (3, 2)


@pytest.mark.parametrize(
    "labels", [np.array([3, 5, 9, -2]), np.array(["d", "a", "c", "b"]), np.array([1.0, 2, 3, 4])]
)
def test_the_note_makes_the_file(labels: np.ndarray, tmp_path: Path, monkeypatch: Any) -> None:
    """What the report says of how to keep the data, run, makes a file of the same data."""
    y = labels[Y]
    data = given((X, y, X[:5], y[:5]))
    assert data.labels is not None
    assert data.labels.tolist() == sorted(labels.tolist())
    monkeypatch.chdir(tmp_path)
    (note,) = data.notes
    code = note[note.index("np.savez") :].removesuffix(".")
    exec(code, {"np": np, "X": X, "y": y, "X_test": X[:5], "y_test": y[:5]})  # noqa: S102
    assert load("npz:arrays.npz").fingerprint == data.fingerprint


def test_a_data_set_is_taken_as_it_is() -> None:
    """One that was loaded, or made, keeps its name."""
    digits = load("digits")
    assert given(digits) is digits


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "labels beyond its classes": ({"classes": ("a", "b")}, "int64 from 0 to 1"),
    "labels of another type": ({"y": load("digits").y.astype(np.uint8)}, "y is uint8"),
    "images with dimensions": ({"X": load("digits").X.reshape(-1, 8, 8)}, "one row an image"),
    "whole numbers": ({"X": load("digits").X.astype(int)}, "X is int64"),
    "lengths": ({"y": load("digits").y[1:]}, "make them equal"),
    "features": ({"X_test": load("digits").X_test[:, 1:]}, "differ in features"),
    "no test part": ({"X_test": load("digits").X[:0]}, r"X_test is uint8 of shape \(0, 64\)"),
    "a name": ({"name": "a\nb"}, "name is"),
}


@pytest.mark.parametrize(("changed", "message"), WRONG.values(), ids=WRONG)
def test_a_data_set_that_is_none(changed: dict[str, Any], message: str) -> None:
    """What training would stumble over is said at once."""
    with pytest.raises(DataError, match=message):
        given(replace(load("digits"), **changed))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (X, r"data is a ndarray: give \(X, y\)"),
        ((X,), r"data is a tuple: give"),
        (None, "data is a NoneType"),
        ((X, Y[1:]), "X has 40 rows and y 39"),
        ((csr_matrix(X.reshape(N, 6)), Y), "numbers with one row an image"),
        (([[1.0], [1.0, 2.0]], [0, 1]), "X is no array"),
        ((X, Y + 0.5), "no whole numbers"),
        ((FRAME.assign(a="x"), Y), "column 'a' holds"),
    ],
    ids=str,
)
def test_what_is_no_data(value: Any, message: str) -> None:
    """Each is an error of one line; no array is printed."""
    with pytest.raises(DataError, match=message) as caught:
        given(value)
    assert len(str(caught.value)) < 300
