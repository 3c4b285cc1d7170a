"""A study on a terminal: a table of trials that fits it, and under it a bar with the time left."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from search.records import State
from search.running.runner import Notice, Observer
from search.running.tally import Tally, time_text

_COLOURS = {
    State.WAITING: "dim",
    State.RUNNING: "cyan",
    State.COMPLETED: "green",
    State.DIVERGED: "yellow",
    State.FAILED: "red",
}
MOST = 500
"""Rows of trials that wait, and of those that have ended, at most: no terminal shows more."""
_GAP = 2
"""Blanks between columns."""


@contextmanager
def live_table(console: Console, tally: Tally) -> Iterator[Observer]:
    """Yield an observer that shows a study as a table, drawn again as it changes."""
    board = _Board(console, tally)
    with Live(board, console=console, refresh_per_second=4, redirect_stdout=False):
        yield board


@dataclass(slots=True)
class _Row:
    """The latest of one trial; nothing of what came with it is kept."""

    stage: str
    trial: str
    asked: int
    """Epochs that it is to be trained for."""
    state: State
    epoch: int = 0
    eta: str = ""
    accuracy: str = ""

    @classmethod
    def of(cls, notice: Notice) -> _Row:
        replicate = notice.trial.replicate
        trial = notice.label + (f" r{replicate}" if replicate else "")
        return cls(notice.stage, trial, notice.trial.epochs, notice.state)

    @property
    def epochs(self) -> str:
        return "" if self.state is State.WAITING else f"{self.epoch}/{self.asked}"


class _Board:
    """The rows behind the table, and the bar under it."""

    def __init__(self, console: Console, tally: Tally) -> None:
        self._console, self._tally = console, tally
        self._rows: dict[str, _Row] = {}
        self._ended: deque[str] = deque()
        self._started = time.monotonic()

    def __call__(self, notice: Notice) -> None:
        """Take in a notice."""
        key = notice.trial.id
        if key not in self._rows:
            if notice.state is State.WAITING and len(self._rows) >= MOST:
                return
            self._rows[key] = _Row.of(notice)
        row = self._rows[key]
        row.state = notice.state
        if notice.record is not None:
            row.epoch = notice.record.epoch
            row.eta = f"{notice.record.eta:.2g}"
            row.accuracy = f"{notice.record.validation_accuracy:.4f}"
        elif notice.failure is not None:
            row.epoch, row.eta, row.accuracy = 0, "", ""
        elif notice.result is not None:
            row.epoch = notice.result.epochs
            if notice.result.validation is not None:
                row.accuracy = f"{notice.result.validation.accuracy:.4f}"
        if row.state in (State.COMPLETED, State.DIVERGED, State.FAILED):
            self._ended.append(key)
            if len(self._ended) > MOST:
                del self._rows[self._ended.popleft()]

    def __rich__(self) -> Group:
        rows = self._visible()
        return Group(*([_table(rows, self._console.width)] if rows else []), self._bar())

    def _bar(self) -> Table:
        tally = self._tally
        bar = Table.grid(padding=(0, 1), expand=True)
        for ratio in (None, 1, None, None, None):
            bar.add_column(ratio=ratio, no_wrap=True)
        bar.add_row(
            "epochs",
            ProgressBar(total=tally.epochs, completed=tally.epochs_ended),
            f"{tally.epochs_ended}/{tally.epochs}",
            time_text(time.monotonic() - self._started),
            f"left {time_text(tally.seconds_left)}",
        )
        return bar

    def _visible(self) -> list[_Row]:
        """Return the rows that fit the terminal; those that run come before those that don't."""
        rows = list(self._rows.values())
        height = self._console.height
        room = max(0, height - 4, min(3, height - 2))  # for the headings and the bar, and some air
        if len(rows) <= room:
            return rows
        running = [row for row in rows if row.state is State.RUNNING][:room]
        others = [row for row in rows if row.state is not State.RUNNING]
        ended = [row for row in others if row.state is not State.WAITING]
        chosen = {id(row) for row in running + (ended[::-1] + others)[: room - len(running)]}
        return [row for row in rows if id(row) in chosen]


def _table(rows: Sequence[_Row], width: int) -> Table:
    """Return a table of one line a row: where the terminal is too narrow, it says less."""
    columns = {
        "stage": [row.stage for row in rows],
        "trial": [row.trial for row in rows],
        "state": [row.state.value for row in rows],
        "epoch": [row.epochs for row in rows],
        "η": [row.eta for row in rows],
        "validation accuracy": [row.accuracy for row in rows],
    }
    if _width(columns) > width:
        del columns["η"]
        columns["accuracy"] = columns.pop("validation accuracy")
    room = width - _width({**columns, "trial": []}) + len("trial")
    columns["trial"] = [_shortened(label, max(room, len("trial"))) for label in columns["trial"]]

    table = Table.grid(padding=(0, _GAP, 0, 0))
    for heading in columns:
        words = heading in ("stage", "trial", "state")
        table.add_column(justify="left" if words else "right", no_wrap=True)
    table.add_row(*(Text(heading, "bold") for heading in columns))
    for row, cells in zip(rows, zip(*columns.values(), strict=True), strict=True):
        table.add_row(
            *(Text(cell, _COLOURS[row.state] if cell == row.state else "") for cell in cells)
        )
    return table


def _width(columns: Mapping[str, Sequence[str]]) -> int:
    widths = [max(map(cell_len, (heading, *cells))) for heading, cells in columns.items()]
    return sum(widths) + _GAP * (len(widths) - 1)


def _shortened(text: str, room: int) -> str:
    """Return a text that is `room` wide at most: its middle goes, both its ends tell."""
    if cell_len(text) <= room:
        return text
    head, tail = text[: room // 2], text[len(text) - (room - 1 - room // 2) :]
    return f"{head}…{tail}"
