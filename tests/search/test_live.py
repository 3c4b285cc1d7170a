"""What is shown while a study runs."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from search.live import watch
from search.plan import by_lam
from search.records import Failure, State
from search.runner import Notice, Observer
from search.trial import Trial
from tests.search.builders import epoch, result, trial

SHOW_CURSOR = "\x1b[?25h"
LOST = Failure("WorkerCrashedError", "the worker died\nat length", "", lost=True)
FIRST, SECOND = trial(1e-3), trial(1e-2, replicate=1)


def notice(of: Trial, state: State, **what: Any) -> Notice:
    """Return a notice of a trial of the coarse grid."""
    return Notice(of, "coarse", by_lam(of), state, **what)


STORY = (
    notice(FIRST, State.WAITING),
    notice(SECOND, State.WAITING),
    notice(FIRST, State.RUNNING),
    notice(FIRST, State.RUNNING, record=epoch(1, 0.25)),
    notice(FIRST, State.WAITING, failure=LOST),
    notice(FIRST, State.RUNNING, record=epoch(1, 0.25)),
    notice(FIRST, State.RUNNING, record=epoch(2, 0.75)),
    notice(FIRST, State.COMPLETED, result=result(FIRST, 0.75)),
    notice(SECOND, State.FAILED, failure=LOST),
)


def tell(*, terminal: bool, quiet: bool = False, height: int = 24) -> str:
    """Return what a console of 80 columns shows of the story."""
    screen = io.StringIO()
    console = Console(
        file=screen, force_terminal=terminal, width=80, height=height, _environ={"TERM": "xterm"}
    )
    with watch(console, trials=2, epochs=8, quiet=quiet) as observe:
        for each in STORY:
            observe(each)
    return screen.getvalue()


def test_a_log_file_gets_one_line_an_end() -> None:
    """A failed attempt, a completed trial, a failed trial: one plain line each."""
    first, second, third = tell(terminal=False).splitlines()
    assert first == "coarse λ=1e-3: WorkerCrashedError: the worker died; trying again"
    assert second.startswith("[1/2] coarse λ=1e-3 completed after 4 epochs, 1.0 s")
    assert second.endswith("validation accuracy 0.7500")
    assert third == "[2/2] coarse λ=1e-2 replicate 1 failed, WorkerCrashedError: the worker died"


def test_quiet_shows_nothing() -> None:
    """Neither on a terminal nor in a log file."""
    assert tell(terminal=True, quiet=True) == ""
    assert tell(terminal=False, quiet=True) == ""


def test_a_terminal_gets_a_table_and_a_bar() -> None:
    """Stage, trial, state, epoch, η and accuracy of each trial, and the epochs of all."""
    last = tell(terminal=True).rpartition("stage")[2]
    assert "validation accuracy" in last
    for shown in ("1e-3", "completed", "2/4", "0.001", "0.7500", "1e-2 r1", "failed", "2/8"):
        assert shown in last


@pytest.mark.parametrize("height", [5, 8, 24])
def test_the_table_fits_the_terminal(height: int) -> None:
    """With more trials than lines, those that run stay in sight."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, height=height)
    trials = [trial(10.0 ** -(k + 1)) for k in range(30)]
    with watch(console, trials=30, epochs=120, quiet=False) as observe:
        fill(observe, trials)
    last = screen.getvalue().rpartition("stage")[2].removesuffix(SHOW_CURSOR)
    assert len(last.splitlines()) <= height
    assert "running" in last


def fill(observe: Observer, trials: list[Trial]) -> None:
    """Let the first half end and one of the second half run."""
    for each in trials:
        observe(notice(each, State.WAITING))
    for each in trials[:15]:
        observe(notice(each, State.COMPLETED, result=result(each, 0.5)))
    observe(notice(trials[20], State.RUNNING))
