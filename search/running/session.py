"""One run of a study's command: it trains what the store does not hold yet, and is noted there."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from rich.console import Console

from search.records import Session
from search.running import live
from search.running.live_page import LivePage, WritePage
from search.running.progress import ProgressFile
from search.running.runner import COMMIT_SECONDS, Notice, Observer, Pool, run_plans
from search.running.tail import Tail, Tell
from search.running.tally import Tally
from search.running.workers import OpenPool, Workers
from search.settings.execution import Execution
from search.settings.spec import Experiment, StudySpec
from search.store.folder import PROGRESS, STOP
from search.store.store import Store
from search.training.packing import packs
from search.training.problem import Problem, plan_of


class TrainingSession:
    """A run under way, from the start of its workers on."""

    def __init__(
        self,
        spec: StudySpec,
        how: Execution,
        problem: Problem,
        *,
        workers: Workers,
        console: Console,
    ) -> None:
        self._spec, self._how, self._problem = spec, how, problem
        self._workers, self._console = workers, console
        self._started, self._clock = time.time(), time.perf_counter()
        self._trained = 0
        self._pool: OpenPool | None = None
        self._most = 0

    def train(
        self,
        store: Store,
        write_page: WritePage,
        *,
        last: Tell = lambda _: None,
        look: Callable[[], None] = lambda: None,
    ) -> None:
        """Train what is missing; show and note it, however it ends, and say when all has ended.

        `last` is told when the last trials train, as `Tail` does. `look` is called again and again:
        what it raises ends the session.
        """
        first = store.first_trial()
        parts = self._spec.experiments()
        tally = Tally([part.outline() for part in parts])
        with ExitStack() as stack:
            shown = stack.enter_context(live.watch(self._console, tally, quiet=self._how.quiet))
            page = stack.enter_context(
                LivePage(write_page, tally, say=partial(live.say, self._console))
            )
            progress = stack.enter_context(
                ProgressFile(store.path.with_name(PROGRESS), tally, parts)
            )
            stack.callback(self._note, store)

            def stop() -> bool:
                look()
                return store.path.with_name(STOP).exists()

            run_plans(
                {
                    part.kind: plan_of(part, self._problem.record, first)
                    for part in sorted(parts, key=_length, reverse=True)
                },
                pool=self._open_pool,
                store=store,
                observe=self._counting(tally, shown, page, progress, Tail(last, tally)),
                packing=lambda new: packs(new, size=self._how.pack, slots=self._slots()),
                commit_seconds=0.0 if self._how.serial else COMMIT_SECONDS,
                stop=stop,
                slots=None if self._how.serial else self._slots,
            )
        live.say(self._console, "all trials have ended; the report is being written")

    def _open_pool(self) -> Pool:
        self._pool = self._workers.open()
        return self._pool

    def _slots(self) -> int:
        """Return how many tasks can run at once now: nodes of a cluster come and go."""
        assert self._pool is not None
        slots = self._pool.slots
        self._most = max(self._most, slots)
        return slots

    def _counting(self, *observers: Observer) -> Observer:
        """Return an observer that counts results and tells others."""

        def count(notice: Notice) -> None:
            self._trained += notice.result is not None and not notice.kept
            for observe in observers:
                observe(notice)

        return count

    def _note(self, store: Store) -> None:
        """Write the session; one that started no pool trained nothing and leaves no trace."""
        if self._pool:
            seconds = time.perf_counter() - self._clock
            self._slots()  # nodes may have come since the last stage began
            store.add_session(
                Session(self._started, seconds, self._pool.describe, self._most, self._trained)
            )


def _length(part: Experiment) -> int:
    """Return the epochs that an experiment takes at least, since its stages follow each other."""
    longest: dict[str, int] = {}
    for stage in part.outline():
        longest[stage.name] = max(stage.epochs, longest.get(stage.name, 0))
    return sum(longest.values())
