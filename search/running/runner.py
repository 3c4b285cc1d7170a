"""The runner: sends a plan's trials to a pool, keeps what comes back, asks the plan for more.

It knows pools by what they do (`submit`, `poll`), not by name; any number of plans share one
pool, so that no core idles while one of them waits for the end of its stage.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kbn.epoch import EpochRecord
from kbn.errors import visible
from search.plan import Plan, Progress, Stage, replay
from search.records import Failure, Outcome, Result, State
from search.running.order import Order
from search.store.sealed import Sealed
from search.store.store import Store
from search.training.checkpoint import Checkpoint, Start
from search.training.packing import epochs
from search.trial import Trial


class Event(Protocol):
    """What a pool reports: see `cluster.events.Event`."""

    @property
    def kind(self) -> str:
        """`started`, `item`, `done`, `retry` or `failed`."""

    @property
    def key(self) -> str:
        """What the task was submitted under."""

    @property
    def node(self) -> str:
        """Host of the attempt."""

    @property
    def value(self) -> Any:
        """An item, or why an attempt ended early."""


class Pool(Protocol):
    """Where trials run."""

    def submit(self, key: str, payload: Any, *, once: bool = False, ahead: bool = False) -> None:
        """Queue a task, `ahead` of those that wait or behind; one `once` is not tried again."""

    def replace(self, key: str, payload: Any) -> None:
        """Give further attempts at a task another payload: they start further on."""

    def poll(self, timeout: float) -> Sequence[Event]:
        """Return what happened, waiting up to `timeout` seconds for something to happen."""

    def withdraw(self) -> None:
        """Forget the tasks that have not started."""

    def order(self, keys: Sequence[str]) -> None:
        """Let the tasks that wait start in the order of their keys."""

    @property
    def busy(self) -> bool:
        """Whether a task runs, or is to be tried again."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that an observer of a study may want to show."""

    trial: Trial
    stage: str
    label: str
    """What tells the trial from the others of its stage."""
    state: State
    record: EpochRecord | None = None
    """The epoch just trained, while `state` is `running`: the last of those that came together."""
    untold: int = 0
    """Epochs trained since the notice before, beside that of `record`."""
    result: Result | None = None
    failure: Failure | None = None
    """Why the last attempt ended; another follows unless `state` is `failed`."""
    kept: bool = False
    """Whether the store held the result before this run."""


COMMIT_SECONDS = 0.1
"""How long what came in waits for more before it is brought to the disk together. A pool that works
in `poll` itself leaves it waiting for longer: 0 is right there."""
Observer = Callable[[Notice], None]
Packing = Callable[[Sequence[Trial]], Sequence[tuple[Trial, ...]]]
"""Which trials train in one task: see `search.training.packing.packs`."""


def singly(trials: Sequence[Trial]) -> Sequence[tuple[Trial, ...]]:
    """Return each trial as a task of its own."""
    return [(trial,) for trial in trials]


