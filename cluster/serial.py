"""A pool without Ray: tasks run in the calling process, one after the other."""

from __future__ import annotations

import math
import socket
import time
import traceback
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from typing import Any, Self

from cluster.events import Event, Kind, Task, TaskFailure
from cluster.retry import Tries, may_retry


class SerialPool:
    """Runs tasks here, in the order of submission; one step of a task for each poll.

    Parameters
    ----------
    task
        `task(shared, payload)` yields items, as `cluster.events.Task` says.
    shared
        What all tasks read.
    retries
        Further attempts at a task that raises or stalls.
    stall_seconds
        How long a task may yield nothing; None for ever. There is nobody here to end a task that
        hangs: one that took too long fails when its next item comes, or at its end.
    """

    slots = 1
    describe = "serial"

    def __init__(
        self, task: Task, shared: Any, *, retries: int = 1, stall_seconds: float | None = None
    ) -> None:
        self._task = task
        self._shared = shared
        self._retries = retries
        self._stall_seconds = math.inf if stall_seconds is None else stall_seconds
        self._queue: deque[tuple[str, int]] = deque()
        self._payloads: dict[str, Any] = {}
        self._events: Iterator[Event] = iter(())

    def submit(self, key: str, payload: Any, *, once: bool = False, ahead: bool = False) -> None:
        """Queue a task, `ahead` of those that wait or behind; one `once` is not tried again."""
        queue = self._queue.appendleft if ahead else self._queue.append
        queue((key, -1 if once else self._retries))
        self._payloads[key] = payload

    def replace(self, key: str, payload: Any) -> None:
        """Give further attempts at a task another payload: they start further on."""
        self._payloads[key] = payload

    def order(self, keys: Sequence[str]) -> None:
        """Let the tasks that wait start in the order of their keys; those not named come first."""
        place = {key: number for number, key in enumerate(keys)}
        self._queue = deque(sorted(self._queue, key=lambda task: place.get(task[0], -1)))

    def withdraw(self) -> None:
        """Forget the tasks that have not started."""
        for key, _ in self._queue:
            self._payloads.pop(key, None)
        self._queue.clear()

    @property
    def busy(self) -> bool:
        """Whether a task runs, or is to be tried again."""
        return bool(self._payloads)

    def poll(self, timeout: float) -> list[Event]:  # noqa: ARG002 - there is nothing to wait for
        """Run the current task up to its next event; [] when there is nothing to do."""
        while True:
            for event in self._events:
                return [event]
            if not self._queue:
                return []
            self._events = self._run(*self._queue.popleft())

    def _run(self, key: str, retries: int) -> Iterator[Event]:
        node, tries = socket.gethostname(), Tries()
        while True:
            tries.begin()
            yield Event(Kind.STARTED, key, tries.attempt, node, None)
            failure = yield from self._attempt(key, self._payloads[key], tries.attempt, node)
            if failure is None:
                del self._payloads[key]
                yield Event(Kind.DONE, key, tries.attempt, node, None)
                return
            now = time.monotonic()
            tries.add(failure, now=now)
            again = may_retry(tries, retries=retries, now=now)
            if not again:
                del self._payloads[key]
            yield Event(Kind.RETRY if again else Kind.FAILED, key, tries.attempt, node, failure)
            if not again:
                return

    def _attempt(
        self, key: str, payload: Any, attempt: int, node: str
    ) -> Generator[Event, None, TaskFailure | None]:
        """Yield an attempt's items; return why it ended early, or None."""
        heard = time.monotonic()
        try:
            for item in with_last(self._task(self._shared, payload)):
                if time.monotonic() - heard > self._stall_seconds:
                    return stalled(self._stall_seconds)
                yield Event(Kind.ITEM, key, attempt, node, item)
                heard = time.monotonic()  # what the driver did with the item is not the task's
        except Exception as error:  # noqa: BLE001 - whatever a task raises is reported
            return failure_of(error)
        late = time.monotonic() - heard > self._stall_seconds
        return stalled(self._stall_seconds) if late else None

    def close(self) -> None:
        """Drop what is queued."""
        self._queue.clear()
        self._payloads.clear()
        self._events = iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def with_last(items: Any) -> Iterator[Any]:
    """Yield a task's items and, last, what it returns."""
    last = yield from items
    if last is not None:
        yield last


def failure_of(error: BaseException) -> TaskFailure:
    """Return what a task raised, as plain text."""
    return TaskFailure(
        type=type(error).__name__,
        message=str(error),
        traceback="".join(traceback.format_exception(error)),
        lost=False,
    )


def stalled(seconds: float) -> TaskFailure:
    """Return the failure of a task that yielded nothing for too long."""
    return TaskFailure(
        type="Stalled",
        message=f"it gave no sign for {seconds:g} s, the longest that was allowed",
        traceback="",
        lost=False,
    )
