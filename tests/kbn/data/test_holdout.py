from __future__ import annotations

import dataclasses

import numpy as np

from kbn.data import Dataset
from kbn.data.holdout import hold_out


def whole(n: int) -> Dataset:
    """Return `n` numbered images of three classes and no test part."""
    return Dataset(
        name="whole",
        title="whole",
        source="a test",
        X=np.arange(n, dtype=np.float64)[:, None],
        y=np.arange(n) % 3,
        X_test=np.empty((0, 1)),
        y_test=np.empty(0, np.int64),
        classes=("a", "b", "c"),
        image_shape=None,
    )


def test_a_fifth_of_each_class_is_held_out() -> None:
    """Each image is in one part, labels stay with their images, each class has its share."""
    data = hold_out(whole(60))
    assert sorted([*data.X.ravel(), *data.X_test.ravel()]) == list(range(60))
    assert np.bincount(data.y_test).tolist() == [4, 4, 4]
    np.testing.assert_array_equal(data.X_test.ravel() % 3, data.y_test)
    np.testing.assert_array_equal(data.X.ravel() % 3, data.y)


def test_the_part_is_always_the_same() -> None:
    """No seed of a study has a say in which images are test images."""
    assert hold_out(whole(60)).fingerprint == hold_out(whole(60)).fingerprint


def test_notes_are_kept() -> None:
    """The note on the test part comes after those that were there."""
    data = hold_out(dataclasses.replace(whole(60), notes=("first",)))
    assert data.notes[0] == "first"
    assert "12 of 60 images" in data.notes[1]
