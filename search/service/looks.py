"""Looks at what goes on, shared by all who watch the same, at a small share of a core together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

EVERY = 1.0
"""Seconds from one look to the next, at least."""
SHARE = 0.01
"""Share of a core that all looks together may take."""


@dataclass(frozen=True)
class Look:
    """What somebody who watches is shown."""

    parts: Mapping[str, str]
    """JSON texts, each told again when it changes, by the kinds of events that tell them."""
    end: str | None = None
    """What is told last; None while something may happen by itself."""


class Looks:
    """The looks that were taken last, in one event loop.

    Parameters
    ----------
    every, share
        See `EVERY` and `SHARE`.
    """

    def __init__(self, *, every: float = EVERY, share: float = SHARE) -> None:
        self.every = every
        self.closed = False
        """Whether those who watch are to leave."""
        self._share = share
        self._taken: dict[Hashable, asyncio.Task[Look]] = {}
        self._due: dict[Hashable, float] = {}
        self._costs: dict[Hashable, float] = {}

    async def of(self, what: Hashable, look: Callable[[], Look]) -> Look:
        """Return the last look at something; take one, in a thread, where that is due.

        Raises what it raises.
        """
        if time.monotonic() >= self._due.get(what, 0.0):
            self._forget()
            self._due[what] = float("inf")
            self._taken[what] = asyncio.create_task(self._take(what, look))
        return await asyncio.shield(self._taken[what])  # whoever leaves ends it for nobody else

    async def _take(self, what: Hashable, look: Callable[[], Look]) -> Look:
        cost = 0.0

        def timed() -> Look:
            nonlocal cost
            began = time.thread_time()
            try:
                return look()
            finally:
                cost = time.thread_time() - began

        try:
            return await run_in_threadpool(timed)
        finally:
            # One look that costs much, as what it shows has to be read, is no reason to wait.
            steady = min(cost, self._costs.get(what, 0.0))
            self._costs[what] = cost
            pause = steady * len(self._due) / self._share
            self._due[what] = time.monotonic() + max(self.every, pause)

    def _forget(self) -> None:
        """Forget what nobody has asked for since a new look at it was due."""
        old = time.monotonic() - 2 * self.every
        for what in [what for what, due in self._due.items() if due < old]:
            del self._due[what], self._taken[what]
            self._costs.pop(what, None)
