"""Made-up trials, results and pools for tests of the search: nothing here trains."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from benchmarks.made_up import BASE, HERE, epoch, labelled_right, result, trial
from cluster.events import Event, Kind, TaskFailure
from cluster.serial import with_last
from kbn.epoch import EpochRecord
from kbn.initialise import he, initialise
from kbn.training import TrainingState
from search.records import Outcome, Result, State
from search.settings.values import Cycle
from search.space.axis import LAM
from search.space.points import Space
from search.store.sealed import sealing
from search.training.checkpoint import Checkpoint, Item, Start
from search.trial import Trial

__all__ = ["BASE", "HERE", "epoch", "labelled_right", "result", "trial"]
"""Made-up parts that benchmarks know too."""


def outcome(
    lam: float, accuracy: float, *, replicate: int = 0, state: State = State.COMPLETED
) -> Outcome:
    """Return an outcome; state `failed` means one without a result."""
    of = trial(lam, replicate=replicate)
    return Outcome(of, None if state is State.FAILED else result(of, accuracy, state=state))


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
        self.ordered: list[list[str]] = []
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

    def order(self, keys: Sequence[str]) -> None:
        """Take note of the order that is asked for: tasks run at random in any case."""
        self.ordered.append(list(keys))

    def withdraw(self) -> None:
        """Forget the tasks of which nothing was told yet."""
        for key in [key for key, queue in self._queues.items() if queue[0].kind is Kind.STARTED]:
            del self._queues[key]

    @property
    def busy(self) -> bool:
        """Whether a task has something to tell."""
        return bool(self._queues)

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

    def _trained(self, _: None, payload: tuple[Start, ...]) -> Iterator[tuple[str, Item]]:
        """Train as a study's task does."""
        yield from ((trial.id, item) for trial, _ in payload for item in self.train(trial))

    def _events(self, key: str, payload: tuple[Start, ...], *, once: bool) -> Iterator[Event]:
        for attempt, ending in ((1, Kind.RETRY), (2, Kind.FAILED))[once:]:
            yield Event(Kind.STARTED, key, attempt, "here", None)
            try:
                for item in with_last(sealing(self._trained, None, payload)):
                    yield Event(Kind.ITEM, key, attempt, "here", item)
            except RuntimeError as error:
                failure = TaskFailure(type(error).__name__, str(error), "Traceback …", lost=False)
                yield Event(ending, key, attempt, "here", failure)
            else:
                yield Event(Kind.DONE, key, attempt, "here", None)
                return


LAMBDAS = Space((LAM,), Cycle(10, "epochs"))
"""The space of a λ search."""


def by_lam(of: Trial) -> str:
    """Return a trial's label where trials differ in λ."""
    return LAM.label(of.lam)
