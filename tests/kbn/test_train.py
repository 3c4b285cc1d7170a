"""The training loop: reproducible, epoch by epoch, and honest about how it ended."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbn import train_pack as module
from kbn.epoch import EpochRecord
from kbn.errors import InputError
from kbn.inference import evaluate, predict
from kbn.layers import EPS
from kbn.network import Network, squared_norm
from kbn.pack import Pack
from kbn.schedule import constant, triangular
from kbn.step import step
from kbn.train import train, train_epochs
from kbn.train_pack import copy
from kbn.training import Status, Training
from kbn.workspace import Workspace
from tests.kbn.builders import Parts, copied, easy, network, one_step, same_bytes

WIDTHS = (5, 6, 4, 3)
BOTH = pytest.mark.parametrize("batch_norm", [True, False])
PRECISIONS = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def options(**changes: Any) -> dict[str, Any]:
    """Return the settings of a short training, with some of them changed."""
    return {
        "epochs": 3,
        "batch_size": 16,
        "lam": 0.01,
        "alpha": 0.9,
        "schedule": triangular(0.01, 0.3, 10),
        "rng": np.random.default_rng(3),
        **changes,
    }


def trained(parts: Parts | None = None, *, batch_norm: bool = True, **changes: Any) -> Training:
    """Train a small network on easy images."""
    dtype = changes.pop("dtype", np.float64)
    made = network(WIDTHS, batch_norm=batch_norm, dtype=dtype)
    return train(made, parts or easy(dtype=dtype), **options(**changes))


def timeless(records: tuple[EpochRecord, ...]) -> list[EpochRecord]:
    """Return records without their wall time."""
    return [replace(record, seconds=0.0) for record in records]


def numbered(n: int) -> Parts:
    """Return images each of which holds its own number, to be recognised by."""
    parts = easy(n)
    X = parts.X_train.copy()
    X[:, 0] = np.arange(n)
    return replace(parts, X_train=X)


Steps = list[tuple[list[int], float, float]]
"""Each step's images (of `numbered`), η and α."""


