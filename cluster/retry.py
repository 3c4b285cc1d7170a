"""When a task is tried again: pure functions of what went wrong, how often and for how long."""

from __future__ import annotations

from dataclasses import dataclass

from cluster.events import TaskFailure

LOST_SECONDS = 600.0
"""How long a task's workers or nodes may go away, one after the other, without the task getting
further than it had before: time, because that is what a node takes to come back."""
LEAST_LOSSES = 3
"""How many such losses it takes at least, however long one attempt runs."""
OUT_OF_MEMORY = "OutOfMemoryError"
MEMORY_RETRIES = 3
"""Further attempts at a task that was killed for its node's memory. These are counted: it may
have been a neighbour that ate it, but a task that needs more than there is would be killed for
ever."""
FIRST_DELAY, LONGEST_DELAY = 0.5, 30.0
"""Back-off after a lost worker, in seconds: doubled from loss to loss."""


@dataclass(slots=True)
class Tries:
    """How a task's attempts went. Times are monotonic, in seconds."""

    attempt: int = 0
    items: int = 0
    """What the attempt under way has yielded."""
    furthest: int = 0
    """The most that any attempt yielded."""
    raised: int = 0
    starved: int = 0
    """Attempts killed for memory."""
    lost: int = 0
    """Attempts lost since the task last got further than before."""
    lost_since: float = 0.0
    """When the first of these was lost."""

    def begin(self) -> None:
        """Count an attempt."""
        self.attempt += 1
        self.items = 0

    def got(self, items: int = 1) -> None:
        """Count items; one that no attempt before had come to clears the losses."""
        self.items += items
        if self.items > self.furthest:
            self.furthest, self.lost, self.starved = self.items, 0, 0

    def advance(self) -> None:
        """Count items anew from here, where further attempts will start."""
        self.items = self.furthest = 0

    def add(self, failure: TaskFailure, *, now: float) -> None:
        """Count a failed attempt."""
        if not failure.lost:
            self.raised += 1
        elif failure.type == OUT_OF_MEMORY:
            self.starved += 1
        else:
            if not self.lost:
                self.lost_since = now
            self.lost += 1


def may_retry(tries: Tries, *, retries: int, now: float) -> bool:
    """Say whether another attempt is due; `retries` is how many exceptions are forgiven."""
    given_up = tries.lost >= LEAST_LOSSES and now - tries.lost_since >= LOST_SECONDS
    return tries.raised <= retries and tries.starved <= MEMORY_RETRIES and not given_up


def delay(tries: Tries, failure: TaskFailure) -> float:
    """Return the seconds to wait before the next attempt: none after an exception."""
    if not failure.lost:
        return 0.0
    doublings = min(tries.lost + tries.starved - 1, 16)
    return min(LONGEST_DELAY, FIRST_DELAY * 2.0**doublings)
