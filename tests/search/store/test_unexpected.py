"""Errors that nobody foresaw: one line, an exit code of their own, the traceback in a file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kbn.errors import InputError
from search.store.folder import TRACEBACK
from search.store.unexpected import UnexpectedError, unexpected
from search.study.run import run
from tests.search.drivers import NAME
from tests.search.studies import FLAGS, SMALL, TRIALS
from tests.search.study.test_command import call

WRITTEN = ("trials.csv", "history.csv", "layers.csv", "model.npz")


def fail(*_: object, **__: object) -> None:
    """Do what no part of a program should."""
    raise ZeroDivisionError("in the middle\nof it")


def test_one_in_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that was trained is kept, tables and model are written, and so is the traceback."""
    flags = (*FLAGS, "--serial", "--quiet", "--out", tmp_path)
    folder = tmp_path / NAME
    with monkeypatch.context() as patch:
        patch.setattr("reports.document.settings_table", fail)
        assert call(*flags) == 5
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"error: ZeroDivisionError: in the middle of it; {folder / TRACEBACK} holds the traceback; "
        f"{TRIALS} of the {TRIALS} trials asked for so far are done and kept in {folder}; run the "
        "same command again to go on\n"
    )
    assert "in fail\n" in (folder / TRACEBACK).read_text()
    assert all((folder / name).exists() for name in WRITTEN)
    assert not (folder / "report.md").exists()
    assert call(*flags) == 0
    assert (folder / "report.md").exists()
    assert not (folder / TRACEBACK).exists()


@pytest.mark.parametrize("quiet", [True, False])
def test_one_in_a_figure(
    *,
    quiet: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The report is written without the figure; line, exit code and file say so."""
    monkeypatch.setattr("reports.coarse_fine.plots.search_order", fail)
    folder = tmp_path / NAME
    assert call(*FLAGS, "--serial", "--out", tmp_path, *(["--quiet"] if quiet else [])) == 5
    out, err = capsys.readouterr()
    line = (
        "figure order could not be made (ZeroDivisionError: in the middle of it); "
        f"{folder / TRACEBACK} says where\n"
    )
    assert line in (err if quiet else out)
    assert out.endswith(f"report: {folder / 'report.md'}\n")
    assert "in fail\n" in (folder / TRACEBACK).read_text()
    assert all((folder / name).exists() for name in ("report.md", "report.html", *WRITTEN))


def test_one_before_there_is_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The traceback is kept elsewhere, and nothing is written where the study would be."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("search.study.run.prepare", fail)
    assert call(*FLAGS, "--serial", "--out", tmp_path / "runs") == 5
    (kept,) = (tmp_path / "temporary").rglob(TRACEBACK)
    line = f"error: ZeroDivisionError: in the middle of it; {kept} holds the traceback\n"
    assert capsys.readouterr().err == line
    assert "in fail\n" in kept.read_text()
    assert not (tmp_path / "runs").exists()


def test_a_library_is_told_where_the_error_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error that was raised is the cause of the one that is told."""
    monkeypatch.setattr("search.running.session.run_plans", fail)
    with pytest.raises(UnexpectedError, match="in the middle of it") as told:
        run(SMALL, out=tmp_path, serial=True, quiet=True)
    assert isinstance(told.value.__cause__, ZeroDivisionError)


def test_a_traceback_that_cannot_be_kept(tmp_path: Path) -> None:
    """What went wrong is said all the same."""
    told = str(unexpected(ValueError("no luck"), tmp_path / "nowhere", kept="nothing is lost"))
    assert told.startswith(f"ValueError: no luck; {tmp_path / 'nowhere' / TRACEBACK} cannot be")
    assert told.endswith("; nothing is lost")


def test_what_writes_reports_is_loaded_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it cannot be, nothing is trained or written."""
    monkeypatch.setitem(sys.modules, "reports", None)  # as where it is not installed
    with pytest.raises(InputError, match="no report could be written here"):
        run(SMALL, out=tmp_path / "runs", serial=True, quiet=True)
    assert not (tmp_path / "runs").exists()