def watch(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Return a list that fills while a training runs."""
    steps: Steps = []

    def watched(pack: Pack, work: Workspace, **rates: Any) -> np.ndarray:
        (eta,) = rates["eta"]
        steps.append((work.X[:, 0].astype(int).tolist(), eta, rates["alpha"]))
        return step(pack, work, **rates)

    monkeypatch.setattr(module, "step", watched)
    return steps


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Return what the test's trainings do, step by step."""
    return watch(monkeypatch)


# Reproducible


@BOTH
@PRECISIONS
def test_the_seed_decides(*, batch_norm: bool, dtype: type) -> None:
    """The same seed gives the same records and the same bytes; another one does not."""
    one, same, other = (
        trained(batch_norm=batch_norm, dtype=dtype, rng=np.random.default_rng(seed))
        for seed in (3, 3, 4)
    )
    assert same_bytes(one.network, same.network)
    assert timeless(one.records) == timeless(same.records)
    assert not same_bytes(one.network, other.network)
    assert timeless(one.records) != timeless(other.records)


def test_nothing_that_is_given_changes() -> None:
    """A copy of the network is trained; images and labels stay as they were."""
    made, parts = network(WIDTHS, batch_norm=True), easy()
    before, images = copied(made), [array.copy() for array in vars(parts).values()]
    result = train(made, parts, **options())
    assert same_bytes(made, before)
    assert not same_bytes(result.network, made)
    for now, then in zip(vars(parts).values(), images, strict=True):
        np.testing.assert_array_equal(now, then)


@BOTH
def test_a_copy_is_a_network_of_its_own(*, batch_norm: bool) -> None:
    """A copy has the same bytes elsewhere in memory."""
    made = network(WIDTHS, batch_norm=batch_norm)
    other = copy(made)
    assert same_bytes(other, made)
    for one, another in zip(made.arrays().values(), other.arrays().values(), strict=True):
        assert not np.shares_memory(one, another)


@BOTH
def test_training_is_a_loop_over_steps(*, batch_norm: bool) -> None:
    """The result is that of plain steps over permuted images, with the schedule's rates."""
    parts, eta = easy(50), triangular(0.01, 0.3, 10)
    result = trained(parts, batch_norm=batch_norm)
    expected, rng = network(WIDTHS, batch_norm=batch_norm), np.random.default_rng(3)
    done = 0
    for _ in range(3):
        order = rng.permutation(50)
        for rows in (order[:16], order[16:32], order[32:48]):
            alpha = 0.9 if done else 0.0
            X, y = parts.X_train[rows], parts.y_train[rows]
            one_step(expected, X, y, eta=eta(done), lam=0.01, alpha=alpha)
            done += 1
    assert same_bytes(result.network, expected)


# Batches


@settings(max_examples=25)
@given(n=st.integers(2, 40), data=st.data())
def test_each_epoch_is_a_permutation(n: int, data: st.DataObject) -> None:
    """In an epoch each image is seen at most once; less than a batch of them is left out."""
    batch_size = data.draw(st.integers(2, n))
    with pytest.MonkeyPatch.context() as monkeypatch:
        steps = watch(monkeypatch)
        trained(numbered(n), batch_size=batch_size, schedule=constant(0.001, 0.001, 2))
    whole = n // batch_size
    assert len(steps) == 3 * whole
    for epoch in range(3):
        batches = [images for images, _, _ in steps[epoch * whole : (epoch + 1) * whole]]
        assert {len(images) for images in batches} == {batch_size}
        images = [number for batch in batches for number in batch]
        assert len(set(images)) == len(images) > n - batch_size
        assert set(images) <= set(range(n))


def test_orders_are_fresh(seen: Steps) -> None:
    """Each epoch has another order, and none of them is the images' own."""
    trained(numbered(64), epochs=4, schedule=constant(0.001, 0.001, 2))
    every = np.array([images for images, _, _ in seen])
    orders = every.reshape(4, 64).tolist()
    assert len({tuple(order) for order in [*orders, list(range(64))]}) == 5
    for order in orders:
        assert sorted(order) == list(range(64))


def test_those_left_over_wait_for_another_epoch(seen: Steps) -> None:
    """Of 10 images 2 do not fit in batches of 4; in the end every image has been seen."""
    trained(numbered(10), epochs=30, batch_size=4, schedule=constant(0.001, 0.001, 2))
    times = np.bincount([number for images, _, _ in seen for number in images], minlength=10)
    assert times.sum() == 30 * 8
    assert times.min() >= 15
    assert times.max() <= 30


def test_labels_go_with_their_images() -> None:
    """Images whose only feature is their label are learnt whatever the order."""
    y = np.arange(60) % 3
    X = np.eye(3, 5)[y]
    result = trained(Parts(X, y, X, y), epochs=30)
    assert result.records[-1].validation_accuracy == 1.0


def test_rates_and_averages_of_each_step(seen: Steps) -> None:
    """The n-th step has the schedule's n-th rate; averages start from the first batch."""
    eta = triangular(0.01, 0.3, 10)
    trained(numbered(50), alpha=0.7)
    assert [rate for _, rate, _ in seen] == [eta(n) for n in range(9)]
    assert [alpha for _, _, alpha in seen] == [0.0] + 8 * [0.7]


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_averages_start_from_the_first_batch(alpha: float) -> None:
    """What the averages were before has no weight."""
    made, parts = network(WIDTHS, batch_norm=True), easy()
    other = copied(made)
    for array in (*other.mu, *other.var):
        array[...] = 1e6
    one = train(made, parts, **options(alpha=alpha))
    two = train(other, parts, **options(alpha=alpha))
    assert same_bytes(one.network, two.network)


def test_the_batch_may_be_the_whole_set() -> None:
    """A batch of all training images makes one step an epoch."""
    assert [record.step for record in trained(easy(30), batch_size=30).records] == [1, 2, 3]


# Records


@BOTH
@PRECISIONS
def test_records_hold_what_was_measured(*, batch_norm: bool, dtype: type) -> None:
    """Each field is what it says, measured on the network as it was at the epoch's end."""
    parts, eta = easy(100, 30, dtype=dtype), triangular(0.01, 0.3, 10)
    heard: list[EpochRecord] = []
    result = train(
        network(WIDTHS, batch_norm=batch_norm, dtype=dtype),
        parts,
        **options(),
        observer=heard.append,
    )
    assert result.status is Status.COMPLETED
    assert tuple(heard) == result.records
    assert [record.epoch for record in heard] == [1, 2, 3]
    assert [record.step for record in heard] == [6, 12, 18]
    assert [record.eta for record in heard] == [eta(5), eta(11), eta(17)]
    for epochs, record in enumerate(heard, start=1):
        then = trained(parts, batch_norm=batch_norm, dtype=dtype, epochs=epochs)
        validation = evaluate(then.network, parts.X_validation, parts.y_validation, lam=0.01)
        assert record.validation_loss == validation.loss
        assert record.validation_cost == validation.cost
        right = predict(then.network, parts.X_validation) == parts.y_validation
        assert record.validation_accuracy == sum(right) / 30
        assert record.train_cost == record.train_loss + 0.01 * squared_norm(then.network)
        assert record.seconds >= 0.0


@BOTH
@PRECISIONS
def test_scales_of_the_layers(*, batch_norm: bool, dtype: type) -> None:
    """Each epoch's record has the scales of its last batch, as its step met them.

    With one batch an epoch that batch is the whole training set, and the step's network that of
    the epoch before. The derivatives are imaginary differences of a cost written here.
    """
    parts = easy(30, dtype=dtype)
    settings: dict[str, Any] = {"batch_norm": batch_norm, "dtype": dtype, "batch_size": 30}
    record = trained(parts, epochs=3, **settings).records[-1]
    before = trained(parts, epochs=2, **settings).network
    activations, derivatives = by_differences(before, parts.X_train, parts.y_train)
    accuracy = 1e-10 if dtype is float else 1e-3
    expected = [float(np.sqrt(np.mean((H - H.mean()) ** 2))) for H in activations]
    assert record.activation_std == pytest.approx(expected, rel=accuracy)
    expected = [float(np.sqrt(np.mean((G - G.mean()) ** 2))) for G in derivatives]
    assert record.gradient_std == pytest.approx(expected, rel=accuracy)
    assert {type(value) for value in record.activation_std + record.gradient_std} == {float}


def by_differences(
    made: Network, X: np.ndarray, y: np.ndarray
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the hidden layers' activations and the loss's derivatives by their H W + b."""
    W, b, gamma, beta = (
        [array.astype(float) for array in part] for part in (made.W, made.b, made.gamma, made.beta)
    )

    def forward(moved: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        H, activations = X.astype(complex), []
        for l, shift in enumerate(moved):
            A = H @ W[l] + b[l] + shift
            if made.batch_norm:
                A = A - A.mean(axis=0)
                A = gamma[l] * A / np.sqrt((A * A).mean(axis=0) + EPS) + beta[l]
            H = np.where(A.real > 0, A, 0)
            activations.append(H.real)
        S = H @ W[-1] + b[-1]
        total = np.log(np.exp(S).sum(axis=1))
        return (total - S[np.arange(len(y)), y]).mean(), activations

    shifts = [np.zeros((len(X), width), complex) for width in made.hidden]
    found = [np.empty(shift.shape) for shift in shifts]
    for shift, result in zip(shifts, found, strict=True):
        for index in np.ndindex(shift.shape):
            shift[index] = 1e-30j
            result[index] = forward(shifts)[0].imag / 1e-30
            shift[index] = 0
    return forward(shifts)[1], found


def test_train_figures_are_of_as_many_images_as_validation() -> None:
    """Of 100 training images 30 are measured, spread evenly from the first to the last."""
    parts = easy(100, 30)
    result = trained(parts)
    places = [int(i * 99 / 29) for i in range(30)]
    found = evaluate(result.network, parts.X_train[places], parts.y_train[places], lam=0.01)
    assert result.records[-1].train_cost == pytest.approx(found.cost, rel=1e-12)
    assert result.records[-1].train_loss == pytest.approx(found.loss, rel=1e-12)
    assert result.records[-1].train_accuracy == found.accuracy


def test_a_small_training_set_is_measured_whole() -> None:
    """When the validation set is larger, every training image is measured once."""
    parts = easy(40, 90)
    result = trained(parts)
    found = evaluate(result.network, parts.X_train, parts.y_train, lam=0.01)
    assert result.records[-1].train_cost == pytest.approx(found.cost, rel=1e-12)
    assert result.records[-1].train_accuracy == found.accuracy


def test_measuring_does_not_disturb() -> None:
    """Training is the same, however it is measured and observed."""
    parts = easy()
    fewer = replace(parts, X_validation=parts.X_validation[:3], y_validation=parts.y_validation[:3])
    assert same_bytes(trained(parts).network, trained(fewer).network)


def test_epochs_can_be_taken_one_by_one() -> None:
    """The generator yields the records as they come, and its value is what `train` returns."""

    def outer() -> Generator[EpochRecord, None, Training]:
        return (yield from train_epochs(network(WIDTHS, batch_norm=True), easy(), **options()))

    epochs, records = outer(), []
    while True:
        try:
            records.append(next(epochs))
        except StopIteration as end:
            result: Training = end.value
            break
    assert tuple(records) == result.records
    expected = trained()
    assert timeless(result.records) == timeless(expected.records)
    assert same_bytes(result.network, expected.network)


def test_an_observer_may_stop_the_training() -> None:
    """What an observer raises ends the training and is not swallowed."""

    def observer(record: EpochRecord) -> None:
        if record.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(network(WIDTHS, batch_norm=True), easy(), **options(), observer=observer)


def test_an_observers_stop_iteration_is_not_the_end() -> None:
    """An observer's own StopIteration is an error like any other, not the training's result."""

    def observer(record: EpochRecord) -> None:
        next(iter(()))

    with pytest.raises((StopIteration, RuntimeError)):
        train(network(WIDTHS, batch_norm=True), easy(), **options(), observer=observer)


def test_no_epochs() -> None:
    """Without epochs the network comes back as it was, in a copy."""
    made = network(WIDTHS, batch_norm=True)
    result = train(made, easy(), **options(epochs=0))
    assert result.status is Status.COMPLETED
    assert result.records == ()
    assert same_bytes(result.network, made)


# Ends


@PRECISIONS
def test_divergence(dtype: type) -> None:
    """A rate far too large ends the training at once, with the epochs before it on record."""
    parts = easy(dtype=dtype)

    def leap(done: int) -> float:
        return 0.01 if done < 15 else 1e30

    heard: list[EpochRecord] = []
    result = train(
        network(WIDTHS, batch_norm=False, dtype=dtype),
        parts,
        **options(epochs=50, schedule=leap),
        observer=heard.append,
    )
    assert result.status is Status.DIVERGED
    assert tuple(heard) == result.records
    assert 2 <= len(heard) <= 3
    for record in heard:
        assert math.isfinite(record.train_cost)
        assert math.isfinite(record.validation_cost)


def test_divergence_ends_the_epoch_early(seen: Steps) -> None:
    """No step follows one whose loss is not finite."""
    made = network(WIDTHS, batch_norm=False)
    made.W[-1][0, 0] = math.nan
    result = train(made, easy(), **options())
    assert result.status is Status.DIVERGED
    assert result.records == ()
    assert len(seen) == 1


@pytest.mark.parametrize("part", ["train", "validation", "both"])
def test_a_cost_that_is_not_finite_at_the_epochs_end(part: str) -> None:
    """Also when only the measured figures are not finite, the training has diverged."""
    parts = easy(120, 120)
    changes: dict[str, Any] = {}
    match part:
        case "train":  # an image that no batch of the first epoch holds
            left_over = np.random.default_rng(3).permutation(120)[-1]
            parts.X_train[left_over] = math.nan
        case "validation":
            parts.X_validation[0] = math.nan
        case _:  # λ‖W‖² overflows where the loss does not
            changes = {"lam": 1e308, "schedule": constant(1e-320, 1e-310, 2)}
    result = trained(parts, **changes)
    assert result.status is Status.DIVERGED
    assert result.records == ()


def test_a_warning_elsewhere_still_shows() -> None:
    """Overflow is silent while training only, not in the code that takes the records."""

    def observer(record: EpochRecord) -> None:
        _ = np.float64(1e308) * np.float64(10)

    with pytest.warns(RuntimeWarning, match="overflow"):
        train(network(WIDTHS, batch_norm=True), easy(), **options(epochs=1), observer=observer)


# Learning


@BOTH
@PRECISIONS
def test_an_easy_problem_is_learnt(*, batch_norm: bool, dtype: type) -> None:
    """Classes that lie far apart are told apart; the loss falls."""
    result = trained(
        batch_norm=batch_norm,
        dtype=dtype,
        epochs=40,
        lam=0.0,
        schedule=constant(0.1, 0.1, 2),
    )
    first, last = result.records[0], result.records[-1]
    assert result.status is Status.COMPLETED
    assert last.train_loss < 0.1 < first.train_loss
    assert last.train_accuracy > 0.95
    assert last.validation_accuracy > 0.95
    assert {array.dtype for array in result.network.arrays().values()} == {np.dtype(dtype)}


def test_regularisation_keeps_weights_small() -> None:
    """A larger λ leaves smaller weights."""
    norms = [squared_norm(trained(epochs=10, lam=lam).network) for lam in (0.0, 0.01, 0.1)]
    assert norms[0] > norms[1] > norms[2]


# Bad arguments


@pytest.mark.parametrize("batch_size", [-1, 0, 1, 121, 10**9])
def test_a_batch_that_cannot_be(batch_size: int) -> None:
    """A batch has two images at least and the training set's at most."""
    message = f"batch size {batch_size}: choose 2 to 120, the training images"
    with pytest.raises(InputError, match=message):
        trained(batch_size=batch_size)


def test_no_validation_images() -> None:
    """There has to be something to validate on."""
    parts = easy()
    none = replace(parts, X_validation=parts.X_validation[:0], y_validation=parts.y_validation[:0])
    with pytest.raises(InputError, match="no images"):
        trained(none)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int32, np.uint64])
