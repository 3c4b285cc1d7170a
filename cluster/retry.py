"""When a task is tried again: pure functions of what went wrong and how often."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.events import TaskFailure

LOST_RETRIES = 5
"""Further attempts at a task whose worker or node went away; it is rarely the task's fault."""
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
"""Back-off after a lost worker, in seconds: doubled from loss to loss."""


@dataclass
class Tries:
    """How often a task was tried and how those attempts ended."""

    attempt: int = 0
    raised: int = 0
    lost: int = 0

    def add(self, failure: TaskFailure) -> None:
        """Count a failed attempt."""
        self.lost += failure.lost
        self.raised += not failure.lost


def may_retry(tries: Tries, *, retries: int) -> bool:
    """Say whether another attempt is due; `retries` is how many exceptions are forgiven."""
    return tries.raised <= retries and tries.lost <= LOST_RETRIES


def delay(tries: Tries, failure: TaskFailure) -> float:
    """Return the seconds to wait before the next attempt: none after an exception."""
    if not failure.lost:
        return 0.0
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (tries.lost - 1))
