"""A study in a notebook: one bar under its cell, drawn again in place as the study goes on.

It is plain HTML, which IPython shows by itself: widgets would take another package.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from importlib import import_module
from typing import Any

from search.records import State
from search.running.runner import Notice, Observer
from search.running.tally import Tally, time_text

EVERY = 0.25
"""Seconds from one drawing to the next, at least."""
_NAMED = 4
"""Running trials that are named, at most."""


@contextmanager
def live_bar(tally: Tally) -> Iterator[Observer]:
    """Yield an observer that shows a study as a bar, which stays as it is at the end."""
    bar = _Bar(tally)
    try:
        yield bar
    finally:
        bar.draw()


class _Bar:
    """The bar: epochs and trials, the time that passed and that is left, and what runs."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._running: dict[str, str] = {}
        self._started = time.monotonic()
        self._due = self._started
        self._shown: Any = None

    def __call__(self, notice: Notice) -> None:
        """Take in a notice, and draw the bar when it is due."""
        if notice.state is State.RUNNING:
            epoch = notice.record.epoch if notice.record else 0
            self._running[notice.trial.id] = f"{notice.label} {epoch}/{notice.trial.epochs}"
        else:
            self._running.pop(notice.trial.id, None)
        if time.monotonic() >= self._due:
            self.draw()

    def draw(self) -> None:
        """Draw the bar as it stands: the first time below the cell, then in its own place."""
        self._due = time.monotonic() + EVERY
        if self._shown is None:
            show = import_module("IPython.display").display  # it is there: a notebook runs
            self._shown = show(self._bundle(), raw=True, display_id=True)
        else:
            self._shown.update(self._bundle(), raw=True)

    def _bundle(self) -> Mapping[str, str]:
        """Return the bar as HTML, and as text for what shows none."""
        tally = self._tally
        text = (
            f"{tally.epochs_ended}/{tally.epochs} epochs, {tally.trials_ended}/{tally.trials} "
            f"trials, {time_text(time.monotonic() - self._started)}"
        )
        if tally.epochs_ended < tally.epochs:
            text += f", left {time_text(tally.seconds_left)}"
        running = list(self._running.values())
        more = f" and {len(running) - _NAMED} more" if len(running) > _NAMED else ""
        runs = f"running: {', '.join(running[:_NAMED])}{more}" if running else ""
        progress = f'<progress value="{tally.epochs_ended}" max="{tally.epochs}"></progress>'
        below = f"<br><small>{escape(runs)}</small>" if runs else ""
        return {
            "text/html": f"<div>{progress} {escape(text)}{below}</div>",
            "text/plain": "; ".join(filter(None, (text, runs))),
        }