def run_plans(
    plans: Mapping[str, Plan],
    *,
    pool: Callable[[], Pool],
    store: Store,
    observe: Observer = lambda _: None,
    packing: Packing = singly,
    poll_seconds: float = 1.0,
    commit_seconds: float = COMMIT_SECONDS,
    stop: Callable[[], bool] = lambda: False,
    slots: Callable[[], int] | None = None,
) -> Mapping[str, Progress]:
    """Run plans to their ends and return where each of them came to.

    What the store holds is not trained again. A trial whose attempts all failed is sent to its
    plan without a result; the next run tries it anew. `pool` is called when there is something
    to train, and not before. Its tasks are given a tuple of `Start`, made by `packing` of those
    trials that the plans ask for at a time, and yield pairs of a trial's id and what
    `search.store.sealed.sealing` makes of its training; of epochs, the last that an observer
    should hear of. When a task of several trials fails, those without a result are tried again
    alone. What is tried again, now or by the next run, starts at its last checkpoint.

    At first trials of the first plan run, then the others, the longest tasks before shorter ones,
    so that the cores end together. What a plan asks for later goes ahead of what waits: more may
    follow from it, and at the end of a study no core should wait for its plan. With `slots`, which
    returns how many tasks can run at once, what waits is put in order then, by what was learnt of
    how long it takes: see `search.running.order`.

    Once `stop` says so no further trial starts, and when those that run have ended this raises
    `KeyboardInterrupt`, unless that was all there was to do.
    """
    run = _Run(store, observe)
    progress = {name: replay(plan, run.lookup, run.knows) for name, plan in plans.items()}
    new = {name: run.new_trials(each) for name, each in progress.items()}
    if all(each.choice for each in progress.values()):
        return progress
    workers = pool()
    ahead = stopping = False
    first = next(iter(progress))
    with store.grouping(commit_seconds):
        while True:
            levels = run.levels([trial for trials in new.values() for trial in trials])
            tasks = [pack for level in levels for pack in packing(level)]
            leading = {trial.id for trial in new[first]}
            tasks.sort(key=lambda pack: (leading.isdisjoint(t.id for t in pack), -epochs(pack)))
            for pack in tasks[::-1] if ahead else tasks:
                workers.submit(run.task(pack), run.starts(pack), once=len(pack) > 1, ahead=ahead)
            if tasks and slots is not None:
                workers.order(run.order.keys(slots()))
            ahead = True
            if all(each.choice for each in progress.values()):
                return progress
            if not stopping and stop():
                stopping = True
                workers.withdraw()
            if stopping and not workers.busy:
                raise KeyboardInterrupt
            for event in workers.poll(min(poll_seconds, store.settle_in())):
                run.follow(event, workers)
            run.tell_epochs()
            for name, each in progress.items():
                each.advance(run.lookup, run.knows)
                new[name] = [] if stopping else run.new_trials(each)
            store.settle()


