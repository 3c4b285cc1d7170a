"""What a network answers, and how it is measured."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbn import inference as module
from kbn.errors import InputError
from kbn.inference import BLOCK, confusion_matrix, evaluate, predict, predict_proba, scores
from kbn.network import squared_norm
from tests.kbn.builders import network
from tests.kbn.small import BOTH, PRECISIONS, SEED, WIDTHS, images, plain_scores


@BOTH
@PRECISIONS
@pytest.mark.parametrize("n", [1, BLOCK, 2 * BLOCK + 7])
def test_predictions_and_evaluation(*, batch_norm: bool, dtype: type, n: int) -> None:
    """Labels, loss, cost and accuracy are those of images taken one by one."""
    made = network(WIDTHS, seed=SEED, batch_norm=batch_norm, dtype=dtype)
    exact = network(WIDTHS, seed=SEED, batch_norm=batch_norm)
    X, y = images(n, dtype=dtype)
    before = X.copy()
    S = np.array([plain_scores(exact, x) for x in X.astype(float)])
    labels = predict(made, X)
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(labels, [max(range(3), key=list(s).__getitem__) for s in S])

    found = evaluate(made, X, y, lam=0.01)
    losses = [np.logaddexp.reduce(s) - s[label] for s, label in zip(S, y, strict=True)]
    rel = 1e-12 if dtype is np.float64 else 1e-5
    assert found.loss == pytest.approx(np.mean(losses), rel=rel)
    assert found.loss_error == pytest.approx(np.std(losses) / math.sqrt(n), rel=10 * rel)
    norm = sum(float(w) ** 2 for W in made.W for w in W.ravel())
    assert squared_norm(made) == pytest.approx(norm, rel=rel)
    assert found.cost == pytest.approx(np.mean(losses) + 0.01 * norm, rel=rel)
    np.testing.assert_array_equal(found.correct, labels == y)
    assert found.correct.dtype == bool
    assert found.accuracy == sum(labels == y) / n
    assert found.n == n
    np.testing.assert_array_equal(X, before)


@PRECISIONS
def test_scores_come_in_blocks_of_the_networks_type(dtype: type) -> None:
    """Blocks cover all images once, in order; a float32 network gives float32 scores."""
    made = network(WIDTHS, seed=SEED, batch_norm=True, dtype=dtype)
    X, _ = images(2 * BLOCK + 7, dtype=dtype)
    covered: list[int] = []
    for rows, S in scores(made, X):
        assert S.dtype == dtype
        assert S.shape == (len(X[rows]), 3)
        assert len(S) <= BLOCK
        covered += range(rows.start, rows.stop)
    assert covered == list(range(len(X)))


@pytest.mark.parametrize("block", [1, 7, 1_000])
def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """What a network answers does not depend on the size of a block."""
    made, (X, y) = network(WIDTHS, seed=SEED, batch_norm=True), images(100)
    labels, measured = predict(made, X), evaluate(made, X, y, lam=0.1)
    monkeypatch.setattr(module, "BLOCK", block)
    np.testing.assert_array_equal(predict(made, X), labels)
    assert evaluate(made, X, y, lam=0.1).cost == pytest.approx(measured.cost, rel=1e-13)


def test_no_regularisation() -> None:
    """With λ = 0, cost is loss."""
    X, y = images(20)
    found = evaluate(network(WIDTHS, seed=SEED, batch_norm=True), X, y, lam=0.0)
    assert found.cost == found.loss


def test_no_images() -> None:
    """No images have no labels, and cannot be evaluated on."""
    made, (X, y) = network(WIDTHS, seed=SEED, batch_norm=True), images(1)
    assert predict(made, X[:0]).tolist() == []
    with pytest.raises(InputError, match="no images to evaluate on"):
        evaluate(made, X[:0], y[:0], lam=0.0)


def test_images_of_another_size() -> None:
    """Images need as many features as the network takes."""
    made, (X, y) = network(WIDTHS, seed=SEED, batch_norm=True), images(4)
    with pytest.raises(InputError, match="images have 5 features; the network takes 6"):
        predict(made, X[:, :5])
    with pytest.raises(InputError, match="images have 5 features; the network takes 6"):
        evaluate(made, X[:, :5], y, lam=0.0)


@pytest.mark.parametrize("label", [-1, 3, 200])
def test_labels_that_are_no_classes(label: int) -> None:
    """They are named; −1 is not the last class's score."""
    made, (X, y) = network(WIDTHS, seed=SEED, batch_norm=True), images(4)
    y[1] = label
    message = f"image 1 has label {label}; the network's classes are 0 to 2"
    with pytest.raises(InputError, match=message):
        evaluate(made, X, y, lam=0.0)


@given(
    pairs=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=60),
    more=st.integers(0, 2),
    dtype=st.sampled_from([np.int64, np.int32]),
)
def test_confusion_matrix_counts(pairs: list[tuple[int, int]], more: int, dtype: type) -> None:
    """Rows are true classes, columns predicted ones; classes that never occur count 0."""
    y: np.ndarray = np.array([true for true, _ in pairs], dtype)
    predicted: np.ndarray = np.array([guess for _, guess in pairs], dtype)
    classes = 12 + more
    expected = np.zeros((classes, classes), np.int64)
    for true, guess in pairs:
        expected[true, guess] += 1
    np.testing.assert_array_equal(confusion_matrix(y, predicted, classes), expected)


def test_labels_of_a_small_type_are_counted_right() -> None:
    """The place of a count in the matrix may be larger than the labels' type can hold."""
    y: np.ndarray = np.array([19, 0, 19], np.int8)
    counts = confusion_matrix(y, y, 20)
    assert (counts[0, 0], counts[19, 19], counts.sum()) == (1, 2, 3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_image_without_scores_is_refused(value: float) -> None:
    """A network says so of standardised images, too."""
    made = network(WIDTHS, seed=SEED, batch_norm=False)
    X, _ = images(BLOCK + 9)
    X[BLOCK + 2] = value
    for answer in (predict, predict_proba):
        with pytest.raises(InputError, match=f"image {BLOCK + 2} has no finite scores"):
            answer(made, X)
