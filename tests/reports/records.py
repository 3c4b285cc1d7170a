"""Made-up records of studies: the real plan over made-up endings; nothing here trains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kbn.epoch import EpochRecord
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.plan import replay
from search.records import (
    NETWORK_PREFIX,
    DataRecord,
    Failure,
    Figures,
    Outcome,
    Result,
    Session,
    State,
    StudyRecord,
)
from search.settings.spec import StudySpec
from search.settings.values import Cycle
from search.space.narrow import Factors
from search.store.sealed import seal
from search.store.store import IN_MEMORY, Store
from search.study.recording import build_record
from search.training.problem import plan_of
from search.training.trainer import initial_network
from search.trial import Trial
from tests.search.builders import HERE, labelled_right

DIGITS = DataRecord(
    name="digits",
    title="digits",
    fingerprint="0123456789abcdef",
    classes=tuple("0123456789"),
    inputs=64,
    image_shape=(8, 8, 1),
    train_size=900,
    validation_size=100,
    test_size=360,
    stratified=False,
    chance=0.1,
    notes=(),
)
CIFAR10 = replace(
    DIGITS,
    name="cifar10",
    title="CIFAR-10",
    classes=("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    inputs=3072,
    image_shape=(32, 32, 3),
    train_size=45_000,
    validation_size=5_000,
    test_size=10_000,
)
SEARCH = LambdaSearch(
    data="digits",
    hidden=(8,),
    cycle=Cycle(3, "epochs"),
    epochs=3,
    final_epochs=6,
    coarse=(1e-3, 1e-2, 1e-1),
    fine=Factors((0.5, 1.0, 2.0)),
    lambda_bounds="off",
    replicate_top="off",
    fresh=0,
)
"""Three coarse values, two new fine ones, the final model."""
REFERENCE = LambdaSearch(data="cifar10", lambda_bounds="off", replicate_top="off", fresh=0)
"""What the reference report trained."""


@dataclass(frozen=True)
class Ending:
    """What comes of a made-up trial."""

    accuracy: float = 0.5
    state: State = State.COMPLETED
    failures: tuple[str, ...] = ()
    """Messages of the attempts that failed."""
    epochs: int | None = None
    """Epochs trained to their end, where not all of them were."""
    loss: float = 1.0
    """Factor of the made-up losses."""
    loss_error: float | None = 0.01
    """Their standard error."""


WAITING = Ending(state=State.WAITING)
FAILED = Ending(state=State.FAILED, failures=("out of luck", "out of luck again"))
DIVERGED = Ending(0.2, State.DIVERGED, epochs=1)
DIVERGED_AT_ONCE = Ending(0.0, State.DIVERGED, epochs=0)

Endings = Callable[[Trial], Ending]


def good(trial: Trial) -> Ending:
    """End well, best at λ = 1e-2."""
    return Ending(round(0.9 - 0.1 * abs(float(np.log10(trial.lam / 1e-2))), 4))


def by_lambda(endings: Mapping[float, Ending], otherwise: Endings = good) -> Endings:
    """End the search trials of some λ as asked."""

    def ending(trial: Trial) -> Ending:
        asked = None if trial.with_test else endings.get(trial.lam)
        return asked or otherwise(trial)

    return ending


def final(ending: Ending) -> Endings:
    """End the final model as asked, the others well."""
    return lambda trial: ending if trial.with_test else good(trial)


def study(
    folder: Path,
    endings: Endings = good,
    *,
    search: StudySpec = SEARCH,
    data: DataRecord = DIGITS,
    open_trials: Callable[[Trial], State | None] = lambda _: None,
) -> StudyRecord:
    """Return the record of a study whose trials ended as told, as the search builds it.

    `open_trials` tells which of them a driver is at, and their states.
    """
    with Store(IN_MEMORY) as store:

        def lookup(trial: Trial) -> Outcome | None:
            ending = endings(trial)
            if ending.state is State.WAITING:
                return None
            if store.result(trial.id) is None and not store.attempts(trial.id):
                _keep(store, trial, ending, data)
            return Outcome(trial, store.result(trial.id))

        for part in search.experiments():
            progress = replay(plan_of(part, data, None), lookup)
            for trial in progress.stages[-1].trials:  # a replay stops at the first open one
                lookup(trial)
        store.add_session(Session(1.75e9, 12.5, "serial", 1, 6))
        states = {trial.id: open_trials(trial) for trial in store.trials()}
        return build_record(
            search,
            data,
            store,
            name="made-up",
            folder=folder,
            open_trials={key: state for key, state in states.items() if state},
        )


def _keep(store: Store, trial: Trial, ending: Ending, data: DataRecord) -> None:
    """Write a trial's attempts, result and epochs as a run would."""
    store.add_trials([trial])
    for message in ending.failures:
        number = store.begin_attempt(trial.id, node="10.0.0.7", started=1.75e9)
        failure = Failure("RuntimeError", message, f"Traceback …\n{message}", lost=False)
        store.end_attempt(trial.id, number, failure)
    if ending.state is not State.FAILED:
        store.begin_attempt(trial.id, node="10.0.0.8", started=1.75e9)
        history = epochs(trial, ending)
        store.commit(seal(_result(trial, ending, history, data), history))


