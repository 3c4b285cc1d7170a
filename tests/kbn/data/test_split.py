from __future__ import annotations

from dataclasses import fields, replace
from importlib import import_module

import jaxtyping
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbn.data import Dataset, Split, sample, split
from kbn.data.split import choose, moments
from kbn.errors import DataError, InputError

N = 60
CLASSES = 4


def numbered() -> Dataset:
    """Return images whose first feature is their number and whose second is constant."""
    rng = np.random.default_rng(0)
    X = np.column_stack([np.arange(N), np.full(N, 0.1), rng.normal(5, 3, size=(N, 3))])
    return Dataset(
        name="numbered",
        title="numbered",
        source="a test",
        X=X,
        y=np.arange(N) % CLASSES,
        X_test=X[:10] + 0.5,
        y_test=np.arange(10) % CLASSES,
        classes=tuple("abcd"),
        image_shape=None,
    )


def numbers(parts: Split, X: np.ndarray) -> list[int]:
    """Return the images' numbers, standardisation undone."""
    found: list[int] = np.rint(X[:, 0] * parts.std[0] + parts.mean[0]).astype(int).tolist()
    return found


@given(
    validation=st.one_of(st.integers(1, N - 2), st.floats(1 / N, 1 - 3 / N)),
    seed=st.integers(0, 2**63),
    stratified=st.booleans(),
)
def test_each_image_is_in_one_part(*, validation: float, seed: int, stratified: bool) -> None:
    """Training and validation images are all images, each once, in order, with their labels."""
    parts = split(numbered(), validation=validation, seed=seed, stratified=stratified)
    train, rest = numbers(parts, parts.X_train), numbers(parts, parts.X_validation)
    assert sorted(train + rest) == list(range(N))
    assert train == sorted(train)
    assert rest == sorted(rest)
    np.testing.assert_array_equal(np.array(train) % CLASSES, parts.y_train)
    np.testing.assert_array_equal(np.array(rest) % CLASSES, parts.y_validation)
    assert len(rest) == (round(validation * N) if validation < 1 else validation)


