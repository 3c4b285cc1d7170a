"""The study's page while it runs: written again as trials go on, and never in their way."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from kbn.epoch import EpochRecord
from search.records import State, UnderWay
from search.running.runner import Notice
from search.running.tally import Tally

EVERY = 10.0
"""Seconds from one writing to the next, at least; and to the first one."""
SHARE = 0.05
"""Share of the driver's time that writing takes, at most; the first time, which loads what
writes, is not counted."""

WritePage = Callable[[UnderWay | None], Path]
"""Writes a study's page, with what is under way; given None, as one that will not change."""


class LivePage:
    """Writes a study's page while it runs; an observer, and a context manager.

    Parameters
    ----------
    write
        Writes the page.
    tally
        How far the study is; it is told of a notice before this is.
    say
        Called with a line for the user: where the page is, once there is one, and, once, why it
        cannot be written; the study goes on then.
    every
        Seconds between writings, at least. A page that takes long is written less often, so that
        it takes no more than `SHARE` of the time.
    """

    def __init__(
        self,
        write: WritePage,
        tally: Tally,
        *,
        say: Callable[[str], None],
        every: float = EVERY,
    ) -> None:
        self._write = write
        self._tally = tally
        self._say = say
        self._every = every
        self._states: dict[str, State] = {}
        self._epochs: dict[str, EpochRecord] = {}
        self._due = time.monotonic() + every
        self._written = False
        self._failed = False

    def __call__(self, notice: Notice) -> None:
        """Take in a notice, and write the page when it is due."""
        key = notice.trial.id
        if notice.state in (State.WAITING, State.RUNNING):
            self._states[key] = notice.state
        else:
            self._states.pop(key, None)
        if notice.record is not None:
            self._epochs[key] = notice.record
        else:
            self._epochs.pop(key, None)
        if time.monotonic() >= self._due:
            self._try(self._under_way())

    def _under_way(self) -> UnderWay:
        tally = self._tally
        return UnderWay(
            dict(self._states), dict(self._epochs), tally.trials, tally.epochs, tally.seconds_left
        )

    def _try(self, under_way: UnderWay | None) -> None:
        """Write the page. Whatever goes wrong is told once and harms nothing else."""
        started, first = time.monotonic(), not self._written
        try:
            path = self._write(under_way)
            if first:
                self._say(f"{path} shows the study as it goes on")
            self._written = True
        except Exception as error:  # noqa: BLE001 - a page is no reason to lose a study
            if not self._failed:
                self._say(f"warning: the page of the running study cannot be written: {error}")
            self._failed = True
        took = 0.0 if first else time.monotonic() - started
        self._due = time.monotonic() + max(self._every, took / SHARE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Leave a page that waits for nothing more when the study is stopped."""
        if kind is not None and self._written:
            self._try(None)
