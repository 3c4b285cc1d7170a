"""A pool without Ray: tasks run in the calling process, one after the other."""

from __future__ import annotations

import socket
import traceback
from collections import deque
from collections.abc import Iterator
from typing import Any, Self

from cluster.events import Event, Kind, Task, TaskFailure
from cluster.retry import Tries, may_retry


class SerialPool:
    """Runs tasks here, in the order of submission; one step of a task for each poll.

    Parameters
    ----------
    task
        `task(shared, payload)` yields items.
    shared
        What all tasks read.
    retries
        Further attempts at a task that raises.
    """

    slots = 1
    describe = "serial"

    def __init__(self, task: Task, shared: Any, *, retries: int = 1) -> None:
        self._task = task
        self._shared = shared
        self._retries = retries
        self._queue: deque[tuple[str, Any]] = deque()
        self._events: Iterator[Event] = iter(())

    def submit(self, key: str, payload: Any) -> None:
        """Queue a task."""
        self._queue.append((key, payload))

    def poll(self, timeout: float) -> list[Event]:  # noqa: ARG002 - there is nothing to wait for
        """Run the current task up to its next event; [] when there is nothing to do."""
        while True:
            for event in self._events:
                return [event]
            if not self._queue:
                return []
            self._events = self._run(*self._queue.popleft())

    def _run(self, key: str, payload: Any) -> Iterator[Event]:
        node, tries = socket.gethostname(), Tries()
        while True:
            tries.attempt += 1
            yield Event(Kind.STARTED, key, tries.attempt, node, None)
            try:
                for item in self._task(self._shared, payload):
                    yield Event(Kind.ITEM, key, tries.attempt, node, item)
            except Exception as error:  # noqa: BLE001 - whatever a task raises is reported
                failure = failure_of(error)
            else:
                yield Event(Kind.DONE, key, tries.attempt, node, None)
                return
            tries.add(failure)
            again = may_retry(tries, retries=self._retries)
            yield Event(Kind.RETRY if again else Kind.FAILED, key, tries.attempt, node, failure)
            if not again:
                return

    def close(self) -> None:
        """Drop what is queued."""
        self._queue.clear()
        self._events = iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def failure_of(error: BaseException) -> TaskFailure:
    """Return what a task raised, as plain text."""
    return TaskFailure(
        type=type(error).__name__,
        message=str(error),
        traceback="".join(traceback.format_exception(error)),
        lost=False,
    )
