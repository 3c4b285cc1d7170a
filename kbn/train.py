"""Training one network: mini-batch gradient descent, one record an epoch.

The loop is that of `kbn.train_pack`, with a pack of one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

import numpy as np

from kbn.network import Network
from kbn.schedule import Schedule
from kbn.train_pack import Images, copy, train_pack
from kbn.training import EpochRecord, Status, Training, TrainingState

__all__ = [
    "EpochRecord",
    "Images",
    "Status",
    "Training",
    "TrainingState",
    "copy",
    "train",
    "train_epochs",
    "train_pack",
]


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
    threads: int = 1,
) -> Generator[EpochRecord, None, Training]:
    """Train a copy of a network; yield each epoch's record, return where it came to.

    This is `train_pack` with one member, which says more.
    """
    events = train_pack(
        [TrainingState.begin(network, rng)],
        images,
        epochs=epochs,
        batch_size=batch_size,
        lam=[lam],
        alpha=alpha,
        schedules=[schedule],
        threads=threads,
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
    epochs: int,
    batch_size: int,
    lam: float,
    alpha: float,
    schedule: Schedule,
    rng: np.random.Generator,
    observer: Callable[[EpochRecord], None] = lambda _: None,
    threads: int = 1,
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
        threads=threads,
    )
    while True:
        try:
            record = next(records)
        except StopIteration as end:
            result: Training = end.value
            return result
        observer(record)
