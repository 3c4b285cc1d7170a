"""What a pool reports of the tasks given to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

Task = Callable[[Any, Any], Iterator[Any]]
"""`task(shared, payload)` yields items; its end is the end of the work. What a generator returns,
unless that is None, is its last item: over Ray it needs no message beside that of the end."""


class Kind(StrEnum):
    """What happened to a task."""

    STARTED = "started"
    """An attempt began on `node`; `value` is None."""
    ITEM = "item"
    """The task yielded `value`."""
    DONE = "done"
    """The task came to its end; `value` is None."""
    RETRY = "retry"
    """The attempt ended early and another follows; `value` is a `TaskFailure`."""
    FAILED = "failed"
    """The attempt ended early and none follows; `value` is a `TaskFailure`."""


@dataclass(frozen=True)
class TaskFailure:
    """Why an attempt ended early."""

    type: str
    """The exception's class, such as `ValueError` or `WorkerCrashedError`."""
    message: str
    traceback: str
    lost: bool
    """True when the worker or its node went away; False when the task raised."""


class Event(NamedTuple):
    """One thing that happened to the task submitted under `key`."""

    kind: Kind
    key: str
    attempt: int
    """From 1."""
    node: str
    """Host that ran the attempt; empty until known."""
    value: Any
