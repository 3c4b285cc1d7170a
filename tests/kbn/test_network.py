"""A network as a value: its file, its answers, and how they are measured."""

from __future__ import annotations

import math
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbn import network as module
from kbn.errors import InputError
from kbn.layers import EPS
from kbn.network import (
    BLOCK,
    FORMAT,
    OF_ONE,
    Model,
    Network,
    confusion_matrix,
    evaluate,
    load,
    predict,
    predict_proba,
    save,
    scores,
    squared_norm,
)
from tests.kbn.builders import CLAIM, claiming, network, same_bytes

WIDTHS = (6, 5, 4, 3)
SEED = 5
"""With these weights each class is the answer to many images."""
BOTH = pytest.mark.parametrize("batch_norm", [True, False])
PRECISIONS = pytest.mark.parametrize("dtype", [np.float32, np.float64])


NAMES = np.array(["Äpfel", "b c", ""])


def model(
    *, batch_norm: bool = True, dtype: type = np.float32, labels: np.ndarray | None = None
) -> Model:
    """Return a model of raw images with six features."""
    return Model(
        network=network(WIDTHS, seed=SEED, batch_norm=batch_norm, dtype=dtype),
        mean=np.array([10.0, 20.0, 30.0, 40.0, 50.0, 60.0]),
        std=np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        classes=("Äpfel", "b c", ""),
        labels=NAMES if labels is None else labels,
    )


