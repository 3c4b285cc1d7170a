"""Made-up trials, results and pools for tests of the search: nothing here trains."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cluster.events import Event, Kind, TaskFailure
from kbn.initialise import he, initialise
from kbn.training import TrainingState
from search.checkpoint import Checkpoint, Start
from search.narrow import Outcome
from search.records import Environment, EpochRecord, Figures, Result, State
from search.trial import Trial

BASE = Trial(
    data="made-up",
    fingerprint="0123456789abcdef",
    train_size=900,
    validation_size=100,
    stratified=False,
    hidden=(5,),
    batch_norm=True,
    alpha=0.9,
    init="he",
    sigma=None,
    schedule="triangular",
    eta_min=1e-5,
    eta_max=1e-1,
    cycle_steps=18,
    batch_size=100,
    epochs=4,
    lam=0.0,
    seed=0,
)

HERE = Environment(
    host="here", cpu="a CPU", python="3.11", numpy="2.0", blas="a BLAS", blas_threads=1, ray=None
)


def trial(lam: float = 1e-2, **changes: Any) -> Trial:
    """Return a trial that differs from the base as asked."""
    return replace(BASE, lam=lam, **changes)


def result(of: Trial, accuracy: float, *, state: State = State.COMPLETED) -> Result:
    """Return a made-up result; equal trials and accuracies give equal results."""
    figures = Figures(cost=1.5, loss=1.4, accuracy=accuracy, n=of.validation_size)
    return Result(
        trial_id=of.id,
        state=state,
        epochs=of.epochs,
        train=figures,
        validation=figures,
        test=figures if of.with_test else None,
        seconds=1.0,
        environment=HERE,
        arrays={"validation_correct": labelled_right(accuracy, of.validation_size)},
    )


def labelled_right(accuracy: float, n: int) -> np.ndarray:
    """Return packed bits of which images a run labels right: the first ones, as many as it says.

    A run of lower accuracy is right on a part of the images of one of higher accuracy, so even
    small differences between two runs are certain.
    """
    return np.packbits(np.arange(n) < round(accuracy * n))


def outcome(
    lam: float, accuracy: float, *, replicate: int = 0, state: State = State.COMPLETED
) -> Outcome:
    """Return an outcome; state `failed` means one without a result."""
    of = trial(lam, replicate=replicate)
    return Outcome(of, None if state is State.FAILED else result(of, accuracy, state=state))


def epoch(number: int, accuracy: float = 0.5) -> EpochRecord:
    """Return a made-up epoch record."""
    return EpochRecord(
        epoch=number,
        step=9 * number,
        eta=1e-3,
        train_cost=1.5,
        train_loss=1.4,
        train_accuracy=accuracy,
        validation_cost=1.5,
        validation_loss=1.4,
        validation_accuracy=accuracy,
        seconds=0.5,
        activation_std=(0.6, 0.1 + 0.2),
        gradient_std=(1e-3, 0.0),
    )


def checkpoint(epochs: int) -> Checkpoint:
    """Return where a small network stands after so many epochs."""
    rng = np.random.default_rng(epochs)
    network = initialise(inputs=5, hidden=(3, 2), classes=2, batch_norm=True, init=he(), rng=rng)
    state = TrainingState(network, epochs, 10 * epochs, rng.bit_generator.state)
    environment = result(trial(), 0.5).environment
    return Checkpoint(state, tuple(map(epoch, range(1, epochs + 1))), 1.5 * epochs, environment)


Trainer = Callable[[Trial], Iterator[EpochRecord | Result]]


def fake_training(accuracy: Callable[[float], float]) -> Trainer:
    """Return a trainer whose accuracy is a function of λ."""

    def train(of: Trial) -> Iterator[EpochRecord | Result]:
        for number in range(1, of.epochs + 1):
            yield epoch(number, accuracy(of.lam))
        yield result(of, accuracy(of.lam))

    return train


class FakePool:
    """A pool that runs a trainer in this process, in an order of the test's choosing.

    `interrupt_after` events a KeyboardInterrupt is raised, as Ctrl-C would. A trainer that
    raises is retried once, then given up.
    """

    def __init__(
        self, train: Trainer, *, rng: np.random.Generator, interrupt_after: float = np.inf
    ) -> None:
        self.train = train
        self.submitted: list[str] = []
        self.ahead: list[bool] = []
        """Whether each of them was to go ahead of what waits."""
        self._rng = rng
        self._left = interrupt_after
        self._queues: dict[str, deque[Event]] = {}

    def submit(
        self, key: str, payload: tuple[Start, ...], *, once: bool = False, ahead: bool = False
    ) -> None:
        """Queue a task's events; the order of tasks is drawn at random in any case."""
        self.ahead.append(ahead)
        assert key not in self.submitted, "a trial must not be submitted twice"
        self.submitted.append(key)
        self._queues[key] = deque(self._events(key, payload, once=once))

    def replace(self, key: str, payload: tuple[Start, ...]) -> None:
        """Take note of nothing: its trainers send no checkpoints."""
        raise AssertionError(f"{key} is replaced by {payload}")

    def poll(self, timeout: float) -> Sequence[Event]:
        """Return the next event of a trial drawn at random."""
        assert timeout >= 0
        assert self._queues, "polled with nothing to do"
        if self._left <= 0:
            raise KeyboardInterrupt
        self._left -= 1
        key = list(self._queues)[self._rng.integers(len(self._queues))]
        event = self._queues[key].popleft()
        if not self._queues[key]:
            del self._queues[key]
        return [event]

    def _events(self, key: str, payload: tuple[Start, ...], *, once: bool) -> Iterator[Event]:
        for attempt, ending in ((1, Kind.RETRY), (2, Kind.FAILED))[once:]:
            yield Event(Kind.STARTED, key, attempt, "here", None)
            try:
                for trial, _ in payload:
                    for item in self.train(trial):
                        yield Event(Kind.ITEM, key, attempt, "here", (trial.id, item))
            except RuntimeError as error:
                failure = TaskFailure(type(error).__name__, str(error), "Traceback …", lost=False)
                yield Event(ending, key, attempt, "here", failure)
            else:
                yield Event(Kind.DONE, key, attempt, "here", None)
                return
