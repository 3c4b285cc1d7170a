"""What a training gives: a record an epoch, where it came to, where it can go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from jaxtyping import Float

from kbn.epoch import EpochRecord
from kbn.network import Network


class Status(StrEnum):
    """How a training ended."""

    COMPLETED = "completed"
    DIVERGED = "diverged"
    """Its cost was not finite; training stopped there."""


@dataclass(frozen=True)
class ImageLosses:
    """The cross-entropies of the images that a network is measured on, in nats, one by one."""

    epoch: int
    """The epoch that it is measured after."""
    train: Float[np.ndarray, " n"]
    validation: Float[np.ndarray, " n"]


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
