from __future__ import annotations

import shutil
from pathlib import Path

import httpx
import pytest
from filelock import FileLock

from search.service.folders import Folders
from search.service.requests import Request, keep
from search.service.shell import main
from tests.search.service.conftest import DONE, TOKEN


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Run the command in this process; return its exit code and what it said."""
    with pytest.raises(SystemExit) as exit_:
        main(words)
    said = capsys.readouterr()
    assert isinstance(exit_.value.code, int)
    return exit_.value.code, said.out, said.err


@pytest.fixture(params=["folder", "server"])
def where(
    request: pytest.FixtureRequest, folders: Folders, server: httpx.Client
) -> tuple[str, str]:
    """Return the flags that name the studies: those of a folder, or of a server on it."""
    if request.param == "folder":
        return "--out", str(folders.root)
    return "--server", f"{server.base_url}/?token={TOKEN}"


def test_studies_are_listed_and_shown(
    where: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same from a folder as from a server: state, best with its error, the command."""
    code, out, _ = call(capsys, "list", *where)
    assert code == 0
    heads, _, row = out.splitlines()
    assert heads.split()[:4] == ["study", "state", "done", "left"]
    assert row.split()[:3] == [DONE, "finished", "100%"]
    assert " ± " in row
    code, out, _ = call(capsys, "show", DONE, *where)
    assert f"{DONE}: finished, 100% of its epochs" in out
    assert "command: python -m search.lambda_coarse_fine --data digits" in out
    assert code == 0


def test_each_verb_does_what_it_says(
    where: tuple[str, str], folders: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says what the study is then."""
    assert call(capsys, "retry", DONE, "--first", *where)[:2] == (0, f"queued {DONE}: queued\n")
    assert folders.summary(DONE).first
    for verb, said in (
        ("stop", f"stopped {DONE}: finished"),
        ("archive", f"put away {DONE}: finished"),
        ("unarchive", f"taken back {DONE}: finished"),
        ("archive", f"put away {DONE}: finished"),
        ("delete", f"in the bin: {DONE}"),
        ("restore", f"restored {DONE}: finished"),
    ):
        assert call(capsys, verb, DONE, *where)[:2] == (0, f"{said}\n")
    assert call(capsys, "list", *where)[1] == "no studies\n"
    assert DONE in call(capsys, "list", "--archived", *where)[1]
    assert folders.names() == [DONE]


def test_what_cannot_be_done_is_one_line(
    where: tuple[str, str], folders: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    """And exit code 2."""
    code, out, err = call(capsys, "show", "absent", *where)
    assert (code, out) == (2, "")
    assert err == "error: absent: there is no study of this name\n"
    with FileLock(folders.root / DONE / "study.lock"):
        code, _, err = call(capsys, "delete", DONE, *where)
    assert (code, err) == (2, f"error: {DONE} is running; stop or cancel it first\n")


def test_a_server_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """And exit code 2."""
    code, _, err = call(capsys, "list", "--server", "http://127.0.0.1:9/?token=x")
    assert code == 2
    assert len(err.splitlines()) == 1
    assert "is it there?" in err


def test_a_token_may_lie_in_a_file(
    server: httpx.Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that it is in no list of processes."""
    (tmp_path / "token").write_text(f"{TOKEN}\n", encoding="utf-8")
    words = ("--server", str(server.base_url), "--token-file", str(tmp_path / "token"))
    assert call(capsys, "list", *words)[0] == 0


def test_a_log_is_printed(folders: Folders, capsys: pytest.CaptureFixture[str]) -> None:
    """With nothing in it that a terminal would obey."""
    (folders.root / DONE / "log.txt").write_text("a\x1b[31mb\n", encoding="utf-8")
    words = ("log", DONE, "--out", str(folders.root))
    assert call(capsys, *words)[1] == "a\\x1b[31mb\n"


def test_a_report_is_opened(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In whatever shows pages; one that is not written yet is said not to be."""
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    words = ("open", DONE, "--out", str(folders.root))
    page = folders.root / DONE / "report.html"
    assert call(capsys, *words)[:2] == (0, f"{page.as_uri()}\n")
    assert opened == [page.as_uri()]
    page.unlink()
    assert "not there yet" in call(capsys, *words)[2]


def test_a_message_and_a_name_are_shown_as_they_are(
    folders: Folders, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing that somebody wrote moves a terminal's cursor."""
    shutil.copytree(folders.root / DONE, folders.root / "x\x1b[2J")
    keep(folders.root / DONE, Request(who="\x1b[1m", when=1.0, message="a\nb\x07"))
    out = call(capsys, "list", "--out", str(folders.root))[1]
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "x\\x1b[2J" in out
