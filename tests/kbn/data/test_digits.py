from __future__ import annotations

import subprocess
import sys

import numpy as np
from sklearn.datasets import load_digits

from kbn.data.digits import digits


def test_all_digits_are_there() -> None:
    """1,797 images of 8 x 8 pixels, 0 to 16; a fifth is the test part, and a note says so."""
    data = digits()
    assert len(data.y) + len(data.y_test) == 1_797
    assert len(data.y_test) == 359
    assert data.X.shape[1] == 64
    assert data.image_shape == (8, 8)
    assert data.X.dtype == np.uint8
    assert data.X.max() == 16
    assert set(data.y.tolist()) == set(data.y_test.tolist()) == set(range(10))
    assert data.classes == tuple("0123456789")
    assert "359 of 1797" in data.notes[0]


def test_digits_never_change() -> None:
    """The set and its test part are the same on every machine and in every version."""
    assert digits().fingerprint == "9e6732b3e9cf0efe"


def test_they_are_scikit_learns() -> None:
    """The file that is read is the one that scikit-learn reads, and each number is where it was."""
    X, y = load_digits(return_X_y=True)
    data = digits()
    rows = np.column_stack([np.concatenate([data.X, data.X_test]), [*data.y, *data.y_test]])
    assert sorted(map(tuple, rows.tolist())) == sorted(map(tuple, np.column_stack([X, y]).tolist()))


def test_scikit_learn_is_loaded_for_none() -> None:
    """No data set waits for a library that takes a second to load: its file is read, no more."""
    code = "import sys, kbn.data; kbn.data.load('digits'); "
    code += "assert not {'sklearn', 'pandas', 'pooch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
