"""The task: one trial's network, or a pack of several, trained on one core, as a stream of records.

It runs in a Ray worker or in the driver's own process, and is given everything it needs.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kbn.blas import blas_threads
from kbn.data import Split
from kbn.epoch import EpochRecord
from kbn.errors import InputError
from kbn.inference import confusion_matrix, evaluate, predict
from kbn.initialise import he, initialise, normal
from kbn.network import Network
from kbn.schedule import SCHEDULES
from kbn.train_pack import train_pack
from kbn.training import ImageLosses, Status, Training, TrainingState
from search.records import (
    NETWORK_PREFIX,
    TEST_CORRECT,
    Environment,
    Figures,
    Result,
    State,
)
from search.training.checkpoint import Checkpoint, Item, Start
from search.training.environment import environment
from search.training.final import of_ensemble, split_of
from search.training.image_losses import compared, kept
from search.training.packing import can_share
from search.trial import Purpose, Trial

BLAS_THREADS = 1
"""The same on every machine: more would make a result's bytes depend on their number."""


LARGEST_CHECKPOINT = 2**28
"""Bytes of a network beyond which no checkpoint is sent: it would hold up driver and store."""


@dataclass(frozen=True)
class Shared:
    """What all trials of a study read: put once on each node, never written."""

    split: Split
    classes: int
    checkpoint_cycles: int = 0
    """Learning-rate cycles from one checkpoint of a trial to the next; 0 for none."""
    losses: bool = False
    """Whether the losses of single images are kept, where the study compares them."""


def train_trial(shared: Shared, trial: Trial) -> Iterator[Item]:
    """Train a trial; yield each epoch's record and, last, the result."""
    for _, item in train_trials(shared, (Start(trial),)):
        yield item


def stamp(item: tuple[str, object]) -> tuple[str, bool]:
    """Return what an item of a task is about, its trial, and whether it is sent at once.

    A lost task's next attempt goes on from a checkpoint.
    """
    return item[0], isinstance(item[1], Checkpoint)


def train_trials(shared: Shared, starts: tuple[Start, ...]) -> Iterator[tuple[str, Item]]:
    """Train trials that can share a pack (see `search.training.packing`) in one task, on one core.

    Yields each trial's epoch records, its checkpoints and, last, its result, under the trial's
    id; the trials take turns. A result's bytes depend on its trial and the data alone (and on the
    BLAS and the CPU, which the result's environment names), not on who else is in the pack, nor
    on whether it was begun from a checkpoint; its times and its environment are what they are.
    Its `seconds` are its share of the task's time, which at each moment is divided evenly among
    the members under way, so that the core's time adds up.

    Checkpoints made where floating point may differ are not gone on from: the trials start anew,
    so that a result is of one environment.

    Raises
    ------
    InputError
        When the trials cannot share a pack.
    """
    with blas_threads(BLAS_THREADS):
        here = environment()
        if any(c is not None and not c.environment.computes_as(here) for _, c in starts):
            starts = tuple(Start(trial) for trial, _ in starts)
        trials = [trial for trial, _ in starts]
        shared = replace(shared, split=split_of(shared.split, trials[0]))
        cycle_ends = [
            deque((*c.members, c.state.network) if c else (), maxlen=trial.ensemble - 1)
            for trial, c in starts
        ]
        histories = [list(c.history) if c else [] for _, c in starts]
        losses: list[dict[int, ImageLosses]] = [{} for _ in starts]
        shares = _Shares([c.seconds if c else 0.0 for _, c in starts])
        for member, event in _events(shared, starts):
            trial, history = trials[member], histories[member]
            match event:
                case EpochRecord():
                    history.append(event)
                    yield trial.id, event
                case ImageLosses():
                    losses[member][event.epoch] = event
                case TrainingState():
                    cycle_ends[member].append(event.network)
                    if _sent(shared, trial, event):
                        shares.divide()
                        known = tuple(history), shares.of(member), here
                        earlier = tuple(cycle_ends[member])[:-1]
                        yield trial.id, Checkpoint(event, *known, members=earlier)
                case Training():
                    shares.divide()
                    test, arrays = measure(shared, trial, event)
                    if test is not None and trial.ensemble > 1:
                        arrays |= of_ensemble(shared.split, cycle_ends[member], event.network)
                    arrays |= kept(trial, losses[member])
                    seconds = shares.close(member)
                    result = _result(
                        shared, trial, event.status, history, test, arrays, seconds, here
                    )
                    yield trial.id, result