def images(n: int, *, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Return standardised images and labels."""
    rng = np.random.default_rng(n)
    return rng.standard_normal((n, WIDTHS[0])).astype(dtype), rng.integers(WIDTHS[-1], size=n)


def plain_scores(made: Network, x: np.ndarray) -> np.ndarray:
    """Return the scores of one image, in inference mode, without blocks and factors."""
    h = x
    for l, (W, b) in enumerate(zip(made.W, made.b, strict=True)):
        if l > 0:
            h = np.array([max(value, 0.0) for value in h])
        h = np.array([h @ column for column in W.T]) + b
        if made.batch_norm and l < len(made.gamma):
            h = made.gamma[l] * (h - made.mu[l]) / np.sqrt(made.var[l] + EPS) + made.beta[l]
    return h


# Form


@BOTH
def test_form(*, batch_norm: bool) -> None:
    """Widths and the kind of network are read off the arrays; each array has a name."""
    made = network(WIDTHS, seed=SEED, batch_norm=batch_norm)
    assert made.widths == WIDTHS
    assert made.hidden == (5, 4)
    assert made.batch_norm == batch_norm
    names = ["W1", "W2", "W3", "b1", "b2", "b3"]
    if batch_norm:
        names += [f"{kind}{layer}" for kind in ("gamma", "beta", "mu", "var") for layer in (1, 2)]
    assert list(made.arrays()) == names
    assert made.arrays()["W2"] is made.W[1]


@BOTH
def test_arrays_make_the_network_again(*, batch_norm: bool) -> None:
    """`from_arrays` undoes `arrays`, also with ten layers and more, whatever else is there."""
    made = network((2,) * 13, batch_norm=batch_norm)
    again = Network.from_arrays({"mean": np.zeros(3), **made.arrays(), "W": np.zeros(1)})
    assert same_bytes(again, made)


@pytest.mark.parametrize(
    "without", ["W1", "W2", "W3", "b2", "b3", "gamma1", "beta2", "mu2", "var1"]
)
def test_a_missing_array(without: str) -> None:
    """A network without one of its arrays is refused."""
    arrays = network(WIDTHS, seed=SEED, batch_norm=True).arrays()
    del arrays[without]
    with pytest.raises(InputError, match="these arrays do not make a network"):
        Network.from_arrays(arrays)


def test_no_hidden_layer() -> None:
    """A single affine layer is no network of ours, and neither is nothing."""
    arrays = network(WIDTHS, seed=SEED, batch_norm=False).arrays()
    for some in ({}, {name: arrays[name] for name in ("W1", "b1")}):
        with pytest.raises(InputError, match="these arrays do not make a network"):
            Network.from_arrays(some)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("W2", np.zeros((5, 3))),
        ("W2", np.zeros((4, 4))),
        ("W3", np.zeros((4, 3), np.float32)),
        ("b1", np.zeros(4)),
        ("b3", np.zeros((3, 1))),
        ("gamma1", np.zeros(6)),
        ("beta2", np.zeros(4, np.int64)),
        ("mu1", np.zeros(())),
        ("var2", np.zeros((4, 4))),
        ("W1", np.zeros(6)),
        ("W2", np.zeros(())),
    ],
)
def test_an_array_that_does_not_fit(name: str, array: np.ndarray) -> None:
    """Shapes and types have to fit together; anything else is refused in one line."""
    arrays = network(WIDTHS, seed=SEED, batch_norm=True).arrays()
    with pytest.raises(InputError) as error:
        Network.from_arrays({**arrays, name: array})
    assert "\n" not in str(error.value)


# Answers


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


# Models and their files


@BOTH
@PRECISIONS
def test_a_file_loses_nothing(tmp_path: Path, *, batch_norm: bool, dtype: type) -> None:
    """A model read back has the same arrays, to the bit, and gives the same answers."""
    made, path = model(batch_norm=batch_norm, dtype=dtype), tmp_path / "modèle.npz"
    save(path, made)
    again = load(path)
    assert same_bytes(again.network, made.network)
    np.testing.assert_array_equal(again.mean, made.mean)
    np.testing.assert_array_equal(again.std, made.std)
    assert (again.mean.dtype, again.std.dtype) == (made.mean.dtype, made.std.dtype)
    assert again.classes == made.classes
    assert {type(name) for name in again.classes} == {str}
    assert again.labels is not None
    assert again.labels.tolist() == NAMES.tolist()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """What would need a pickle is not saved; the model that was there stays, and nothing else."""
    path = tmp_path / "model.npz"
    save(path, model())
    before = path.read_bytes()
    unfit = model()
    object.__setattr__(unfit, "mean", np.array([object()]))
    with pytest.raises(ValueError, match="allow_pickle"):
        save(path, unfit)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@PRECISIONS
def test_a_model_takes_raw_images(dtype: type) -> None:
    """Images of any shape and type are standardised and answered with class names."""
    made = model(dtype=dtype)
    rng = np.random.default_rng(0)
    raw = rng.normal(made.mean, made.std, size=(40, 6)).astype(np.uint8).reshape(40, 3, 2, 1)
    expected: list[str] = []
    for image in raw:
        x = [(float(v) - m) / s for v, m, s in zip(image.flat, made.mean, made.std, strict=True)]
        expected.append(made.classes[int(np.argmax(plain_scores(made.network, np.array(x))))])
    assert made.predict(raw).tolist() == expected
    assert made.predict(raw.reshape(40, 6).astype(float)).tolist() == expected
    assert made.predict(raw.reshape(40, 6).tolist()).tolist() == expected
    assert set(expected) == set(made.classes)


@pytest.mark.parametrize("features", [1, 5, 7])
def test_a_model_refuses_images_of_another_size(features: int) -> None:
    """Raw images need as many features as the network takes; one is not taken for all."""
    with pytest.raises(InputError, match=f"{features} features"):
        model().predict(np.zeros((4, features)))


def test_a_model_of_no_images() -> None:
    """No images have no names."""
    assert model().predict(np.zeros((0, 6))).tolist() == []
    assert model().predict_proba(np.zeros((0, 6))).shape == (0, 3)


LABELS = (
    np.array([0, 1, 2], np.int32),
    np.array([5, 7, 9], np.uint8),
    np.array([0.0, 1.0, 2.0], np.float32),
    np.array([b"ant", b"bee", b"cow"]),
    np.array(["ant", "bee", "cow"]),
)


@pytest.mark.parametrize("labels", LABELS, ids=lambda labels: labels.dtype.str)
def test_labels_come_back_as_given(tmp_path: Path, labels: np.ndarray) -> None:
    """A model answers with its owner's labels, type included, also once it was a file."""
    made, raw = model(labels=labels), np.random.default_rng(0).normal(30, 20, (40, 6))
    answers = made.predict(raw)
    assert answers.dtype == labels.dtype
    np.testing.assert_array_equal(answers, labels[made.predict_proba(raw).argmax(axis=1)])
    save(tmp_path / "model.npz", made)
    again = load(tmp_path / "model.npz").predict(raw)
    assert again.dtype == labels.dtype
    np.testing.assert_array_equal(again, answers)


def test_a_model_without_labels_of_its_own_counts(tmp_path: Path) -> None:
    """It answers with the numbers that networks are trained with, and so does its file."""
    made, raw = replace(model(), labels=None), np.random.default_rng(0).normal(30, 20, (40, 6))
    save(tmp_path / "model.npz", made)
    for each in (made, load(tmp_path / "model.npz")):
        answers = each.predict(raw)
        assert answers.dtype == np.int64
        np.testing.assert_array_equal(NAMES[answers], model().predict(raw))


def test_a_file_from_before_there_were_labels(tmp_path: Path) -> None:
    """It is read, and answers with the classes' names, as it did."""
    path, arrays = tmp_path / "model.npz", contents()
    del arrays["labels"]
    np.savez(path, **arrays)
    raw = np.random.default_rng(0).normal(30, 20, (40, 6))
    np.testing.assert_array_equal(load(path).predict(raw), model().predict(raw))


@PRECISIONS
def test_probabilities(dtype: type) -> None:
    """They are the softmax of the scores, one row an image, also where scores are far apart."""
    made = model(dtype=dtype)
    rng = np.random.default_rng(0)
    X = np.vstack([rng.standard_normal((BLOCK + 3, 6)), 1e6 * rng.standard_normal((3, 6))])
    P = made.predict_proba(X * made.std + made.mean)
    exact = network(WIDTHS, seed=SEED, batch_norm=True)
    S = np.array([plain_scores(exact, x) for x in X])
    expected = np.exp(S - np.logaddexp.reduce(S, axis=1)[:, np.newaxis])
    np.testing.assert_allclose(P, expected, atol=1e-12 if dtype is np.float64 else 1e-4)
    assert P.dtype == dtype


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e200])
def test_an_image_that_is_none_is_refused(value: float) -> None:
    """NaN, infinity and what overflows on the way are named; they are not of class 0."""
    raw = np.full((4, 6), 30.0)
    raw[2, 1] = value
    for answer in (model().predict, model().predict_proba):
        with pytest.raises(InputError, match=r"1 of 4 images hold NaN.*the first is image 2;"):
            answer(raw)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_image_without_scores_is_refused(value: float) -> None:
    """A network says so of standardised images, too."""
    made = network(WIDTHS, seed=SEED, batch_norm=False)
    X, _ = images(BLOCK + 9)
    X[BLOCK + 2] = value
    for answer in (predict, predict_proba):
        with pytest.raises(InputError, match=f"image {BLOCK + 2} has no finite scores"):
            answer(made, X)


