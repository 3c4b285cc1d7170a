"""The table of trials on a terminal: it fits, whatever it holds and however small that is."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from search.experiments.loss_evolution import LossEvolution
from search.records import State
from search.running.live import watch
from search.running.runner import Notice
from search.running.tally import Tally
from search.settings.spec import StageOutline
from search.trial import Trial
from tests.search.builders import BASE, by_lam, epoch, result, trial

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
SIZES = [(80, 24), (80, 8), (80, 5), (120, 4), (60, 3), (40, 2), (40, 1)]


class Shown:
    """A terminal, and the study that it shows."""

    def __init__(self, width: int, height: int) -> None:
        self._screen = io.StringIO()
        self.console = Console(
            file=self._screen,
            force_terminal=True,
            width=width,
            height=height,
            _environ={"TERM": "xterm"},
        )
        self.tally = Tally([[StageOutline("coarse", 30, 4, "many values of λ")]])

    def last(self) -> list[str]:
        """Return the lines that were drawn last, without what moves the cursor."""
        *_, drawn = self._screen.getvalue().split("\x1b[2K")
        return CONTROL.sub("", drawn).replace("\r", "").splitlines()


def shown(notices: list[Notice], *, width: int, height: int) -> list[str]:
    """Return what a terminal shows after some notices."""
    there = Shown(width, height)
    with watch(there.console, there.tally, quiet=False) as observe:
        for each in notices:
            there.tally(each)
            observe(each)
    return there.last()


def half_ended(trials: list[Trial]) -> list[Notice]:
    """Return notices of trials of which the first half end and one of the second half runs."""

    def notice(of: Trial, state: State, accuracy: float | None = None) -> Notice:
        ending = None if accuracy is None else result(of, accuracy)
        return Notice(of, "coarse", by_lam(of), state, result=ending)

    return [
        *(notice(each, State.WAITING) for each in trials),
        *(notice(each, State.COMPLETED, 0.5) for each in trials[:15]),
        notice(trials[20], State.RUNNING),
    ]


MANY = half_ended([trial(10.0 ** -(k + 1)) for k in range(30)])


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_table_fits_the_terminal(width: int, height: int) -> None:
    """With more trials than lines, those that run stay in sight, and so does the bar."""
    lines = shown(MANY, width=width, height=height)
    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)
    assert "60/120" in lines[-1]
    assert "left" in lines[-1]
    assert any("running" in line for line in lines) == (height > 2)


@pytest.mark.parametrize("width", [80, 70])
def test_long_names_take_no_second_line(width: int) -> None:
    """Of networks of nine layers both ends are shown: the end says whether they normalise."""
    stage = next(LossEvolution().plan(BASE))
    notices = [Notice(of, stage.name, stage.label(of), State.RUNNING) for of in stage.trials]
    notices += [
        Notice(of, stage.name, stage.label(of), State.RUNNING, record=epoch(1))
        for of in stage.trials
    ]
    heading, *rows, bar = shown(notices, width=width, height=24)
    assert len(rows) == len(stage.trials)
    assert all(cell_len(line) <= width for line in (heading, *rows, bar))
    assert all(row.startswith("loss evolution  [50, 50") for row in rows)
    names = [row.partition("running")[0].strip() for row in rows]
    assert len(set(names)) == len(names)
    assert all("1/40" in row and "0.5000" in row for row in rows)
    assert "left" in bar


def test_a_wide_terminal_shows_all_of_a_name() -> None:
    """Nothing is left out where there is room."""
    stage = next(LossEvolution().plan(BASE))
    label = stage.label(stage.trials[-1])
    lines = shown(
        [Notice(stage.trials[-1], stage.name, label, State.RUNNING)], width=140, height=24
    )
    assert label in lines[1]
    assert lines[0].split()[-2:] == ["validation", "accuracy"]
