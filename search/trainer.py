"""The task: one trial's network, or a pack of several, trained on one core, as a stream of records.

It runs in a Ray worker or in the driver's own process, and is given everything it needs.
"""

from __future__ import annotations

import functools
import platform
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from kbn.data import Split
from kbn.errors import InputError
from kbn.initialise import he, initialise, normal
from kbn.network import Network, confusion_matrix, evaluate, predict
from kbn.schedule import SCHEDULES
from kbn.train import Status, Training, TrainingState, train_pack
from search.pack import can_share
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
    """Train a trial; yield each epoch's record and, last, the result."""
    for _, item in train_trials(shared, (trial,)):
        yield item


def train_trials(
    shared: Shared, trials: tuple[Trial, ...]
) -> Iterator[tuple[str, EpochRecord | Result]]:
    """Train trials that can share a pack (see `search.pack`) in one task, on one core.

    Yields each trial's epoch records and, last, its result, under the trial's id; the trials
    take turns. A result's bytes depend on its trial and the data alone (and on the BLAS and the
    CPU, which the result's environment names), not on who else is in the pack; its times and its
    environment are what they are. Its `seconds` are its share of the task's time, which at each
    moment is divided evenly among the members under way, so that the core's time adds up.

    Raises
    ------
    InputError
        When the trials cannot share a pack.
    """
    first, inputs = trials[0], shared.split.X_train.shape[1]
    if not all(can_share(first, trial) for trial in trials):
        raise InputError("trials that differ in images, shape or batches: train them apart")
    with threadpool_limits(limits=BLAS_THREADS, user_api="blas"):
        shares = _Shares(len(trials))
        events = train_pack(
            [
                TrainingState.begin(
                    initial_network(trial, inputs=inputs, classes=shared.classes),
                    trial.rng(Purpose.BATCHES),
                )
                for trial in trials
            ],
            shared.split,
            epochs=first.epochs,
            batch_size=first.batch_size,
            lam=[trial.lam for trial in trials],
            alpha=first.alpha,
            schedules=[
                SCHEDULES[trial.schedule](trial.eta_min, trial.eta_max, trial.cycle_steps)
                for trial in trials
            ],
        )
        for member, event in events:
            trial = trials[member]
            if isinstance(event, Training):
                shares.divide()
                test, arrays = measure(shared, trial, event)
                seconds = shares.close(member)
                yield trial.id, _result(shared, trial, event, test, arrays, seconds)
            else:
                assert isinstance(event, EpochRecord)
                yield trial.id, event


class _Shares:
    """The task's time, divided among the members under way."""

    def __init__(self, members: int) -> None:
        self._seconds = dict.fromkeys(range(members), 0.0)
        self._since = time.perf_counter()

    def divide(self) -> None:
        """Give the time since the last call to all members under way."""
        now = time.perf_counter()
        for member in self._seconds:
            self._seconds[member] += (now - self._since) / len(self._seconds)
        self._since = now

    def close(self, member: int) -> float:
        """Give the time since the last call to one member, who ends; return its share."""
        now = time.perf_counter()
        share = self._seconds.pop(member) + now - self._since
        self._since = now
        return share


def _result(
    shared: Shared,
    trial: Trial,
    training: Training,
    test: Figures | None,
    arrays: dict[str, np.ndarray],
    seconds: float,
) -> Result:
    return Result(
        trial_id=trial.id,
        state=State(training.status.value),
        epochs=len(training.records),
        train=_figures(training, "train", shared.split),
        validation=_figures(training, "validation", shared.split),
        test=test,
        seconds=seconds,
        environment=environment(),
        arrays=arrays,
    )


def initial_network(trial: Trial, *, inputs: int, classes: int) -> Network:
    """Return the network that a trial starts from; the same for every λ of a replicate."""
    return initialise(
        inputs=inputs,
        hidden=trial.hidden,
        classes=classes,
        batch_norm=trial.batch_norm,
        init=he() if trial.sigma is None else normal(trial.sigma),
        rng=trial.rng(Purpose.WEIGHTS),
    )


def measure(
    shared: Shared, trial: Trial, training: Training
) -> tuple[Figures | None, dict[str, np.ndarray]]:
    """Return a trained network's test figures, if it opens the test set, and arrays to keep."""
    if training.status is Status.DIVERGED:
        return None, {}
    split, network = shared.split, training.network
    correct = predict(network, split.X_validation) == split.y_validation
    arrays = {"validation_correct": np.packbits(correct)}
    if not trial.with_test:
        return None, arrays
    test = evaluate(network, split.X_test, split.y_test, lam=trial.lam)
    predicted = predict(network, split.X_test)
    arrays["confusion"] = confusion_matrix(split.y_test, predicted, shared.classes)
    arrays |= {f"{NETWORK_PREFIX}{name}": array for name, array in network.arrays().items()}
    return Figures(test.cost, test.loss, test.accuracy, test.n, test.loss_error), arrays


def _figures(training: Training, part: str, split: Split) -> Figures | None:
    """Return the last epoch's figures; the train figures are of as many images."""
    if not training.records:
        return None
    last, n = training.records[-1], len(split.y_validation)
    if part == "train":
        n = min(n, len(split.y_train))
        return Figures(
            last.train_cost, last.train_loss, last.train_accuracy, n, last.train_loss_error
        )
    return Figures(
        last.validation_cost,
        last.validation_loss,
        last.validation_accuracy,
        n,
        last.validation_loss_error,
    )


def environment() -> Environment:
    """Return where this process runs, as it bears on a result's last bits."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    parts = ("internal_api", "version", "architecture")
    names = {  # NumPy's and SciPy's: a step uses both
        " ".join(str(pool[part]) for part in parts if part in pool) for pool in pools
    }
    return Environment(
        host=socket.gethostname(),
        cpu=_cpu(),
        python=platform.python_version(),
        numpy=np.__version__,
        blas=", ".join(sorted(names)) or "unknown",
        blas_threads=max((int(pool["num_threads"]) for pool in pools), default=1),
        ray=metadata.version("ray") if "ray" in sys.modules else None,
    )


@functools.cache
def _cpu() -> str:
    """Return the processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
