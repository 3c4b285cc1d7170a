"""What a user sees while a study runs: a live table on a terminal, plain lines elsewhere.

Everything goes to standard error; standard output is for the study's outcome.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from search.records import State
from search.runner import Notice, Observer

_COLOURS = {
    State.WAITING: "dim",
    State.RUNNING: "cyan",
    State.COMPLETED: "green",
    State.DIVERGED: "yellow",
    State.FAILED: "red",
}
_SPEED_WINDOW = 600.0
"""Seconds of progress that the estimate of what is left averages over."""


@contextmanager
def watch(console: Console, *, trials: int, epochs: int, quiet: bool) -> Iterator[Observer]:
    """Yield an observer that shows a study on a console.

    `trials` and `epochs` are what is expected in all, those in the store not counted.
    """
    if quiet:
        yield lambda _: None
    elif console.is_terminal:
        with _live_table(console, epochs) as observe:
            yield observe
    else:
        yield _Lines(console, trials)


def say(console: Console, line: str) -> None:
    """Print a line as it is, however long."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


class _Lines:
    """One line a finished or failed trial."""

    def __init__(self, console: Console, trials: int) -> None:
        self._console = console
        self._trials = trials
        self._ended = 0

    def __call__(self, notice: Notice) -> None:
        """Print a line when the notice is of an end or of a failed attempt."""
        if notice.state in (State.COMPLETED, State.DIVERGED, State.FAILED):
            self._ended += 1
            number = f"[{self._ended}/{max(self._trials, self._ended)}]"
            say(self._console, f"{number} {_sentence(notice)}")
        elif notice.failure is not None:
            say(self._console, f"{_label(notice)}: {_failure(notice)}; trying again")


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


@dataclass
class _Row:
    """The latest of one trial."""

    notice: Notice
    epoch: int = 0
    eta: str = ""
    accuracy: str = ""


class _Board:
    """The rows behind the live table, and the progress bar under it."""

    def __init__(self, console: Console, epochs: int) -> None:
        self._console = console
        self._rows: dict[str, _Row] = {}
        self._progress = Progress(
            TextColumn("epochs"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
            speed_estimate_period=_SPEED_WINDOW,
        )
        self._task = self._progress.add_task("epochs", total=epochs)

    def __call__(self, notice: Notice) -> None:
        """Take in a notice."""
        row = self._rows.setdefault(notice.trial.id, _Row(notice))
        before, row.notice = row.epoch, notice
        if notice.record is not None:
            row.epoch = notice.record.epoch
            row.eta = f"{notice.record.eta:.2g}"
            row.accuracy = f"{notice.record.validation_accuracy:.4f}"
        elif notice.failure is not None:
            row.epoch, row.eta, row.accuracy = 0, "", ""
        elif notice.result is not None and notice.state is State.DIVERGED:
            row.epoch = notice.trial.epochs  # nothing is left to do
        self._progress.advance(self._task, row.epoch - before)

    def __rich__(self) -> Group:
        return Group(self._table(), self._progress)

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for heading in ("stage", "trial", "state"):
            table.add_column(heading)
        for heading in ("epoch", "η", "validation accuracy"):
            table.add_column(heading, justify="right")
        for row in self._visible():
            trial, state = row.notice.trial, row.notice.state
            shown = "" if state is State.WAITING else f"{row.epoch}/{trial.epochs}"
            colour = _COLOURS[state]
            table.add_row(
                row.notice.stage,
                row.notice.label + (f" r{trial.replicate}" if trial.replicate else ""),
                f"[{colour}]{state}[/]",
                shown,
                row.eta,
                row.accuracy,
            )
        return table

    def _visible(self) -> list[_Row]:
        """Return the rows that fit the terminal; those that run come before those that don't."""
        rows = list(self._rows.values())
        room = max(3, self._console.size.height - 4)
        if len(rows) <= room:
            return rows
        running = [row for row in rows if row.notice.state is State.RUNNING][:room]
        others = [row for row in rows if row.notice.state is not State.RUNNING]
        ended = [row for row in others if row.notice.state is not State.WAITING]
        chosen = {id(row) for row in running + (ended[::-1] + others)[: room - len(running)]}
        return [row for row in rows if id(row) in chosen]


@contextmanager
def _live_table(console: Console, epochs: int) -> Iterator[Observer]:
    board = _Board(console, epochs)
    with Live(board, console=console, refresh_per_second=4, redirect_stdout=False):
        yield board
