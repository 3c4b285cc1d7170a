"""What a training gives: a record an epoch, where it came to, where it can go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from kbn.network import Network


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
    """Wall time of the epoch, evaluation included; in a pack, the epoch's time divided by the
    number of members that began it."""
    train_loss_error: float | None = None
    """Standard error of the loss over images, in nats; None in records older than this field."""
    validation_loss_error: float | None = None
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
    """One an epoch trained to its end with a finite cost, since training started or resumed."""


_BITS: dict[str, type[Any]] = {
    each.__name__: each
    for each in (
        *(np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937),
        *(np.random.Philox, np.random.SFC64),
    )
}
"""NumPy's bit generators by name; a checkpoint may name no other function of NumPy."""


@dataclass(frozen=True)
class TrainingState:
    """Where a training stands between two epochs: all that the rest of it depends on."""

    network: Network
    epoch: int
    """Epochs done."""
    steps: int
    """Steps done."""
    rng: Mapping[str, Any]
    """State of the batches' random bit generator, as NumPy gives it: strings and integers."""

    @classmethod
    def begin(cls, network: Network, rng: np.random.Generator) -> TrainingState:
        """Return the state before the first epoch."""
        return cls(network, 0, 0, rng.bit_generator.state)

    def generator(self) -> np.random.Generator:
        """Return a random generator that goes on where the state was taken.

        Raises `KeyError`, `ValueError` or `TypeError` for a state of none.
        """
        bits = _BITS[self.rng["bit_generator"]]()
        bits.state = dict(self.rng)
        return np.random.Generator(bits)
