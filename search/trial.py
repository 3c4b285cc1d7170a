"""A trial is a value: everything that decides one network's outcome."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from kbn import streams

NUMERICS = 3
"""Version of the training arithmetic. Raised whenever equal trials would give other bytes."""


LATER = {"ensemble": 1}
"""Fields that came later, with what they were before: there they are no part of an id."""


class Purpose(IntEnum):
    """What a random stream is for; each has its own, so none shifts another."""

    WEIGHTS = streams.WEIGHTS
    BATCHES = streams.BATCHES
    COMPARISON = 2
    SAMPLE = 3
    IMPORTANCE = 4
    RACE = 5
    FINAL = 6


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One network configuration on one split of one data set.

    Equal fields mean equal results, byte for byte; `id` is a hash of them.
    """

    data: str
    """Data set's name, as given to `kbn.data.load`; of the user's own, `npz` alone."""
    fingerprint: str
    """Hash of the data set's arrays."""
    train_size: int
    validation_size: int
    stratified: bool
    hidden: tuple[int, ...]
    """Widths of the hidden layers."""
    batch_norm: bool
    alpha: float
    """Share of the old value in the moving averages: avg ← α·avg + (1−α)·batch."""
    init: str
    """`he` or `normal`."""
    sigma: float | None
    """Standard deviation of the initial weights; None with `he`."""
    schedule: str
    eta_min: float
    eta_max: float
    cycle_steps: int
    """Length of one learning-rate cycle, in steps."""
    batch_size: int
    epochs: int
    lam: float
    """L2 strength λ."""
    seed: int
    """The study's seed."""
    replicate: int = 0
    with_test: bool = False
    """Whether the test set is opened for this trial, and its weights kept."""
    numerics: int = NUMERICS
    ensemble: int = 1
    """Cycle ends, up to the last, whose networks' probabilities are averaged on the test set."""

    @functools.cached_property
    def id(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the fields, as canonical JSON."""
        return id_of(self.to_json())

    @property
    def before_last_cycle(self) -> int | None:
        """The epoch that ends one learning-rate cycle before the run does.

        None where a cycle is not made of whole epochs, or the run is no longer than one.
        """
        epochs, rest = divmod(self.cycle_steps, self.train_size // self.batch_size)
        return self.epochs - epochs if rest == 0 < epochs < self.epochs else None

    def to_json(self) -> str:
        """Return the fields as canonical JSON: sorted keys, no spaces, shortest floats."""
        fields = {
            name: getattr(self, name) for name in _names()
        }  # `asdict` takes ten times as long
        for name, default in LATER.items():
            if fields[name] == default:
                del fields[name]
        return json.dumps(fields, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Trial:
        """Inverse of `to_json`."""
        fields: dict[str, Any] = json.loads(text)
        return cls(**{**fields, "hidden": tuple(fields["hidden"])})

    def rng(self, purpose: Purpose) -> np.random.Generator:
        """Return a random stream that depends on the seed and the replicate alone.

        Every λ therefore starts from the same weights and sees the same batches, so that two
        trials of a replicate are a paired comparison.
        """
        return stream(self.seed, self.replicate, purpose)


@functools.cache
def _names() -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(Trial))


def stream(seed: int, replicate: int, purpose: Purpose) -> np.random.Generator:
    """Return the random stream of a study's seed, a replicate and a purpose."""
    return streams.stream(seed, replicate, int(purpose))


def id_of(fields: str) -> str:
    """Return the id of a trial from its canonical JSON."""
    return hashlib.sha256(fields.encode()).hexdigest()[:16]
