"""The workers of a study: a pool that is opened at most once, and closed while a report is written.

Ray takes seconds to start and to end. It starts while the data's moments are taken, and ends while
the figures are drawn.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol, Self

import cluster
from search.running.runner import Pool
from search.settings.execution import Execution
from search.store.sealed import sealing
from search.training.problem import Problem
from search.training.trainer import Shared, stamp, train_trials
from search.training.versions import versions


class OpenPool(Pool, Protocol):
    """A pool as `cluster` makes it."""

    @property
    def slots(self) -> int:
        """Tasks that can run at once."""

    @property
    def describe(self) -> str:
        """What runs the tasks, in words."""

    def close(self) -> None:
        """End what runs, and what was started."""


class Workers:
    """Opens the pool that `how` asks for, when it is asked to; a context manager.

    At the end the pool is closed, and all that it started has ended.
    """

    def __init__(self, how: Execution, problem: Problem, *, say: Callable[[str], None]) -> None:
        self._how, self._problem, self._say = how, problem, say
        self._pool: OpenPool | None = None
        self._closing: Future[None] | None = None

    def open(self) -> OpenPool:
        """Return the pool, opened the first time.

        Raises `ClusterError` as `cluster.RayPool` does, and what making the data raises.
        """
        if self._pool is None:
            self._pool = self._made()
        return self._pool

    def _made(self) -> OpenPool:
        how, problem = self._how, self._problem
        task = partial(sealing, train_trials)
        if how.serial:
            return cluster.SerialPool(
                task,
                self._checkpointed(problem.shared),
                retries=how.retries,
                stall_seconds=how.trial_timeout,
            )
        return cluster.RayPool(
            task,
            cluster.Later(
                lambda: self._checkpointed(problem.unfilled()), problem.fill, problem.shared_bytes
            ),
            address=how.address,
            cpus_per_task=how.cpus_per_trial,
            memory_per_task=round(how.memory_per_trial * cluster.MEGABYTE),
            max_concurrent=how.max_concurrent,
            retries=how.retries,
            stall_seconds=how.trial_timeout,
            py_modules=_own_packages() if how.address else (),
            versions=versions,
            stamp=stamp,
            say=self._say,
        )

    def _checkpointed(self, shared: Shared) -> Shared:
        return replace(shared, checkpoint_cycles=self._how.checkpoint_cycles)

    def release(self) -> None:
        """Begin to close the pool, and return at once: nothing more will be trained."""
        if self._pool is not None and self._closing is None:
            executor = ThreadPoolExecutor(1, "close")
            try:
                self._closing = executor.submit(self._pool.close)
            finally:  # as in `search.training.problem`
                executor.shutdown(wait=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._closing is not None:
            with cluster.signals_deferred():  # the next study would meet a Ray that still ends
                self._closing.result()
        elif self._pool is not None:
            self._pool.close()


def _own_packages() -> tuple[Path, ...]:
    """Return the folders of the packages that a cluster's workers need."""
    here = Path(__file__).resolve().parent.parent.parent
    return tuple(here / package for package in ("kbn", "search", "cluster", "reports"))


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM stop a study as Ctrl-C does: a scheduler's notice must lose nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGTERM, lambda *_: None)  # schedulers send it again
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