class _Run:
    """Book-keeping of one run: what is under way and what failed."""

    def __init__(self, store: Store, observe: Observer) -> None:
        self._store = store
        self._observe = observe
        self._trials: dict[str, Trial] = {}
        self._stages: dict[str, Stage] = {}
        self._ended: dict[str, bool] = {}
        """The trials that will not be trained any more, and whether they have a result."""
        self._attempts: dict[str, int] = {}
        self._tasks: dict[str, tuple[Trial, ...]] = {}
        self.order = Order(lambda task: self._stages[task[0].id].role.chooses)
        self._checkpoints: dict[str, Checkpoint] = {}
        self._latest: dict[str, EpochRecord] = {}
        """The last epoch of those trials of which an observer has to hear."""
        self._told: dict[str, int] = {}
        """Epochs that are behind each trial under way, as far as an observer knows."""

    def knows(self, trial: Trial) -> bool:
        """Say whether a trial has an outcome: from this run, or in the store."""
        new = trial.id not in self._ended and trial.id not in self._trials
        if new and self._store.has_result(trial.id):
            self._ended[trial.id] = True
        return trial.id in self._ended

    def lookup(self, trial: Trial) -> Outcome | None:
        """Return a trial's outcome, whose result the store alone holds."""
        if not self.knows(trial):
            return None
        return Outcome(trial, self._store.result(trial.id) if self._ended[trial.id] else None)

    def task(self, trials: tuple[Trial, ...]) -> str:
        """Return the key of a task that trains trials."""
        key = "+".join(trial.id for trial in trials)
        self._tasks[key] = trials
        self.order.wait(key, trials)
        return key

    def starts(self, trials: tuple[Trial, ...]) -> tuple[Start, ...]:
        """Return trials with where each of them can start."""
        return tuple(Start(trial, self._checkpoints.get(trial.id)) for trial in trials)

    def levels(self, trials: Sequence[Trial]) -> Sequence[Sequence[Trial]]:
        """Return trials grouped by the epochs behind them: members of a pack start level."""
        levels: dict[int, list[Trial]] = {}
        for trial in trials:
            checkpoint = self._checkpoints.get(trial.id)
            levels.setdefault(checkpoint.state.epoch if checkpoint else 0, []).append(trial)
        return list(levels.values())

    def new_trials(self, progress: Progress) -> Sequence[Trial]:
        """Return what a plan has asked for and is neither known nor under way; tell it all."""
        new = []
        for stage in progress.unseen_stages():
            for trial in stage.trials:
                if trial.id in self._trials:
                    continue
                known = self.lookup(trial)
                self._trials[trial.id], self._stages[trial.id] = trial, stage
                if known is None or known.result is None:
                    new.append(trial)
                else:
                    self._notify(trial.id, known.result.state, result=known.result, kept=True)
        if new:
            self._store.add_trials(new)
        for trial in new:
            if (checkpoint := self._store.checkpoint(trial.id)) is not None:
                self._checkpoints[trial.id] = checkpoint
            self._notify(trial.id, State.WAITING)
        return new

    def follow(self, event: Event, pool: Pool) -> None:
        """Take in one event of the pool, and tell it what follows for tasks it has or gets."""
        again = self.handle(event)
        trials = self._tasks[event.key]
        checkpointed = event.kind == "item" and isinstance(event.value[1], Checkpoint)
        if checkpointed and len(trials) == 1:  # a pack is not tried again as such
            pool.replace(event.key, self.starts(trials))
        if event.kind in ("done", "failed"):
            del self._tasks[event.key]
        for trial in again:
            pool.submit(self.task((trial,)), self.starts((trial,)))

    def handle(self, event: Event) -> Sequence[Trial]:
        """Take in one event of the pool; return the trials to try again, each alone.

        What follows a trial's result changes nothing.
        """
        task, value = self._tasks[event.key], event.value
        pending = [trial for trial in task if trial.id not in self._ended]
        if event.kind in ("done", "failed"):
            self.order.end(event.key, well=event.kind == "done")
        elif event.kind == "retry":
            self.order.wait(event.key, task)
        match event.kind:
            case "started":
                self.order.begin(event.key)
                for trial in pending:
                    self._begin(trial.id, event.node)
            case "item":
                trial_id, item = value
                if trial_id not in self._ended:
                    self._take(trial_id, item)
                    if isinstance(item, Sealed):
                        self.order.spend(event.key, item.result.seconds)
            case "retry" | "failed":
                kind, message, trace = map(visible, (value.type, value.message, value.traceback))
                failure = Failure(kind, message, trace, value.lost)
                final = event.kind == "failed" and len(task) == 1
                for trial in pending:
                    self._fail(trial.id, failure, final=final)
                return pending if len(task) > 1 else ()
        return ()

    def _begin(self, key: str, node: str) -> None:
        checkpoint = self._checkpoints.get(key)
        self._told[key] = checkpoint.state.epoch if checkpoint else 0
        self._attempts[key] = self._store.begin_attempt(key, node=node, started=time.time())
        self._notify(key, State.RUNNING)

    def _take(self, key: str, item: EpochRecord | Checkpoint | Sealed) -> None:
        match item:
            case EpochRecord():
                self._latest[key] = item
            case Checkpoint():
                self._store.keep_checkpoint(key, item)
                self._checkpoints[key] = item
                if item.state.epoch > self._told[key]:  # it may have taken its record's place
                    self._latest[key] = item.history[-1]
            case Sealed(result):
                self._store.commit(item)
                untold = max(0, result.epochs - self._told[key])
                self._end(key, result=True)
                self._notify(key, result.state, result=result, untold=untold)

    def _end(self, key: str, *, result: bool) -> None:
        """Let go of what was known of a trial under way."""
        self._ended[key] = result
        self._attempts.pop(key, None)
        self._checkpoints.pop(key, None)
        self._latest.pop(key, None)
        self._told.pop(key, None)

    def tell_epochs(self) -> None:
        """Tell the observer how far trials have come."""
        for key, record in self._latest.items():
            # One that could not use its checkpoint is behind what was told.
            untold = max(0, record.epoch - self._told[key] - 1)
            self._told[key] = record.epoch
            self._notify(key, State.RUNNING, record=record, untold=untold)
        self._latest.clear()

    def _fail(self, key: str, failure: Failure, *, final: bool) -> None:
        self._latest.pop(key, None)
        if key not in self._attempts:  # lost before it started
            self._attempts[key] = self._store.begin_attempt(key, node="", started=time.time())
        self._store.end_attempt(key, self._attempts.pop(key), failure)
        if final:
            self._end(key, result=False)
        self._notify(key, State.FAILED if final else State.WAITING, failure=failure)

    def _notify(self, key: str, state: State, **what: Any) -> None:
        trial, stage = self._trials[key], self._stages[key]
        self._observe(Notice(trial, stage.name, stage.label(trial), state, **what))