@pytest.mark.parametrize("raw", [np.zeros(6), np.array([["a"] * 6]), [[None] * 6]])
def test_what_is_no_images_is_refused(raw: Any) -> None:
    """A single image without its row, and texts, get one line."""
    with pytest.raises(InputError, match="one row an image"):
        model().predict(raw)


@pytest.mark.parametrize("name", ["best.model", "best", "best.npz.bak"])
def test_a_file_of_any_name(tmp_path: Path, name: str) -> None:
    """What the name ends with does not matter, and a path may be a text."""
    path = str(tmp_path / name)
    save(path, model())
    assert same_bytes(load(path).network, model().network)
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    "change",
    [{"classes": ("a",)}, {"mean": np.zeros(5), "std": np.ones(5)}, {"labels": np.arange(4)}],
)
def test_a_model_that_does_not_fit_its_network(change: dict[str, Any]) -> None:
    """Figures and classes are one each of what the network has."""
    with pytest.raises(InputError, match=f"{next(iter(change))}: . were given; the network has"):
        replace(model(), **change)


def contents(**changes: np.ndarray) -> dict[str, Any]:
    """Return the arrays of a model's file, with some of them changed."""
    made = model()
    return {
        **made.network.arrays(),
        "format": np.array(OF_ONE),
        "mean": made.mean,
        "std": made.std,
        "classes": np.array(made.classes),
        "labels": NAMES,
        **changes,
    }


