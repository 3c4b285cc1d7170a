"""The task: one trial's network trained on one core, as a stream of records.

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
from kbn.initialise import he, initialise, normal
from kbn.network import Network, confusion_matrix, evaluate, predict
from kbn.schedule import SCHEDULES
from kbn.train import Status, Training, train_epochs
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
        training = yield from train_epochs(
            initial_network(trial, inputs=shared.split.X_train.shape[1], classes=shared.classes),
            shared.split,
            epochs=trial.epochs,
            batch_size=trial.batch_size,
            lam=trial.lam,
            alpha=trial.alpha,
            schedule=SCHEDULES[trial.schedule](trial.eta_min, trial.eta_max, trial.cycle_steps),
            rng=trial.rng(Purpose.BATCHES),
        )
        test, arrays = measure(shared, trial, training)
        yield Result(
            trial_id=trial.id,
            state=State(training.status.value),
            epochs=len(training.records),
            train=_figures(training, "train", shared.split),
            validation=_figures(training, "validation", shared.split),
            test=test,
            seconds=time.perf_counter() - start,
            environment=environment(),
            arrays=arrays,
        )


def train_trials(
    shared: Shared, trials: tuple[Trial, ...]
) -> Iterator[tuple[str, EpochRecord | Result]]:
    """Train trials one after the other; yield what `train_trial` does, each with the trial's id."""
    for trial in trials:
        for item in train_trial(shared, trial):
            yield trial.id, item


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
    return Figures(test.cost, test.loss, test.accuracy, test.n), arrays


def _figures(training: Training, part: str, split: Split) -> Figures | None:
    """Return the last epoch's figures; the train figures are of as many images."""
    if not training.records:
        return None
    last, n = training.records[-1], len(split.y_validation)
    if part == "train":
        n = min(n, len(split.y_train))
        return Figures(last.train_cost, last.train_loss, last.train_accuracy, n)
    return Figures(last.validation_cost, last.validation_loss, last.validation_accuracy, n)


def environment() -> Environment:
    """Return where this process runs, as it bears on a result's last bits."""
    (blas,) = [pool for pool in threadpool_info() if pool["user_api"] == "blas"][:1] or [{}]
    words = (blas.get("internal_api"), blas.get("version"), blas.get("architecture"))
    return Environment(
        host=socket.gethostname(),
        cpu=_cpu(),
        python=platform.python_version(),
        numpy=np.__version__,
        blas=" ".join(str(word) for word in words if word) or "unknown",
        blas_threads=int(blas.get("num_threads", 1)),
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
