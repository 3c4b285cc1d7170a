"""The end of a study: its last trials train, and much of its report will not change any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from search.records import State
from search.running.runner import Notice
from search.running.tally import Tally

EVERY = 10.0
"""Seconds from one telling to the next, at least."""
MOST = 2000
"""Trials of a study up to which anything is told: of more it takes long to put together."""

Tell = Callable[[Mapping[str, State]], None]
"""Is given the trials that train, by id."""


class Tail:
    """Tells when all that is left of a study trains, and at ends of trials from then on.

    Parameters
    ----------
    tell
        Is told; an observer of a study tells of it as trials begin and end.
    tally
        How far the study is; it is told of a notice before this is.
    """

    def __init__(self, tell: Tell, tally: Tally) -> None:
        self._tell, self._tally = tell, tally
        self._open: dict[str, State] = {}
        self._due = -EVERY

    def __call__(self, notice: Notice) -> None:
        """Take in a notice."""
        if notice.record is not None:  # it goes on
            return
        self._open.pop(notice.trial.id, None)
        if notice.state in (State.WAITING, State.RUNNING):
            self._open[notice.trial.id] = notice.state
        if self._tally.to_come or self._tally.trials > MOST or time.monotonic() < self._due:
            return
        if set(self._open.values()) == {State.RUNNING}:
            self._tell(dict(self._open))
            self._due = time.monotonic() + EVERY