def test_labels_of_any_whole_type_are_the_same(dtype: type) -> None:
    """What is learnt does not depend on how many bytes a label takes."""
    parts = easy(300)
    small = replace(
        parts,
        y_train=parts.y_train.astype(dtype),
        y_validation=parts.y_validation.astype(dtype),
    )
    expected, found = trained(parts, batch_size=150), trained(small, batch_size=150)
    assert same_bytes(found.network, expected.network)
    assert found.records[-1].validation_cost == expected.records[-1].validation_cost


@pytest.mark.parametrize("part", ["y_train", "y_validation"])
@pytest.mark.parametrize("label", [-1, 3])
def test_labels_that_are_no_classes(part: str, label: int) -> None:
    """They are named before the first step; −1 is not taken for another image's class."""
    labels = getattr(easy(), part).copy()
    labels[7] = label
    with pytest.raises(InputError, match=f"image 7 has label {label}; the network's classes are"):
        trained(replace(easy(), **{part: labels}))


@pytest.mark.parametrize("kind", [float, bool, str])
def test_labels_that_are_no_whole_numbers(kind: type) -> None:
    """Neither fractions nor truths nor names are places among scores."""
    with pytest.raises(InputError, match="whole numbers of shape"):
        trained(replace(easy(), y_train=easy().y_train.astype(kind)))


def test_labels_of_other_images() -> None:
    """There is one label an image: none is left over."""
    with pytest.raises(InputError, match=r"labels are int64 of shape \(100,\)"):
        trained(replace(easy(), y_train=easy().y_train[:100]))


def test_a_caller_who_raises_at_underflow() -> None:
    """What a caller has NumPy do about rounding does not reach into a training."""
    with np.errstate(all="raise"):
        found = trained(epochs=20)
    assert same_bytes(found.network, trained(epochs=20).network)


def test_images_of_another_size() -> None:
    """Images with another number of features are not made to fit."""
    with pytest.raises(ValueError, match="does not match"):
        trained(easy(inputs=4))