def epochs(trial: Trial, ending: Ending) -> tuple[EpochRecord, ...]:
    """Return the made-up epochs of a trial; the last one reaches its accuracy."""
    number = trial.epochs if ending.epochs is None else ending.epochs
    per_epoch = trial.train_size // trial.batch_size
    return tuple(
        EpochRecord(
            epoch=epoch,
            step=epoch * per_epoch,
            eta=trial.eta_max / epoch,
            train_cost=ending.loss * 2.5 / epoch + trial.lam,
            train_loss=ending.loss * 2.5 / epoch,
            train_accuracy=ending.accuracy * epoch / number,
            validation_cost=ending.loss * 3 / epoch + trial.lam,
            validation_loss=ending.loss * 3 / epoch,
            validation_accuracy=ending.accuracy * epoch / number,
            seconds=0.1 + 0.2 * epoch,
            activation_std=_scales(trial, 0.5),
            gradient_std=_scales(trial, 1e-3)[::-1],
        )
        for epoch in range(1, number + 1)
    )


def _scales(trial: Trial, first: float) -> tuple[float, ...]:
    """Return made-up scales, layer by layer: without batch norm they fade with σ."""
    factor = 1.0 if trial.batch_norm or trial.sigma is None else trial.sigma
    return tuple(first * factor**layer for layer in range(len(trial.hidden)))


def _result(
    trial: Trial, ending: Ending, history: tuple[EpochRecord, ...], data: DataRecord
) -> Result:
    classes = len(data.classes)
    completed = ending.state is State.COMPLETED
    train = validation = test = None
    if history:
        last, n = history[-1], trial.validation_size
        error = ending.loss_error
        train = Figures(last.train_cost, last.train_loss, last.train_accuracy, n, error)
        validation = Figures(
            last.validation_cost, last.validation_loss, last.validation_accuracy, n, error
        )
    arrays = {}
    if completed:
        arrays["validation_correct"] = labelled_right(ending.accuracy, trial.validation_size)
    if completed and trial.with_test:
        test = Figures(1.25, 1.2, ending.accuracy - 1 / 64, data.test_size)
        arrays["confusion"] = np.eye(classes, dtype=np.int64) * 20 + np.arange(classes)
        network = initial_network(trial, inputs=data.inputs, classes=classes)
        arrays |= {f"{NETWORK_PREFIX}{name}": array for name, array in network.arrays().items()}
    return Result(
        trial_id=trial.id,
        state=ending.state,
        epochs=len(history),
        train=train,
        validation=validation,
        test=test,
        seconds=0.1 + 0.2 * len(history),
        environment=HERE,
        arrays=arrays,
    )


STUDIES: Mapping[str, Endings] = {
    "finished": good,
    "nothing yet": lambda trial: WAITING,
    "coarse grid open": by_lambda({1e-1: WAITING}),
    "fine grid open": by_lambda({2e-2: WAITING}),
    "final model open": final(WAITING),
    "one failed": by_lambda({1e-3: FAILED}),
    "one diverged": by_lambda({1e-1: DIVERGED}),
    "one diverged at once": by_lambda({1e-1: DIVERGED_AT_ONCE}),
    "failed, diverged, open": by_lambda({1e-3: FAILED, 1e-1: DIVERGED, 5e-3: WAITING}),
    "all failed": lambda trial: FAILED,
    "all diverged": lambda trial: DIVERGED,
    "all diverged at once": lambda trial: DIVERGED_AT_ONCE,
    "final model failed": final(FAILED),
    "final model diverged": final(DIVERGED),
    "final model diverged at once": final(DIVERGED_AT_ONCE),
    "all at chance": lambda trial: Ending(0.1),
    "all right": lambda trial: Ending(1.0),
    "all wrong": lambda trial: Ending(0.0),
}
"""How a study may stand when its report is written."""
DRAWN = (
    "finished",
    "nothing yet",
    "fine grid open",
    "failed, diverged, open",
    "all diverged at once",
    "final model diverged",
)
"""Those whose figures differ in kind; drawing takes most of a report's time."""
