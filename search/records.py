"""What came of trials: frozen values, written by the runner and read by reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kbn.epoch import EpochRecord
from search.trial import Trial


class State(StrEnum):
    """The states of a trial."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    DIVERGED = "diverged"
    FAILED = "failed"


class Role(StrEnum):
    """What a stage is for, whatever its experiment calls it."""

    COARSE = "coarse"
    """A first look: a grid, or a sample."""
    EXTEND = "extend"
    """Beyond the end of what was tried."""
    FINE = "fine"
    """Around the best of a first look."""
    ROUND = "round"
    """Around all that cannot be told from the best."""
    REPLICATES = "replicates"
    """More runs of the best few."""
    RACE = "race"
    """More runs of all points, then of those that are left."""
    FRESH = "fresh"
    """Runs of the chosen point, with seeds that took no part in choosing it."""
    FINAL = "final"
    """The final model, which opens the test set."""
    GRID = "grid"
    """Points that are compared, with nothing chosen."""

    @property
    def chooses(self) -> bool:
        """Whether a point is chosen by what the stage's trials reach."""
        return self not in {Role.FRESH, Role.FINAL, Role.GRID}


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
    loss_error: float | None = None
    """Standard error of the loss over images, in nats; None in results of older versions."""


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

    def computes_as(self, other: Environment) -> bool:
        """Say whether all that bears on a result's last bits is the same in both."""
        return replace(self, host=other.host, ray=other.ray) == other


VALIDATION_LOSSES = "losses/validation"
"""The array of the validation images' losses after the last epoch, in nats."""
TRAIN_FALL = "losses/train_fall"
"""That of by how much the measured training images' losses fell in the last learning-rate cycle."""
LOSSES = (VALIDATION_LOSSES, TRAIN_FALL)
"""Arrays that say how exact differences of losses are. They are no part of a result's hash: older
studies lack them, and means are in its figures."""
NETWORK_PREFIX = "network/"
"""What the names of a network's arrays begin with among those of a result."""
TEST_CORRECT, ENSEMBLE_CORRECT = "test_correct", "ensemble_correct"
"""Arrays of a trial with test: which test images its last network labels right and, where it has an
ensemble, which all networks together do (bits, packed). The first is no part of a result's hash:
older studies lack it, and it follows from the network."""


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
    arrays: Mapping[str, np.ndarray] = field(repr=False)
    """`validation_correct` (bits, packed); for a trial with test: `TEST_CORRECT`, `confusion`
    (classes × classes, rows are true labels) and the network's arrays, each named
    `network/<name in the .npz>`; in a study that compares losses, as far as they exist: `LOSSES`
    (float16, one an image)."""

    @property
    def network(self) -> dict[str, np.ndarray]:
        """The network's arrays by their names in the `.npz`; empty where it was not kept."""
        return {
            name.removeprefix(NETWORK_PREFIX): array
            for name, array in self.arrays.items()
            if name.startswith(NETWORK_PREFIX)
        }


class Outcome(NamedTuple):
    """A trial and what came of it; `result` is None when every attempt failed."""

    trial: Trial
    result: Result | None
    learned: bool = True
    """Whether the network labels more images right than one that knows nothing. Plans are told by
    `search.evidence.judged`."""


@dataclass(frozen=True)
class Failure:
    """Why an attempt at a trial ended without a result."""

    type: str
    message: str
    traceback: str
    lost: bool
    """True when the worker or its node went away; False when our code raised."""


INTERRUPTED = Failure("Interrupted", "the driver ended before the attempt did", "", lost=True)
"""What becomes of an attempt that was under way when its driver was stopped or killed."""


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

    @property
    def interrupted(self) -> bool:
        """Whether it ended with its driver: on Ctrl-C, say. Nothing went wrong with the trial."""
        return self.failure == INTERRUPTED


@dataclass(frozen=True)
class StageRecord:
    """One stage of a plan, with the reason it was chosen."""

    name: str
    trial_ids: tuple[str, ...]
    """In plan order."""
    reason: str
    """The decision that led here, as a sentence for the decision log."""
    role: Role = Role.GRID


@dataclass(frozen=True, repr=False)
class TrialRecord:
    """A trial with all that is known of it."""

    number: int
    """Position in plan order, from 0; never arrival order."""
    experiment: str
    """The first experiment that asked for it."""
    stage: str
    """The first stage that asked for it."""
    label: str
    """What tells it from the other trials of its stage: `λ=1e-3`."""
    trial: Trial
    state: State
    result: Result | None
    history: tuple[EpochRecord, ...]
    attempts: tuple[Attempt, ...]

    def figures(self, part: str) -> Figures | None:
        """Return what it reached at the end on `train`, `validation` or `test`; None if nothing."""
        return getattr(self.result, part, None)

    def __repr__(self) -> str:
        said = [
            f"{part} accuracy {figures.accuracy:.4f}"
            for part in ("validation", "test")
            if (figures := self.figures(part))
        ]
        of = f"{self.trial.epochs} epochs, {self.state}"
        return f"<trial {self.number}, {self.stage} {self.label}: {', '.join((of, *said))}>"