def test_training_images_are_standardised() -> None:
    """Each feature has mean 0 and (population) standard deviation 1 over the training images."""
    data = numbered()
    parts = split(data, validation=0.25, seed=1, stratified=False, dtype=np.float64)
    train = numbers(parts, parts.X_train)
    moving = [0, 2, 3, 4]
    np.testing.assert_allclose(parts.mean, data.X[train].mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(parts.std[moving], data.X[train].std(axis=0)[moving], rtol=1e-13)
    np.testing.assert_allclose(parts.X_train.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(parts.X_train.std(axis=0)[moving], 1, rtol=1e-13)


def test_the_other_parts_use_the_training_figures() -> None:
    """Validation and test images have no say in the mean and the standard deviation."""
    data = numbered()
    parts = split(data, validation=15, seed=1, stratified=False, dtype=np.float64)
    rest = numbers(parts, parts.X_validation)
    for raw, standardised in (data.X[rest], parts.X_validation), (data.X_test, parts.X_test):
        np.testing.assert_allclose(standardised, (raw - parts.mean) / parts.std, rtol=1e-12)


def test_a_constant_feature_is_exactly_zero() -> None:
    """Nothing is divided by 0, nor by the rounding of a mean."""
    parts = split(numbered(), validation=10, seed=0, stratified=True, dtype=np.float64)
    assert parts.std[1] == 1
    assert not parts.X_train[:, 1].any()
    assert not parts.X_validation[:, 1].any()


@pytest.mark.parametrize("scale", [1e-300, 1e-15, 1.0, 1e15, 1e30])
def test_any_scale_is_finite(scale: float) -> None:
    """Features of any size give finite images without a warning."""
    data = numbered()
    parts = split(
        replace(data, X=data.X * scale, X_test=data.X_test * scale),
        validation=10,
        seed=0,
        stratified=True,
    )
    assert all(np.isfinite(getattr(parts, field.name)).all() for field in fields(parts))


def test_an_image_too_far_away() -> None:
    """An image that the type cannot hold is an error, not an infinite input."""
    data = numbered()
    data.X_test[3, 2] = 1e60
    with pytest.raises(DataError, match=r"[2-5]e\+59 standard deviations away .* for float32"):
        split(data, validation=10, seed=0, stratified=True)


def test_small_features_are_not_taken_for_constant() -> None:
    """What counts is how a feature varies, not its unit."""
    data = numbered()
    small = split(replace(data, X=data.X * 1e-15), validation=10, seed=0, stratified=True)
    usual = split(data, validation=10, seed=0, stratified=True)
    np.testing.assert_allclose(small.X_train[:, 2:], usual.X_train[:, 2:], rtol=1e-5)


@pytest.mark.parametrize("block", [1, 7, 1_000])
def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """Statistics are those of all rows, whatever the size of a block."""
    monkeypatch.setattr(import_module("kbn.data.split"), "BLOCK", block)
    X = np.random.default_rng(0).integers(256, size=(50, 6), dtype=np.uint8)
    rows = np.arange(0, 50, 3)
    mean, std = moments(X, rows)
    np.testing.assert_allclose(mean, X[rows].mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(std, X[rows].std(axis=0), rtol=1e-14)


def test_a_large_mean_does_not_swallow_the_spread() -> None:
    """The standard deviation is exact where squares of the values would cancel."""
    X = 1e9 + np.random.default_rng(0).normal(size=(200, 2))
    _, std = moments(X, np.arange(200))
    np.testing.assert_allclose(std, (X - 1e9).std(axis=0), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_are_ready_for_training(dtype: type) -> None:
    """Images have the type asked for, labels are int64, and all lie in memory in order."""
    parts = split(numbered(), validation=10, seed=0, stratified=True, dtype=dtype)
    for X in (parts.X_train, parts.X_validation, parts.X_test):
        assert X.dtype == dtype
    for y in (parts.y_train, parts.y_validation, parts.y_test):
        assert y.dtype == np.int64
    assert all(getattr(parts, field.name).flags.c_contiguous for field in fields(parts))


@given(
    sizes=st.lists(st.integers(0, 40), min_size=2, max_size=6).filter(lambda s: sum(s) > 3),
    seed=st.integers(0, 100),
    data=st.data(),
)
def test_stratified_classes_keep_their_share(
    sizes: list[int], seed: int, data: st.DataObject
) -> None:
    """Each class has its share of the chosen images, to within one image."""
    y = np.repeat(np.arange(len(sizes)), sizes)
    count = data.draw(st.integers(1, len(y) - 2))
    chosen = choose(y, count, rng=np.random.default_rng(seed), stratified=True)
    assert len(set(chosen.tolist())) == count
    shares = np.bincount(y[chosen], minlength=len(sizes))
    assert np.all(np.abs(shares - np.array(sizes) * count / len(y)) < 1)


def test_the_seed_decides() -> None:
    """The same seed gives the same split, another one another."""

    def rest(seed: int, *, stratified: bool) -> list[int]:
        parts = split(numbered(), validation=10, seed=seed, stratified=stratified)
        return numbers(parts, parts.X_validation)

    for stratified in (False, True):
        assert rest(5, stratified=stratified) == rest(5, stratified=stratified)
        assert rest(5, stratified=stratified) != rest(6, stratified=stratified)


def test_splits_do_not_change_between_versions() -> None:
    """A study is resumed on the images it was begun on."""
    parts = split(numbered(), validation=5, seed=0, stratified=False)
    assert numbers(parts, parts.X_validation) == [10, 15, 20, 31, 55]
    parts = split(numbered(), validation=5, seed=0, stratified=True)
    assert numbers(parts, parts.X_validation) == [4, 12, 18, 33, 55]


@pytest.mark.parametrize(
    "validation", [0, -1, -0.5, 0.001, 0.999, 1.5, N - 1, N, 10**9, float("nan"), float("inf")]
)
def test_a_part_that_cannot_be(validation: float) -> None:
    """Both parts need images, and images cannot be shared: anything else is an error."""
    with pytest.raises(InputError, match=r"^validation .*: choose a whole number from 1 to 58"):
        split(numbered(), validation=validation, seed=0, stratified=True)


def test_annotations_are_executed() -> None:
    """In the tests, an array of another type than its annotation says is an error."""
    with pytest.raises(jaxtyping.TypeCheckError):
        moments(np.zeros((3, 2)), np.zeros(3))


@given(share=st.floats(0.1, 1.0), seed=st.integers(0, 2**63))
def test_a_sample_keeps_each_class_s_share(share: float, seed: int) -> None:
    """Images come with their labels, each at most once, of every class as many, in both parts."""
    whole = replace(numbered(), X_test=numbered().X, y_test=numbered().y)
    some = sample(whole, share, seed=seed)
    for X, y in ((some.X, some.y), (some.X_test, some.y_test)):
        assert len(X) == len(y) == round(share * N)
        chosen = X[:, 0].astype(int)
        assert len(set(chosen)) == len(chosen)
        np.testing.assert_array_equal(y, whole.y[chosen])
        counts = np.bincount(y, minlength=CLASSES)
        assert counts.max() - counts.min() <= 1


def test_a_sample_depends_on_the_seed_alone() -> None:
    """The same seed chooses the same images, another one others."""
    first, again, other = (sample(numbered(), 0.5, seed=seed) for seed in (1, 1, 2))
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_a_sample_too_small_for_its_classes_is_refused() -> None:
    """The message names the scale, the count and the smallest one that works."""
    with pytest.raises(InputError, match=r"^scale 0\.01: 1 of 60 images .* at least 0\.067"):
        sample(numbered(), 0.01, seed=0)
