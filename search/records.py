"""What came of trials: frozen values, written by the runner and read by reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from kbn.train import EpochRecord
from search.trial import Trial

__all__ = [
    "Attempt",
    "DataRecord",
    "Environment",
    "EpochRecord",
    "Failure",
    "Figures",
    "Result",
    "Session",
    "StageRecord",
    "State",
    "StudyRecord",
    "TrialRecord",
]


class State(StrEnum):
    """The states of a trial."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    DIVERGED = "diverged"
    FAILED = "failed"


@dataclass(frozen=True)
class Figures:
    """A network measured on one set of images."""

    cost: float
    """Loss + λ·Σ‖W‖²."""
    loss: float
    """Mean cross-entropy, in nats."""
    accuracy: float
    """Share of images labelled right, 0 to 1."""
    n: int
    """Number of images."""


@dataclass(frozen=True)
class Environment:
    """Where a trial was trained."""

    host: str
    cpu: str
    python: str
    numpy: str
    blas: str
    """Library, version and kernel, as threadpoolctl names them."""
    blas_threads: int
    ray: str | None
    """Ray's version; None when trained without Ray."""


@dataclass(frozen=True)
class Result:
    """What one trial gave. `state` is `completed` or `diverged`."""

    trial_id: str
    state: State
    epochs: int
    """Epochs trained to their end."""
    train: Figures | None
    """None where the run diverged before its first epoch's end."""
    validation: Figures | None
    test: Figures | None
    """None unless the trial opens the test set and completed."""
    seconds: float
    """Time of the training task on its core, in seconds."""
    environment: Environment
    arrays: Mapping[str, np.ndarray]
    """`validation_correct` (bits, packed), and for a trial with test: `confusion`
    (classes × classes, rows are true labels) and the network's arrays, each named
    `network/<name in the .npz>`."""


@dataclass(frozen=True)
class Failure:
    """Why an attempt at a trial ended without a result."""

    type: str
    message: str
    traceback: str
    lost: bool
    """True when the worker or its node went away; False when our code raised."""


@dataclass(frozen=True)
class Attempt:
    """One try at a trial."""

    number: int
    """From 1, over all runs of the study."""
    node: str
    started: float
    """Unix time."""
    failure: Failure | None
    """None where it gave the result, or is under way."""


@dataclass(frozen=True)
class StageRecord:
    """One stage of a plan, with the reason it was chosen."""

    name: str
    trial_ids: tuple[str, ...]
    """In plan order."""
    reason: str
    """The decision that led here, as a sentence for the decision log."""


@dataclass(frozen=True)
class TrialRecord:
    """A trial with all that is known of it."""

    number: int
    """Position in plan order, from 0; never arrival order."""
    stage: str
    """The first stage that asked for it."""
    trial: Trial
    state: State
    result: Result | None
    history: tuple[EpochRecord, ...]
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True)
class DataRecord:
    """The data set and split that a study used."""

    name: str
    title: str
    """For headings: `CIFAR-10`, `digits`, …"""
    source: str
    """Where the images came from: a path or `downloaded from …`."""
    fingerprint: str
    classes: tuple[str, ...]
    inputs: int
    image_shape: tuple[int, ...] | None
    train_size: int
    validation_size: int
    test_size: int
    stratified: bool
    chance: float
    """Validation accuracy of always naming the training set's most frequent class."""
    notes: tuple[str, ...]
    """What a reader has to know: a fallback, a test part held out, …"""


@dataclass(frozen=True)
class Session:
    """One run of the command on the study."""

    started: float
    """Unix time."""
    seconds: float
    """Wall time."""
    executor: str
    """`serial` or `Ray, embedded` or `Ray at <address>`."""
    slots: int
    """Trials that could run at once."""
    trained: int
    """Trials that this run trained to a result."""


@dataclass(frozen=True)
class StudyRecord:
    """A study as reports see it."""

    kind: str
    """The driver: `lambda_coarse_fine`, …"""
    name: str
    folder: Path
    command: str
    """The shell command that repeats the study."""
    spec: Mapping[str, Any]
    """The whole specification as plain values, keyed as the flags and TOML keys are."""
    data: DataRecord
    stages: tuple[StageRecord, ...]
    trials: tuple[TrialRecord, ...]
    """In order of `number`."""
    chosen: str | None
    """Id of the final trial; None while the plan has not come to it."""
    warnings: tuple[str, ...]
    """Sentences a reader must see, such as a run that ends in mid-cycle."""
    sessions: tuple[Session, ...]
    finished: bool
    version: str
    """This project's version."""

    def stage(self, name: str) -> tuple[TrialRecord, ...]:
        """Return a stage's trials in plan order, those it shares with earlier stages included."""
        by_id = {record.trial.id: record for record in self.trials}
        ids = [i for stage in self.stages if stage.name == name for i in stage.trial_ids]
        return tuple(by_id[i] for i in ids)