def _events(
    shared: Shared, starts: Sequence[Start]
) -> Iterator[tuple[int, EpochRecord | ImageLosses | TrainingState | Training]]:
    """Train trials in one pack; yield what happens to each, under its place."""
    trials = [trial for trial, _ in starts]
    first = trials[0]
    if not all(can_share(first, trial) for trial in trials):
        raise InputError("trials that differ in images, shape or batches: train them apart")
    return train_pack(
        [_state(shared, start) for start in starts],
        shared.split,
        epochs=first.epochs,
        batch_size=first.batch_size,
        lam=[trial.lam for trial in trials],
        alpha=first.alpha,
        schedules=[
            SCHEDULES[trial.schedule](trial.eta_min, trial.eta_max, trial.cycle_steps)
            for trial in trials
        ],
        checkpoint_steps=first.cycle_steps
        if first.ensemble > 1
        else shared.checkpoint_cycles * max(t.cycle_steps for t in trials),
        losses_after={epoch for t in trials for epoch in compared(t)} if shared.losses else (),
    )


def _sent(shared: Shared, trial: Trial, state: TrainingState) -> bool:
    """Say whether a state is one to go on from: an ensemble is told of every cycle's end."""
    networks = max(1, trial.ensemble - 1)
    size = networks * sum(array.nbytes for array in state.network.arrays().values())
    asked = trial.ensemble == 1 or (
        shared.checkpoint_cycles > 0
        and state.steps // trial.cycle_steps % shared.checkpoint_cycles == 0
    )
    return asked and size <= LARGEST_CHECKPOINT


def _state(shared: Shared, start: Start) -> TrainingState:
    """Return where the training of a trial begins."""
    if start.checkpoint is not None:
        return start.checkpoint.state
    inputs = shared.split.X_train.shape[1]
    return TrainingState.begin(
        initial_network(start.trial, inputs=inputs, classes=shared.classes),
        start.trial.rng(Purpose.BATCHES),
    )


class _Shares:
    """The task's time, divided among the members under way."""

    def __init__(self, before: Sequence[float]) -> None:
        self._seconds = dict(enumerate(before))
        self._since = time.perf_counter()

    def of(self, member: int) -> float:
        """Return a member's share up to the last call."""
        return self._seconds[member]

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
    status: Status,
    history: Sequence[EpochRecord],
    test: Figures | None,
    arrays: dict[str, np.ndarray],
    seconds: float,
    where: Environment,
) -> Result:
    return Result(
        trial_id=trial.id,
        state=State(status.value),
        epochs=len(history),
        train=_figures(history, "train", shared.split),
        validation=_figures(history, "validation", shared.split),
        test=test,
        seconds=seconds,
        environment=where,
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
    arrays[TEST_CORRECT] = np.packbits(predicted == split.y_test)
    arrays["confusion"] = confusion_matrix(split.y_test, predicted, shared.classes)
    arrays |= {f"{NETWORK_PREFIX}{name}": array for name, array in network.arrays().items()}
    return Figures(test.cost, test.loss, test.accuracy, test.n, test.loss_error), arrays


def _figures(history: Sequence[EpochRecord], part: str, split: Split) -> Figures | None:
    """Return the last epoch's figures; the train figures are of as many images."""
    if not history:
        return None
    n = len(split.y_validation)
    if part == "train":
        n = min(n, len(split.y_train))
    cost, loss, accuracy, error = (
        getattr(history[-1], f"{part}_{name}")
        for name in ("cost", "loss", "accuracy", "loss_error")
    )
    return Figures(cost, loss, accuracy, n, error)