def test_the_layout(tmp_path: Path) -> None:
    """The file is a `.npz` of these names, which other programs may read and write."""
    save(tmp_path / "ours.npz", model())
    with np.load(tmp_path / "ours.npz") as archive:
        assert {name: archive[name].tolist() for name in archive} == {
            name: array.tolist() for name, array in contents().items()
        }
    np.savez_compressed(tmp_path / "theirs.npz", **contents())
    assert same_bytes(load(tmp_path / "theirs.npz").network, model().network)


@pytest.mark.parametrize("version", [0, FORMAT + 1, -1])
def test_another_format(tmp_path: Path, version: int) -> None:
    """A newer format is named, and so are the formats that can be read."""
    path = tmp_path / "model.npz"
    np.savez(path, **contents(format=np.array(version)))
    with pytest.raises(InputError, match=f"has format {version}; this version reads 1 to {FORMAT}"):
        load(path)


def write_npy(path: Path) -> None:
    """Write a single array."""
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def write_truncated(path: Path) -> None:
    """Write half a model."""
    save(path, model())
    path.write_bytes(path.read_bytes()[:900])


def write_pickle(path: Path) -> None:
    """Write an archive with a pickled object in it."""
    np.savez(path, **contents(W1=np.array([{}])))


@pytest.mark.parametrize(
    "write",
    [
        lambda path: None,
        lambda path: path.mkdir(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("no archive"),
        lambda path: path.write_bytes(pickle.dumps({"W1": 1})),
        write_npy,
        write_truncated,
        write_pickle,
        lambda path: np.savez(path, X=np.zeros((3, 2)), y=np.zeros(3)),
        lambda path: np.savez(path, **contents(format=np.array("one"))),
        lambda path: np.savez(path, **contents(format=np.ones(2))),
        lambda path: np.savez(path, **contents(W2=np.zeros(3))),
        lambda path: np.savez(path, **contents(mean=np.zeros(5))),
        lambda path: np.savez(path, **contents(std=np.zeros((2, 3)))),
        lambda path: np.savez(path, **contents(classes=np.array(["a", "b"]))),
        lambda path: np.savez(path, **contents(labels=np.arange(4))),
    ],
    ids=[
        "missing",
        "folder",
        "empty",
        "text",
        "pickle",
        "npy",
        "truncated",
        "object array",
        "other arrays",
        "format of letters",
        "two formats",
        "flat weights",
        "short mean",
        "std of another shape",
        "too few classes",
        "too many labels",
    ],
)
def test_a_file_that_is_no_model(tmp_path: Path, write: Callable[[Path], None]) -> None:
    """Whatever is in the file, the answer is an error of one line that names it."""
    path = tmp_path / "model.npz"
    write(path)
    with pytest.raises(InputError) as error:
        load(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("without", ["mean", "std", "classes", "format", "W3"])
def test_a_file_without_one_of_its_arrays(tmp_path: Path, without: str) -> None:
    """A model needs all its arrays."""
    path, arrays = tmp_path / "model.npz", contents()
    del arrays[without]
    np.savez(path, **arrays)
    with pytest.raises(InputError):
        load(path)


def test_damage_does_not_pass(tmp_path: Path) -> None:
    """With any one byte of the file changed, the model is refused or the same.

    Every 23rd is tried: several in each array's header and contents.
    """
    path = tmp_path / "model.npz"
    save(path, model())
    whole, before = path.read_bytes(), model()
    for place in range(0, len(whole), 23):
        damaged = bytearray(whole)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            found = load(path)
        except InputError:
            continue
        assert same_bytes(found.network, before.network)
        np.testing.assert_array_equal(found.mean, before.mean)
        np.testing.assert_array_equal(found.std, before.std)
        assert found.classes == before.classes


def test_a_model_of_somebody_else(tmp_path: Path) -> None:
    """A folder, and an array that claims 800 GB, are one line."""
    with pytest.raises(InputError, match="is missing, or no file"):
        load(tmp_path)
    with zipfile.ZipFile(tmp_path / "model.npz", "w") as archive:
        archive.writestr("W1.npy", claiming(CLAIM))
    with pytest.raises(InputError, match=r"W1\.npy claims 800,000,000,000 bytes and holds 8"):
        load(tmp_path / "model.npz")
