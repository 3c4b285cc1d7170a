"""The task: one trial's network trained on one core, as a stream of records.

It runs in a Ray worker or in the driver's own process, and is given everything it needs.
"""

from __future__ import annotations

import functools
import platform
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from kbn.data import Split
from kbn.initialise import he, normal
from kbn.network import Network, confusion_matrix, evaluate, predict
from kbn.schedule import SCHEDULES
from kbn.train import train_epochs
from search.records import Environment, EpochRecord, Figures, Result, State
from search.trial import Purpose, Trial

NETWORK_PREFIX = "network/"
BLAS_THREADS = 1
"""The same on every machine: more would make a result's bytes depend on their number."""


@dataclass(frozen=True)
class Shared:
    """What all trials of a study read: put once on each node, never written."""

    split: Split
    classes: int


def train_trial(shared: Shared, trial: Trial) -> Iterator[EpochRecord | Result]:
    """Train a trial; yield each epoch's record and, last, the result.

    The result's bytes depend on the trial and the data alone (and on the BLAS and the CPU,
    which the result's environment names); its times and its environment are what they are.
    """
    with threadpool_limits(limits=BLAS_THREADS, user_api="blas"):
        start = time.perf_counter()
        split = shared.split
        per_epoch = len(split.y_train) // trial.batch_size
        training = yield from train_epochs(
            initial_network(trial, inputs=split.X_train.shape[1], classes=shared.classes),
            split,
            epochs=trial.epochs,
            batch_size=trial.batch_size,
            lam=trial.lam,
            alpha=trial.alpha,
            schedule=SCHEDULES[trial.schedule](trial.eta_min, trial.eta_max, trial.cycle_steps),
            rng=trial.rng(Purpose.BATCHES),
        )
