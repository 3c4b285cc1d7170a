"""The training loop: mini-batch gradient descent, one record an epoch.

Train figures are measured as validation figures are: at the epoch's end, with the moving
averages, on as many images as the validation set has, spread evenly over the training set and
the same in every epoch. Both curves therefore have the same noise and can be compared.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int

from kbn.errors import InputError
from kbn.network import Evaluation, Network, evaluate
from kbn.schedule import Schedule
from kbn.step import Workspace, step


class Status(StrEnum):
    """How a training ended."""

    COMPLETED = "completed"
    DIVERGED = "diverged"
    """Its cost was not finite; training stopped there."""


@dataclass(frozen=True)
class EpochRecord:
    """One epoch of training, measured at its end."""

    epoch: int
    """From 1."""
    step: int
    """Steps done so far."""
    eta: float
    """Learning rate of the epoch's last step."""
    train_cost: float
    """Loss + λ·Σ‖W‖²."""
    train_loss: float
    """Mean cross-entropy, in nats."""
    train_accuracy: float
    validation_cost: float
    validation_loss: float
    validation_accuracy: float
    seconds: float
    """Wall time of the epoch, evaluation included."""
    activation_std: tuple[float, ...] = ()
    """Standard deviation of each hidden layer's activations H = max(·, 0), inputs first: over all
    units and images of the epoch's last batch, as its step computed them, that is before the
    step's update and with the batch's own moments. Empty in records older than this field."""
    gradient_std: tuple[float, ...] = ()
    """Standard deviation of ∂(mean cross-entropy of the batch)/∂A, with A = H W + b each hidden
    layer's affine output, before batch normalisation; over the same units and images."""


@dataclass(frozen=True)
class Training:
    """What a training came to."""

    network: Network
    status: Status
    records: tuple[EpochRecord, ...]
    """One an epoch trained to its end with a finite cost."""


class Images(Protocol):
    """Standardised images and their labels: see `kbn.data.Split`."""

    @property
    def X_train(self) -> Float[np.ndarray, "n d"]:
        """Training images, one a row."""

    @property
    def y_train(self) -> Int[np.ndarray, " n"]:
        """Their labels."""

    @property
    def X_validation(self) -> Float[np.ndarray, "m d"]:
        """Validation images."""

    @property
    def y_validation(self) -> Int[np.ndarray, " m"]:
        """Their labels."""


def train_epochs(
    network: Network,
    images: Images,
    *,
    epochs: int,
    batch_size: int,
    lam: float,
    alpha: float,
    schedule: Schedule,
    rng: np.random.Generator,
) -> Generator[EpochRecord, None, Training]:
    """Train a copy of a network; yield each epoch's record, return where it came to.

    Each epoch goes through a fresh permutation of the images in whole batches; those left over
    wait for another epoch. The moving averages start from the first batch.

    Raises
    ------
    InputError
        When the batch is larger than the training set, or has one image.
    """
    n = len(images.y_train)
    if not 2 <= batch_size <= n:
        raise InputError(f"batch size {batch_size}: choose 2 to {n}, the training images")
    state = _State(copy(network), Workspace.of(network, batch_size))
    chosen = np.linspace(0, n - 1, min(n, len(images.y_validation)), dtype=np.intp)
    X_some, y_some = images.X_train[chosen], images.y_train[chosen]
    records: list[EpochRecord] = []

    for epoch in range(1, epochs + 1):
        start = time.perf_counter()
        # Overflow on the way to divergence is expected and shows in the loss.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            finite = _one_epoch(
                state, images, rng.permutation(n), lam=lam, alpha=alpha, schedule=schedule
            )
            if not finite:
                return Training(state.network, Status.DIVERGED, tuple(records))
            scales = _stds(state.work.H), _stds(state.work.G)
            train = evaluate(state.network, X_some, y_some, lam=lam)
            validation = evaluate(state.network, images.X_validation, images.y_validation, lam=lam)
        if not (math.isfinite(train.cost) and math.isfinite(validation.cost)):
            return Training(state.network, Status.DIVERGED, tuple(records))
        eta = schedule(state.steps - 1)
        seconds = time.perf_counter() - start
        records.append(_record(epoch, state.steps, eta, train, validation, seconds, scales))
        yield records[-1]
    return Training(state.network, Status.COMPLETED, tuple(records))


def train(
    network: Network,
    images: Images,
    *,
    epochs: int,
    batch_size: int,
    lam: float,
    alpha: float,
    schedule: Schedule,
    rng: np.random.Generator,
    observer: Callable[[EpochRecord], None] = lambda _: None,
) -> Training:
    """Train a copy of a network as `train_epochs` does; call `observer` with each record."""
    records = train_epochs(
        network,
        images,
        epochs=epochs,
        batch_size=batch_size,
        lam=lam,
        alpha=alpha,
        schedule=schedule,
        rng=rng,
    )
    while True:
        try:
            record = next(records)
        except StopIteration as end:
            result: Training = end.value
            return result
        observer(record)


@dataclass
class _State:
    """What changes from step to step: with the random generator, all of it."""

    network: Network
    work: Workspace
    steps: int = 0


def _one_epoch(
    state: _State,
    images: Images,
    order: Int[np.ndarray, " n"],
    *,
    lam: float,
    alpha: float,
    schedule: Schedule,
) -> bool:
    """Step through whole batches of `order`; return False at the first loss that is not finite."""
    X = state.work.X
    batch_size = len(X)
    for start in range(0, len(order) - batch_size + 1, batch_size):
        rows = order[start : start + batch_size]
        # Any mode but "raise" writes to the buffer directly.
        np.take(images.X_train, rows, axis=0, out=X, mode="clip")
        loss = step(
            state.network,
            X,
            images.y_train[rows],
            state.work,
            eta=schedule(state.steps),
            lam=lam,
            alpha=alpha if state.steps else 0.0,
        )
        state.steps += 1
        if not math.isfinite(loss):
            return False
    return True


def _stds(arrays: Iterable[np.ndarray]) -> tuple[float, ...]:
    """Return each array's standard deviation over all of its elements, in float64."""
    return tuple(float(np.std(array, dtype=np.float64)) for array in arrays)


def _record(
    epoch: int,
    steps: int,
    eta: float,
    train: Evaluation,
    validation: Evaluation,
    seconds: float,
    scales: tuple[tuple[float, ...], tuple[float, ...]],
) -> EpochRecord:
    return EpochRecord(
        epoch=epoch,
        step=steps,
        eta=eta,
        train_cost=train.cost,
        train_loss=train.loss,
        train_accuracy=train.accuracy,
        validation_cost=validation.cost,
        validation_loss=validation.loss,
        validation_accuracy=validation.accuracy,
        seconds=seconds,
        activation_std=scales[0],
        gradient_std=scales[1],
    )


def copy(network: Network) -> Network:
    """Return a network with arrays of its own."""
    return Network.from_arrays({name: array.copy() for name, array in network.arrays().items()})
