"""Training one network: mini-batch gradient descent, one record an epoch.

The loop is that of `kbn.train_pack`, with a pack of one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import NotRequired, TypedDict, Unpack

import numpy as np

from kbn.epoch import EpochRecord
from kbn.network import Network
from kbn.schedule import Schedule
from kbn.train_pack import Images, train_pack
from kbn.training import Training, TrainingState


class How(TypedDict):
    """How a network is trained: the keyword arguments of `train` and `train_epochs`."""

    epochs: int
    batch_size: int
    lam: float
    """L2 strength λ."""
    alpha: float
    """Share of the old value in batch norm's moving averages."""
    schedule: Schedule
    """From the step to η."""
    rng: np.random.Generator
    """Decides the batches."""
    threads: NotRequired[int]
    """BLAS threads, 1 unless given: more are slower here, and give other bytes."""


def train_epochs(
    network: Network, images: Images, **how: Unpack[How]
) -> Generator[EpochRecord, None, Training]:
    """Train a copy of a network; yield each epoch's record, return where it came to.

    This is `train_pack` with one member, which says more.
    """
    events = train_pack(
        [TrainingState.begin(network, how["rng"])],
        images,
        epochs=how["epochs"],
        batch_size=how["batch_size"],
        lam=[how["lam"]],
        alpha=how["alpha"],
        schedules=[how["schedule"]],
        threads=how.get("threads", 1),
    )
    for _, event in events:
        if isinstance(event, Training):
            return event
        assert isinstance(event, EpochRecord)
        yield event
    raise AssertionError("a training ends with what it came to")


def train(
    network: Network,
    images: Images,
    *,
    observer: Callable[[EpochRecord], None] = lambda _: None,
    **how: Unpack[How],
) -> Training:
    """Train a copy of a network as `train_epochs` does; call `observer` with each record."""
    records = train_epochs(network, images, **how)
    while True:
        try:
            record = next(records)
        except StopIteration as end:
            result: Training = end.value
            return result
        observer(record)
