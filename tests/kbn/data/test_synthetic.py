from __future__ import annotations

import numpy as np
import pytest

from kbn.data import split
from kbn.data import synthetic as module
from kbn.data.synthetic import synthetic
from kbn.initialise import he, initialise
from kbn.schedule import triangular
from kbn.train import train


def test_it_has_the_shape_of_cifar10() -> None:
    """Unsigned bytes, 3 x 32 x 32, ten classes of nearly equal size, a sixth for testing."""
    data = synthetic(1_205)
    assert data.X.shape == (1_205, 3_072)
    assert data.X_test.shape == (200, 3_072)
    assert data.X.dtype == data.X_test.dtype == np.uint8
    assert data.image_shape == (3, 32, 32)
    assert set(np.bincount(data.y).tolist()) == {120, 121}
    assert len(data.classes) == 10
    assert data.name == "synthetic:1205"


def test_other_sizes() -> None:
    """Features and classes can be chosen; such features are no images."""
    data = synthetic(100, inputs=7, classes=3)
    assert data.X.shape == (100, 7)
    assert set(data.y.tolist()) == {0, 1, 2}
    assert data.image_shape is None


def test_the_seed_decides() -> None:
    """The same seed gives the same bytes, another one other bytes."""
    assert synthetic(200).fingerprint == synthetic(200).fingerprint
    assert synthetic(200).fingerprint != synthetic(200, seed=1).fingerprint


def test_drawing_in_blocks_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The images do not depend on how many of them are drawn at once."""
    whole = synthetic(200, inputs=48)
    monkeypatch.setattr(module, "BLOCK", 64)
    assert synthetic(200, inputs=48).fingerprint == whole.fingerprint


def test_it_is_learnable_but_not_trivially() -> None:
    """A straight cut gets some of it, a small network clearly more, and neither all."""
    parts = split(synthetic(3_000), validation=600, seed=0, stratified=True)
    X, y = parts.X_train.astype(np.float64), parts.y_train
    ridge = X.T @ np.linalg.solve(X @ X.T + 1e4 * np.eye(len(X)), np.eye(10)[y])
    linear = np.mean((parts.X_validation @ ridge).argmax(axis=1) == parts.y_validation)
    network = initialise(
        inputs=3_072,
        hidden=(50, 50),
        classes=10,
        batch_norm=True,
        init=he(),
        rng=np.random.default_rng(0),
    )
    training = train(
        network,
        parts,
        epochs=6,
        batch_size=50,
        lam=0.005,
        alpha=0.9,
        schedule=triangular(1e-5, 0.1, 2 * 48),
        rng=np.random.default_rng(1),
    )
    accuracy = training.records[-1].validation_accuracy
    assert 0.2 < linear < accuracy - 0.05
    assert accuracy < 0.9
