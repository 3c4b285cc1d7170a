"""The page of a running study: when it is written, and that it never stands in the way."""

from __future__ import annotations

import math
import time
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

import reports
from kbn.epoch import EpochRecord
from reports.drawing.album import Album
from search import run
from search.records import Failure, State, StudyRecord, UnderWay
from search.running.live_page import LivePage
from search.running.runner import Notice
from search.running.tally import Tally
from search.settings.spec import StageOutline
from tests.search.builders import by_lam, epoch, result, trial
from tests.search.studies import SMALL

FIRST, SECOND = trial(1e-3), trial(1e-2)
LOST = Failure("WorkerCrashedError", "the worker died", "", lost=True)


def notice(
    of: object = FIRST,
    state: State = State.RUNNING,
    record: EpochRecord | None = None,
    failure: Failure | None = None,
) -> Notice:
    """Return a notice of a trial of the coarse grid."""
    of = FIRST if of is FIRST else SECOND
    ended = result(of, 0.5) if state is State.COMPLETED else None
    return Notice(of, "coarse", by_lam(of), state, record=record, result=ended, failure=failure)


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a page be written at every notice, whatever time it takes, and no figure be drawn."""
    monkeypatch.setattr(
        import_module("reports.write"),  # the package calls a function so, too
        "Album",
        lambda record, **how: Album(record, **how | {"empty": True}),
    )
    monkeypatch.setattr("search.running.live_page.SHARE", math.inf)
    monkeypatch.setattr("search.running.session.LivePage", partial(LivePage, every=0.0))


class Written:
    """Keeps what was to be written and said; each writing takes `seconds` of computing."""

    def __init__(self, *, seconds: float = 0.0, error: Exception | None = None) -> None:
        self.pages: list[UnderWay | None] = []
        self.said: list[str] = []
        self._seconds = seconds
        self._error = error

    def write(self, under_way: UnderWay | None) -> Path:
        """Take a page."""
        self.pages.append(under_way)
        until = time.thread_time() + self._seconds
        while time.thread_time() < until:
            pass
        if self._error:
            raise self._error
        return Path("report.html")

    def page(self, *, every: float = 0.0) -> LivePage:
        """Return a page that writes here."""
        tally = Tally([[StageOutline("coarse", 2, FIRST.epochs, "two values of λ")]])
        return LivePage(self.write, tally, say=self.said.append, every=every)


@pytest.mark.usefixtures("always")
def test_it_holds_what_is_open_and_how_far_it_is() -> None:
    """Trials that ended leave it; one that is tried again starts at nothing."""
    written = Written()
    page = written.page()
    story = [
        (notice(state=State.WAITING), {FIRST: State.WAITING}, {}),
        (notice(), {FIRST: State.RUNNING}, {}),
        (notice(record=epoch(1)), {FIRST: State.RUNNING}, {FIRST: 1}),
        (notice(record=epoch(2)), {FIRST: State.RUNNING}, {FIRST: 2}),
        (notice(state=State.WAITING, failure=LOST), {FIRST: State.WAITING}, {}),
        (notice(SECOND), {FIRST: State.WAITING, SECOND: State.RUNNING}, {}),
        (notice(state=State.FAILED, failure=LOST), {SECOND: State.RUNNING}, {}),
        (notice(SECOND, State.COMPLETED), {}, {}),
    ]
    for told, states, epochs in story:
        page(told)
        last = written.pages[-1]
        assert last is not None
        assert last.states == {of.id: state for of, state in states.items()}
        assert {key: each.epoch for key, each in last.epochs.items()} == {
            of.id: number for of, number in epochs.items()
        }
        assert (last.expected_trials, last.expected_epochs) == (2, 8)
    assert written.said == ["report.html shows the study as it goes on"]


def test_it_is_written_no_more_often_than_asked() -> None:
    """A thousand epochs within an hour that has just begun: not once."""
    written = Written()
    page = written.page(every=3600)
    for number in range(1_000):
        page(notice(record=epoch(number)))
    assert written.pages == []
    assert written.said == []


def test_a_page_that_takes_long_is_written_seldom() -> None:
    """After the first one, which loads libraries, each makes the next one wait 20 times as long."""
    written = Written(seconds=0.3)
    page = written.page()
    for _ in range(100):
        page(notice(record=epoch(1)))
    assert len(written.pages) == 2


def test_a_page_that_cannot_be_written_is_told_once() -> None:
    """A full disk, a bug: the study goes on, and the page is tried again."""
    written = Written(error=OSError(28, "No space left on device"))
    with written.page() as page:
        for _ in range(5):
            page(notice())
    assert len(written.pages) > 1
    (said,) = written.said
    assert said.startswith("warning: the page of the running study cannot be written: ")
    assert said.endswith("No space left on device")


def test_a_stopped_study_leaves_a_page_that_waits_for_nothing() -> None:
    """Ctrl-C passes through; the last page is written as one that will not change."""
    written = Written()
    page = written.page()
    page(notice())
    with pytest.raises(KeyboardInterrupt), page:
        raise KeyboardInterrupt
    assert written.pages[-1] is None


@pytest.mark.parametrize("every", [0.0, 3600.0])
def test_a_study_that_ends_well_is_left_to_its_report(every: float) -> None:
    """No last page is written then, nor where a stopped study never had one."""
    written = Written()
    with written.page(every=every) as page:
        page(notice())
    assert None not in written.pages
    stopped = Written()
    with pytest.raises(KeyboardInterrupt), stopped.page(every=3600):
        raise KeyboardInterrupt
    assert stopped.pages == []


@pytest.mark.usefixtures("always")
def test_a_real_study_shows_its_state_as_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pages in mid-study show a trial that runs; the one that stays is the report's."""
    write_page = reports.write_page
    seen: list[str] = []

    def keep(record: StudyRecord, under_way: UnderWay | None) -> Path:
        path = write_page(record, under_way)
        seen.append(path.read_text(encoding="utf-8"))
        return path

    monkeypatch.setattr("reports.write_page", keep)
    study = run(SMALL, out=tmp_path, serial=True)
    assert all("This study is running." in page and "data-reload" in page for page in seen)
    states = ["<span>1 running</span>", "2 of 3</td>", "3 of about 4 trials have ended"]
    assert all(any(state in page for page in seen) for state in states)
    final = (study.folder / "report.html").read_text(encoding="utf-8")
    assert "This study is running." not in final
    assert "data-reload" not in final
    assert f"{study.folder / 'report.html'} shows the study" in capsys.readouterr().err


@pytest.mark.usefixtures("always")
def test_a_real_study_survives_a_page_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says why, every trial is trained, and the report is written at the end."""

    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reports.write_page", full)
    study = run(SMALL, out=tmp_path, serial=True)
    assert study.record.finished
    assert (study.folder / "report.html").is_file()
    said = [line for line in capsys.readouterr().err.splitlines() if "warning: the page" in line]
    assert len(said) == 1
    assert "No space left on device" in said[0]
