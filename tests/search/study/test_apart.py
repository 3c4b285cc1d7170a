"""A process of its own writes pages and reports, and draws ahead."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from types import SimpleNamespace

import pytest

from kbn.errors import InputError, WriteError
from search.experiments.coarse_fine.search import CoarseFine
from search.records import StudyRecord
from search.settings.spec import StudySpec
from search.space.vary import log
from search.study.apart import reporter
from search.study.kept import SPECIFICATIONS
from search.study.reporting import write_page, write_report
from tests.reports.records import STUDIES, study
from tests.search.drivers import alive, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")


def refuse(error: Exception) -> None:
    """Raise it."""
    raise error


def test_here_or_apart() -> None:
    """The process of its own is another one, and it is gone at the end."""
    with reporter(apart=False) as report:
        assert report(os.getpid) == os.getpid()
    with reporter(apart=True) as report:
        apart = report(os.getpid)
        assert apart != os.getpid()
        assert report(os.getppid) == os.getpid()
    with pytest.raises(ProcessLookupError):
        os.kill(apart, 0)


def test_what_is_raised_there_is_raised_here() -> None:
    """With its type and its message; where it was raised is a note of it."""
    full = WriteError("report.md", OSError(28, "No space left on device"))
    with reporter(apart=True) as report:
        with pytest.raises(InputError, match=r"^no") as raised:
            report(refuse, InputError("no"))
        assert "in refuse" in "".join(raised.value.__notes__)
        with pytest.raises(WriteError) as refused:
            report(refuse, full)
        assert report(len, "it goes on") == 10
    assert (str(refused.value), refused.value.way_out) == (str(full), "make room")


def test_one_that_is_ended_is_stood_in_for() -> None:
    """A process that the system ends costs no report: this one does what is asked."""
    with reporter(apart=True) as report:
        os.kill(report(os.getpid), signal.SIGKILL)
        assert [report(os.getpid) for _ in range(2)] == [os.getpid()] * 2


def test_an_interrupt_leaves_no_answer_behind() -> None:
    """What is asked after Ctrl-C gets its own answer: the page of a study that was stopped."""
    with reporter(apart=True) as report:
        assert report(abs, -1) == 1
        other = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        other.start()
        with pytest.raises(KeyboardInterrupt):
            report(subprocess.check_output, ["/bin/sh", "-c", "sleep 0.5; echo late"])
        assert report(abs, -2) == 2


@pytest.mark.parametrize("name", ["finished", "failed, diverged, open"])
def test_a_record_is_sent_whole(name: str, tmp_path: Path) -> None:
    """A page made apart of a record is the page made here."""
    record = study(tmp_path, STUDIES[name])
    here = write_page(record, None).read_bytes()
    with reporter(apart=True) as report:
        path: Path = report(write_page, record, None)
    assert path.read_bytes() == here


@pytest.mark.parametrize("kind", SPECIFICATIONS.values(), ids=lambda kind: kind.kind)
def test_every_specification_can_be_sent(kind: type[StudySpec]) -> None:
    """Records hold one, with all that it varies."""
    varied = kind()
    if isinstance(varied, CoarseFine):
        varied = CoarseFine(vary={"eta_max": log(0.01, 1, 3), "hidden": [(50,), (50, 50)]})
    assert pickle.loads(pickle.dumps(varied)) == varied  # noqa: S301 - what was just pickled


def test_a_report_is_drawn_by_several_where_that_is_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apart there are no threads that a fork would lose; here there may be."""
    monkeypatch.setattr(
        "reports.write", lambda _, artists, ahead: SimpleNamespace(missing=(f"{artists} at once",))
    )
    monkeypatch.setattr("search.study.apart.artists_here", lambda: 3)
    with reporter(apart=False) as here, reporter(apart=True) as apart:
        assert here(write_report, None) == ("1 at once",)
        assert apart(write_report, None) == ("3 at once",)


def test_what_cannot_be_loaded_is_found_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the check; whoever looks later is told, as often as they look."""
    monkeypatch.setitem(sys.modules, "reports", None)
    with reporter(apart=False) as report, pytest.raises(InputError, match="no report could be"):
        report.check()
    with reporter(apart=True) as report:
        report.check()
        for ask in (lambda: report(abs, -1), report.look, lambda: report(abs, -1)):
            with pytest.raises(InputError, match="no report could be written here"):
                ask()


def test_what_is_drawn_ahead_is_not_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The report takes figures of the study before its end, and nobody waits for them."""
    record = study(tmp_path, STUDIES["finished"])
    monkeypatch.setattr("reports.warm_up", lambda: None)
    monkeypatch.setattr("reports.draw_ahead", _keep_two)
    monkeypatch.setattr(
        "reports.write", lambda _, artists, ahead: SimpleNamespace(missing=tuple(sorted(ahead)))
    )
    with reporter(apart=True) as report:
        report(abs, -1)
        assert report(write_report, record) == ()
        for _ in range(2):  # the second one knows what the first has drawn
            report.ahead(lambda: record)
            wait_for("figures", (tmp_path / "drawn").exists)
            (tmp_path / "drawn").unlink()
        assert report(write_report, record) == (b"known", b"one", b"two")


def _keep_two(record: StudyRecord, known: Collection[bytes], keep: Callable[..., object]) -> None:
    """Draw two figures, and say so; or what was drawn before, where anything was."""
    for key in (b"known",) if known else (b"one", b"two"):
        keep(key, key)
    (record.folder / "drawn").touch()


def test_what_draws_ahead_ends_with_the_report_s_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process is left, however long it would draw."""
    monkeypatch.setattr("reports.warm_up", lambda: None)
    monkeypatch.setattr("reports.draw_ahead", _draw_for_ever)
    record = study(tmp_path, STUDIES["finished"])
    with reporter(apart=True) as report:
        report(abs, -1)
        report.ahead(lambda: record)
        wait_for("its begin", lambda: list(tmp_path.glob("drawing-*")))
    (mark,) = tmp_path.glob("drawing-*")
    wait_for("its end", lambda: not alive({int(mark.name.removeprefix("drawing-"))}))


def _draw_for_ever(record: StudyRecord, *_: object) -> None:
    (record.folder / f"drawing-{os.getpid()}").touch()
    while True:
        time.sleep(1)
