"""The real runner, pool and store at work on trials that sleep, and what the driver did."""

from __future__ import annotations

import itertools
import math
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import trivial
from benchmarks.driver_model import Load, traffic
from benchmarks.processes import _family
from cluster import Event, Kind, RayPool
from cluster.messages import attempt
from cluster.ray_pool import _Bundle, _Work
from search.store.store import Store
from search.training.checkpoint import Start
from search.training.trainer import stamp

CORES = os.cpu_count() or 1
BUNDLE = 8
"""Trials of a bundle whose submission is timed."""
ONE_BY_ONE = {"max_retries": 0, "num_returns": "streaming", "enable_task_events": False}
"""How the pool has its bundles run."""


@dataclass(frozen=True)
class Run:
    """A study of sleeping trials, measured."""

    load: Load
    wall: float
    """Seconds from the first submission to the last result."""
    busy: float
    """Seconds of a core that the driver's loop took, its commits apart."""
    commits: int
    committing: float
    """Seconds in which the driver waited for the disk."""
    polls: int
    together: bool
    """Whether a question of the pool's ever brought messages of several trials."""
    taken: float = 0.0
    """Share of this machine's cores that driver, Ray and workers took."""

    @property
    def messages(self) -> int:
        """Messages of all trials."""
        return traffic(self.load).messages

    @property
    def efficiency(self) -> float:
        """Share of the slots' time in which trials slept, as they were asked to."""
        return self.load.trials * self.load.seconds / (self.load.slots * self.wall)


class _Metered:
    """A pool that counts."""

    def __init__(self, pool: RayPool) -> None:
        self._pool = pool
        self._open = 0
        self.polls, self.together = 0, False
        self.replace, self.withdraw, self.order = pool.replace, pool.withdraw, pool.order

    def submit(self, key: str, payload: Any, *, once: bool = False, ahead: bool = False) -> None:
        self._open += 1
        self._pool.submit(key, payload, once=once, ahead=ahead)

    def poll(self, timeout: float) -> Sequence[Event]:
        events = self._pool.poll(timeout)
        self.polls += 1
        self.together |= len({event.key for event in events}) > 1
        self._open -= sum(event.kind in (Kind.DONE, Kind.FAILED) for event in events)
        return events

    @property
    def busy(self) -> bool:
        return self._pool.busy

    def drain(self) -> None:
        """Take what follows the last results, so that another study can use the pool."""
        while self._open:
            self.poll(1.0)


class _TimedCommits:
    """A store's connection that times its commits."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.commits, self.seconds, self.busy = 0, 0.0, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
        if statement != "COMMIT":
            return self._database.execute(statement, *parameters)
        changed = self._database.total_changes
        start, busy = time.perf_counter(), time.thread_time()
        try:
            return self._database.execute(statement)
        finally:
            if changed != self._changes:  # an empty one touches no disk
                self.commits += 1
                self.seconds += time.perf_counter() - start
                self.busy += time.thread_time() - busy
                self._changes = changed

    _changes = 0


@contextmanager
def pool_of(slots: int) -> Iterator[RayPool]:
    """Yield a pool on an embedded Ray with so many slots, each with a worker that is up.

    Sleeping needs no core, so that a slot may be a small part of one.
    """
    # Else Ray ends workers beyond the number of cores as soon as they idle for a second.
    os.environ.setdefault("RAY_idle_worker_killing_time_threshold_ms", "600000")
    share = min(1.0, math.floor(1e4 * CORES / slots) / 1e4)
    with RayPool(
        trivial.sleep, None, cpus_per_task=share, max_concurrent=slots, stamp=stamp
    ) as pool:
        trivial.warm(pool)
        yield pool


def measured(pool: RayPool, load: Load, disk: Path) -> Run:
    """Run a study of sleeping trials on a pool, its store on a disk."""
    asked = trivial.trials(load.trials, seconds=load.seconds, records=load.records)
    counting = _Metered(pool)
    with tempfile.TemporaryDirectory(dir=disk) as place, Store(Path(place) / "study.db") as store:
        timed = _TimedCommits(store._db)  # noqa: SLF001 - what it does is what is measured
        store._db = timed  # type: ignore[assignment]  # noqa: SLF001 - as above
        all_before, before = _seconds_of_all(), time.thread_time()
        wall = trivial.run_through(asked, counting, store)
        busy, of_all = time.thread_time() - before, _seconds_of_all() - all_before
        polls = counting.polls
        counting.drain()
    return Run(
        load=load,
        wall=wall,
        busy=busy - timed.busy,
        commits=timed.commits,
        committing=timed.seconds,
        polls=polls,
        together=counting.together,
        taken=of_all / (CORES * wall),
    )


def _seconds_of_all() -> float:
    """Return the seconds of a core that this process and its descendants have taken."""
    return time.process_time() + sum(_family().values())


def asking(streams: Sequence[int], *, records: int = 60) -> tuple[dict[int, float], float]:
    """Return the pool's seconds of a core a message, by the streams that it asks about.

    All but one of the streams are of tasks that ask for a resource that nowhere is, so that they
    wait for ever and cost no process. Returned, too: the seconds that each took to submit.
    """
    found, submitting = {}, 0.0
    for number in streams:
        with RayPool(trivial.sleep, None) as pool:
            trials = [(trial, None) for trial in trivial.trials(1, records=records)]
            _submit(pool, pool._ray.remote(**ONE_BY_ONE)(attempt), "task", [trials])  # noqa: SLF001 - as below
            while not any(event.kind is Kind.STARTED for event in pool.poll(1.0)):
                pass
            nowhere = pool._ray.remote(num_cpus=0, resources={"nowhere": 1}, **ONE_BY_ONE)(attempt)  # noqa: SLF001 - as below
            bundle = [(Start(trial),) for trial in trivial.trials(BUNDLE)]
            start = time.thread_time()
            for n in range(number - 1):
                _submit(pool, nowhere, f"{n}", bundle)
            submitting = (time.thread_time() - start) / max(1, number - 1)
            found[number] = _median_poll(pool)
    return found, submitting


def _submit(pool: RayPool, remote: Any, key: str, payloads: Sequence[Any]) -> None:
    """Have a pool wait for a bundle that sends each of its items at once."""
    stream = remote.remote(pool._task, pool._shared, payloads, 0.0)  # noqa: SLF001 - no public way to have so many
    pool._running[stream] = _Bundle([_Work(key, payload) for payload in payloads])  # noqa: SLF001 - as above


def _median_poll(pool: RayPool) -> float:
    """Return the median seconds of a core of those polls that brought an event."""
    seconds = []
    for _ in itertools.count():
        start = time.thread_time()
        events = pool.poll(1.0)
        if events:
            seconds.append(time.thread_time() - start)
        if any(event.kind in (Kind.DONE, Kind.FAILED) for event in events):
            return statistics.median(seconds)
    raise AssertionError