@dataclass(frozen=True)
class DataRecord:
    """The data set and split that a study used."""

    name: str
    title: str
    """For headings: `CIFAR-10`, `digits`, …"""
    fingerprint: str
    classes: tuple[str, ...]
    inputs: int
    image_shape: tuple[int, ...] | None
    train_size: int
    validation_size: int
    test_size: int
    stratified: bool
    chance: float
    """Share of the largest class among the validation images: what always naming one class gives
    there at most. In studies described by older versions, the share of the class that is most
    frequent in training."""
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
class ExperimentRecord:
    """One experiment of a study: the plan that it followed, as far as it came."""

    kind: str
    """What was done: `lambda_coarse_fine`, …; no two experiments of a study share it."""
    settings: object
    """Its specification, an `Experiment`; it says what was varied."""
    stages: tuple[StageRecord, ...]
    chosen: str | None
    """Id of the final trial; None while the plan has not come to it, or where it chooses none."""
    warnings: tuple[str, ...]
    """Sentences a reader must see, such as a run that ends in mid-cycle."""
    finished: bool
    """Whether the plan came to its end and no trial of it failed."""


@dataclass(frozen=True)
class Missing:
    """A part of a report that could not be made."""

    part: str
    """As a sentence names it: `figure lambda`, `trials.csv`."""
    reason: str
    """The error in one line."""
    traceback: str
    """Where it was raised."""


@dataclass(frozen=True)
class Mistakes:
    """Test images that the final model labels wrong, those it is surest of first."""

    images: np.ndarray
    """A row an image, as the data set has them."""
    classes: np.ndarray
    """What they are, and what they are taken for: indices of classes."""
    taken_for: np.ndarray
    probabilities: np.ndarray
    """What the model gives to the class that it takes them for."""


@dataclass(frozen=True)
class StudyRecord:
    """A study as reports see it."""

    kind: str
    """The driver: `lambda_coarse_fine`, …"""
    name: str
    folder: Path
    command: str
    """The shell command that repeats the study."""
    scale: float
    """Share of a whole study that it is: of its images, and by its root of its epochs."""
    data: DataRecord
    experiments: tuple[ExperimentRecord, ...]
    """In the order of the specification."""
    trials: tuple[TrialRecord, ...]
    """Every trial once, in order of `number`."""
    sessions: tuple[Session, ...]
    version: str
    """This project's version."""
    mistakes: Mistakes | None = None
    """There where the data set is at hand, and there is a final model."""

    @property
    def stages(self) -> tuple[StageRecord, ...]:
        """Every stage, experiment by experiment."""
        return tuple(stage for each in self.experiments for stage in each.stages)

    @property
    def chosen(self) -> str | None:
        """Id of the first final trial that an experiment chose; None while there is none."""
        return next((each.chosen for each in self.experiments if each.chosen), None)

    @property
    def final(self) -> TrialRecord | None:
        """The trial that was chosen, trained as the final model; None while there is none."""
        return next((each for each in self.trials if each.trial.id == self.chosen), None)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Every experiment's warnings, each once."""
        return tuple(dict.fromkeys(text for each in self.experiments for text in each.warnings))

    @property
    def finished(self) -> bool:
        """Whether every experiment is finished."""
        return all(each.finished for each in self.experiments)

    def stage(self, name: str) -> tuple[TrialRecord, ...]:
        """Return a stage's trials in plan order, those it shares with earlier stages included."""
        by_id = {record.trial.id: record for record in self.trials}
        ids = [i for stage in self.stages if stage.name == name for i in stage.trial_ids]
        return tuple(by_id[i] for i in ids)

    def part(self, experiment: ExperimentRecord) -> StudyRecord:
        """Return the study as if it held one of its experiments alone; numbers stay."""
        stages = {i: stage.name for stage in experiment.stages[::-1] for i in stage.trial_ids}
        return replace(
            self,
            kind=experiment.kind,
            experiments=(experiment,),
            trials=tuple(
                replace(record, experiment=experiment.kind, stage=stages[record.trial.id])
                for record in self.trials
                if record.trial.id in stages
            ),
        )


@dataclass(frozen=True)
class UnderWay:
    """What a driver knows of the study that it runs, beyond what the store holds."""

    states: Mapping[str, State]
    """The trials that are `waiting` or `running`, by id."""
    epochs: Mapping[str, EpochRecord]
    """The latest epoch of those that are running, by id."""
    expected_trials: int
    """Trials in all, as far as can be told before they are decided on."""
    expected_epochs: int
    """Their epochs."""
    seconds_left: float | None = None
    """Estimated; None while nothing is known of the pace."""
