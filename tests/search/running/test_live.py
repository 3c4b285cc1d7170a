"""What is shown while a study runs, where there is a terminal and where there is none."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from search import run
from search.records import Failure, State
from search.running.live import standard_error, watch
from search.running.runner import Notice
from search.running.tally import Tally
from search.settings.spec import StageOutline
from search.training.checkpoint import Start
from search.training.trainer import Shared, train_trials
from search.trial import Trial
from tests.search.builders import by_lam, epoch, result, trial
from tests.search.drivers import ROOT
from tests.search.studies import FLAGS, SMALL

ERASE_LINE = "\x1b[2K"
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

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


def tell(
    *, terminal: bool, quiet: bool = False, story: tuple[Notice, ...] = STORY, term: str = "xterm"
) -> str:
    """Return what a console of 80 × 24 shows of a story."""
    screen = io.StringIO()
    console = Console(
        file=screen, force_terminal=terminal, width=80, height=24, _environ={"TERM": term}
    )
    tally = Tally([[StageOutline("coarse", 2, 4, "two values of λ")]])
    with watch(console, tally, quiet=quiet) as observe:
        for each in story:
            tally(each)
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
    for shown in ("1e-3", "completed", "4/4", "0.001", "0.7500", "1e-2 r1", "failed", "8/8"):
        assert shown in last
    assert "left 0:00:00" in last


def test_a_terminal_that_cannot_be_drawn_on_gets_lines() -> None:
    """Such as an editor's shell; a table would appear at the end alone."""
    assert tell(terminal=True, term="dumb") == tell(terminal=False)


def test_a_log_that_is_coloured_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """CI sets $FORCE_COLOR: a table drawn four times a second would fill its log."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not standard_error(quiet=False).is_interactive


RESUMED = (notice(FIRST, State.COMPLETED, result=result(FIRST, 0.75), kept=True),)


def test_a_resumed_study_counts_on() -> None:
    """What earlier runs trained is told in one line, and the next trial is the second of two."""
    went_on = (
        notice(SECOND, State.WAITING),
        notice(SECOND, State.COMPLETED, result=result(SECOND, 0.5)),
    )
    first, second = tell(terminal=False, story=RESUMED + went_on).splitlines()
    assert first == "1 of 2 trials are done already"
    assert second.startswith("[2/2] coarse λ=1e-2 replicate 1 completed")
    assert tell(terminal=False, story=RESUMED) == ""
    last = tell(terminal=True, story=RESUMED + went_on).rpartition("stage")[2]
    assert "0.7500" in last
    assert "8/8" in last


def on_a_terminal(*flags: str | Path) -> str:
    """Return what the command shows on a real terminal of 80 × 24."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    unset = {"COLUMNS", "LINES", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    command = subprocess.Popen(
        [sys.executable, "-m", "search.lambda_coarse_fine", *map(str, flags)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment | {"TERM": "xterm"},
        cwd=ROOT,
    )
    os.close(theirs)
    shown = b""
    with os.fdopen(ours, "rb", buffering=0) as screen, suppress(OSError):  # EIO at its end
        while part := screen.read(65536):
            shown += part
    assert command.wait() == 0, shown
    return shown.decode()


def test_a_resumed_study_on_a_real_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every line that is drawn fits, the bar with the time left is among them, and it fills."""

    def stopped(shared: Shared, starts: tuple[Start, ...]) -> object:
        if any(start.trial.lam == 1e-2 for start in starts):
            raise KeyboardInterrupt
        return train_trials(shared, starts)

    monkeypatch.setattr("search.running.workers.train_trials", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(SMALL, out=tmp_path, serial=True, quiet=True, pack=1)
    shown = on_a_terminal(*FLAGS, "--serial", "--out", tmp_path).replace(ERASE_LINE, "\n")
    lines = CONTROL.sub("", shown).replace("\r", "").splitlines()
    rows = [line for line in lines if line.startswith(("stage ", "coarse ", "epochs "))]
    assert max(map(cell_len, rows)) <= 80
    first = next(line for line in rows if line.startswith("coarse "))
    assert first.split()[1:4] == ["λ=1e-3", "completed", "3/3"]
    bars = [line for line in rows if line.startswith("epochs ")]
    assert " 3/12 " in bars[0] or " 0/12 " in bars[0]
    assert " 12/12 " in bars[-1]
    assert bars[-1].endswith("left 0:00:00")


class Screen(io.StringIO):
    """Keeps what is printed, and says when a line is there that holds some words."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words
        self.there = threading.Event()

    def write(self, text: str) -> int:
        """Take some text."""
        if self._words in text:
            self.there.set()
        return super().write(text)


def test_a_log_is_told_how_far_the_study_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long no trial ends: what runs, how far it is, and, once there is a pace, how long."""
    monkeypatch.setattr("search.running.live.HEARTBEAT", 0.01)
    screen = Screen("epochs are trained, about 0:")
    tally = Tally([[StageOutline("coarse", 2, 4, "two values of λ")]])
    with watch(Console(file=screen, width=80), tally, quiet=False) as observe:
        for each in STORY[:4]:
            tally(each)
            observe(each)
        assert screen.there.wait(60)
    line = screen.getvalue().splitlines()[-1]
    assert line.startswith("0 of about 2 trials have ended, 1 of about 8 epochs are trained, about")
    assert line.endswith("left; running: coarse λ=1e-3 1/4")
    assert not any(thread.name == "heartbeat" for thread in threading.enumerate())


def test_a_log_that_cannot_be_written_to_is_met_by_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A full disk: the study's own next line meets it, where it can be told."""
    monkeypatch.setattr("search.running.live.HEARTBEAT", 0.0)
    screen, tried = io.StringIO(), threading.Event()

    def full(_: str) -> int:
        tried.set()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(screen, "write", full)
    with watch(Console(file=screen), Tally([[]]), quiet=False):
        assert tried.wait(60)
