"""A model: raw images in, labels out; and its file."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kbn.errors import InputError
from kbn.inference import BLOCK
from kbn.model import FORMAT, OF_ONE, Model, load, save
from tests.kbn.builders import CLAIM, claiming, network, same_bytes
from tests.kbn.small import BOTH, PRECISIONS, SEED, WIDTHS, plain_scores

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


LABELS = (
    np.array([0, 1, 2], np.int32),
    np.array([5, 7, 9], np.uint8),
    np.array([0.0, 1.0, 2.0], np.float32),
    np.array([b"ant", b"bee", b"cow"]),
    np.array(["ant", "bee", "cow"]),
)


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
