"""What a user sees while a study runs: a live table on a terminal, a bar in a notebook, else lines.

Everything goes to standard error; standard output is for the study's outcome.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.console import Console

from kbn.errors import visible
from search.records import State
from search.running.live_notebook import live_bar
from search.running.live_table import live_table
from search.running.runner import Notice, Observer
from search.running.tally import Tally, time_text

HEARTBEAT = 30.0
"""Seconds from one line on how far a study is to the next, where there is no terminal."""
_NAMED = 3
"""Running trials that such a line names, at most."""


def standard_error(*, quiet: bool) -> Console:
    """Return the console of a study. What can be drawn on is a terminal, whatever is coloured."""
    terminal = sys.stderr is not None and sys.stderr.isatty()  # None where it is closed
    return Console(stderr=True, quiet=quiet, force_interactive=None if terminal else False)


def say(console: Console, line: str) -> None:
    """Print a line as it is, however long; what would command a terminal is shown."""
    if console.is_terminal or console.is_jupyter:
        console.print(visible(line), markup=False, highlight=False, soft_wrap=True)
    elif not console.quiet:  # a log has no width or colours, and may get a line a trial
        console.file.write(f"{visible(line)}\n")
        console.file.flush()


def leave(console: Console) -> None:
    """Go below what a process drew that was ended, and show the cursor that it had hidden."""
    if console.show_cursor():
        console.line()


@contextmanager
def watch(console: Console, tally: Tally, *, quiet: bool) -> Iterator[Observer]:
    """Yield an observer that shows a study on a console; the tally is told of a notice first."""
    if quiet:
        yield lambda _: None
    elif console.is_jupyter:
        with live_bar(tally) as observe:
            yield observe
    elif console.is_interactive:
        with live_table(console, tally) as observe:
            yield observe
    else:
        lines = _Lines(console, tally)
        with _every(HEARTBEAT, lines.say_how_far):
            yield lines


class _Lines:
    """One line a finished or failed trial, and one now and then on how far the study is."""

    def __init__(self, console: Console, tally: Tally) -> None:
        self._console, self._tally = console, tally
        self._kept = 0
        self._running: dict[str, str] = {}

    def __call__(self, notice: Notice) -> None:
        """Print a line when the notice is of an end or of a failed attempt."""
        if notice.kept:
            self._kept += 1
            return
        if self._kept:
            say(self._console, f"{self._kept} of {self._tally.trials} trials are done already")
            self._kept = 0
        if notice.state is State.RUNNING:
            epoch = notice.record.epoch if notice.record else 0
            self._running[notice.trial.id] = f"{_label(notice)} {epoch}/{notice.trial.epochs}"
        else:
            self._running.pop(notice.trial.id, None)
        if notice.state in (State.COMPLETED, State.DIVERGED, State.FAILED):
            number = f"[{self._tally.trials_ended}/{self._tally.trials}]"
            say(self._console, f"{number} {_sentence(notice)}")
        elif notice.failure is not None:
            say(self._console, f"{_label(notice)}: {_failure(notice)}; trying again")

    def say_how_far(self) -> None:
        """Print how far the study is, what runs, and the time left."""
        tally = self._tally
        running = list(self._running.values())
        left = tally.seconds_left
        say(
            self._console,
            f"{tally.trials_ended} of about {tally.trials} trials have ended, "
            f"{tally.epochs_ended} of about {tally.epochs} epochs are trained"
            + (f", about {time_text(left)} left" if left is not None else "")
            + (f"; running: {', '.join(running[:_NAMED])}" if running else "")
            + (f" and {len(running) - _NAMED} more" if len(running) > _NAMED else ""),
        )


def _label(notice: Notice) -> str:
    replicate = f" replicate {notice.trial.replicate}" if notice.trial.replicate else ""
    return f"{notice.stage} {notice.label}{replicate}"


def _failure(notice: Notice) -> str:
    assert notice.failure is not None
    first_line = (notice.failure.message.strip().splitlines() or [""])[0]
    return f"{notice.failure.type}: {first_line}"


def _sentence(notice: Notice) -> str:
    if notice.result is None:
        return f"{_label(notice)} failed, {_failure(notice)}"
    result = notice.result
    text = f"{_label(notice)} {notice.state} after {result.epochs} epochs, {result.seconds:.1f} s"
    if result.validation is not None:
        text += f", validation accuracy {result.validation.accuracy:.4f}"
    if result.test is not None:
        text += f", test accuracy {result.test.accuracy:.4f}"
    return text


@contextmanager
def _every(seconds: float, call: Callable[[], None]) -> Iterator[None]:
    """Call something every so many seconds while the block runs, however long it is silent."""
    over = threading.Event()

    def beat() -> None:
        with suppress(OSError):  # what cannot be printed here cannot be where it is told, too
            while not over.wait(seconds):
                call()

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
