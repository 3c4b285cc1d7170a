from __future__ import annotations

import subprocess
import sys

import numpy as np

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


def test_scikit_learn_is_loaded_for_digits_alone() -> None:
    """Importing the package does not wait for a library that other data sets do not need."""
    code = "import sys, kbn.data; assert not {'sklearn', 'pooch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
