"""Disks that are full and folders that cannot be written to, at every write of a study."""

from __future__ import annotations

import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from kbn.errors import WriteError
from kbn.files import PARTIAL, remove_partial, whole_file, write_text
from search import run
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.study.command import main
from tests.search.drivers import NAME
from tests.search.studies import FLAGS, SMALL, TRIALS, results, tables
from tests.somebody import give, somebody_else

UNWRITABLE = 4


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the small study, run on a disk with room."""
    return run(SMALL, out=tmp_path_factory.mktemp("small"), serial=True, quiet=True).folder


def call(out: Path, capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[int, str]:
    """Run the command in this process; return its exit code and what it said on its errors."""
    with pytest.raises(SystemExit) as exit_:
        main(LambdaSearch, [*FLAGS, "--serial", "--quiet", f"--out={out}", *flags])
    assert isinstance(exit_.value.code, int)
    return exit_.value.code, capsys.readouterr().err


@contextmanager
def filled(disk: Path, *, free: int) -> Iterator[None]:
    """Leave so many bytes of a disk free, in whole pages, for a block."""
    filler = disk / "filler"
    status = os.statvfs(disk)
    filler.write_bytes(bytes(max(0, status.f_bavail * status.f_frsize - free)))
    try:
        yield
    finally:
        filler.unlink()


def sizes(folder: Path) -> dict[str, int]:
    """Return the files of a study and their sizes."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.stat().st_size for path in files}


PAGE = 4096
EVERYDAY = (0, 3, 20)
"""Free pages: nothing fits; the specification does, but no store; the store, but no results."""
MANY = (1, 2, 10, 16, 17, 18, 22, 26, 30, 40, 60, 80, 120, 160, 200, 240)


@pytest.mark.parametrize(
    "pages", [*EVERYDAY, *(pytest.param(pages, marks=pytest.mark.slow) for pages in MANY)]
)
def test_a_disk_that_fills_up(
    disk: Path, small: Path, capsys: pytest.CaptureFixture[str], pages: int
) -> None:
    """One line that names a file, exit code 4, nothing half-written; with room it goes on."""
    with filled(disk, free=pages * PAGE):
        code, err = call(disk, capsys)
    if pages < max(EVERYDAY):
        assert code == UNWRITABLE
    if code:
        assert code == UNWRITABLE, err
        last = err.splitlines()[-1]
        assert last.startswith(f"error: {disk}")
        assert "make room" in last
        assert "Traceback" not in err
        assert not list(disk.rglob(f"{PARTIAL}*"))
        for name, size in sizes(disk / NAME).items():
            assert size or name == "study.lock", name
    assert call(disk, capsys) == (0, "")
    assert results(disk / NAME) == results(small)
    assert tables(disk / NAME) == tables(small)


@pytest.mark.parametrize("name", ["figures", "study.lock"])
def test_a_finished_study_that_cannot_be_written(
    small: Path, open_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Without permission for one of its files or folders: one line, code 4, all as it was."""
    folder = open_path / NAME
    shutil.copytree(small, folder)
    place = folder / name
    give(open_path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    place.chmod(0o500 if place.is_dir() else 0o400)
    with somebody_else():
        code, err = call(open_path, capsys)
    assert code == UNWRITABLE
    assert "Permission denied" in err.splitlines()[-1]
    assert "make room" not in err
    assert "that this user may write there" in err.splitlines()[-1]
    assert "Traceback" not in err
    files = (folder / "figures").iterdir() if name == "figures" else before
    for path in files:
        assert path.read_bytes() == before[path]
    place.chmod(0o700 if place.is_dir() else 0o600)
    assert call(open_path, capsys) == (0, "")
    assert tables(folder) == tables(small)


def test_a_finished_study_that_may_be_read_alone(
    small: Path, open_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command shows what it found, a library call returns it; nothing is written, code 0."""
    folder = open_path / NAME
    shutil.copytree(small, folder)
    give(open_path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for place in (open_path, folder):
        place.chmod(0o500)
    with somebody_else():
        with pytest.raises(SystemExit) as exit_:
            main(LambdaSearch, [*FLAGS, "--serial", f"--out={open_path}"])
        out, err = capsys.readouterr()
        study = run(SMALL, out=open_path, serial=True, quiet=True)
        code, refused = call(open_path, capsys, "--overwrite")
    assert exit_.value.code == 0
    assert "is chosen" in out
    assert f"report: {folder / 'report.md'}" in out
    assert f"{folder} is not writable: its finished study is shown" in err
    assert study.best is not None
    assert len(study.trials()) == TRIALS
    assert (code, len(refused.splitlines())) == (2, 1)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_an_unfinished_study_that_may_be_read_alone(
    small: Path, open_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is something to train and nowhere to keep it: one line, code 2."""
    folder = open_path / NAME
    shutil.copytree(small, folder)
    with closing(sqlite3.connect(folder / "study.db")) as db, db:
        for table in ("epochs", "arrays", "results"):
            db.execute(f"DELETE FROM {table} WHERE trial_id = (SELECT id FROM trials LIMIT 1)")  # noqa: S608 - tables of ours
    give(open_path)
    folder.chmod(0o500)
    with somebody_else():
        code, err = call(open_path, capsys)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "is not finished" in err


def test_a_file_is_written_whole_or_not_at_all(disk: Path) -> None:
    """When the disk is full the old file stays, and nothing is left beside it."""
    path = disk / "text.txt"
    write_text(path, "before")
    with filled(disk, free=PAGE), pytest.raises(WriteError, match=r"text\.txt cannot be written"):
        write_text(path, "x" * 10 * PAGE)
    assert path.read_text(encoding="utf-8") == "before"
    assert [file.name for file in disk.iterdir()] == ["text.txt"]


def test_what_a_killed_writer_leaves_is_removed(tmp_path: Path) -> None:
    """Files that never became whole go away; a user's own stay."""
    with whole_file(tmp_path / "a.txt") as temporary:
        left = tmp_path / temporary.name
    (tmp_path / "a.txt").unlink()
    left.write_text("half", encoding="utf-8")
    (tmp_path / "notes.txt").touch()
    remove_partial(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
@pytest.mark.parametrize("flags", [("--dry-run",), ("--help",), ("--serial", "--quiet")])
def test_a_standard_output_on_a_full_disk(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """One line that names it, exit code 4, and what was trained is kept."""
    words = [sys.executable, "-m", "search.lambda_coarse_fine", *FLAGS, *flags, f"--out={tmp_path}"]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ended = subprocess.run(words, check=False, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == UNWRITABLE, ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: standard output cannot be written (No space left on device)")
    assert "make room" in line
    if "--serial" in flags:
        assert len(results(tmp_path / NAME)) == TRIALS


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
@pytest.mark.parametrize("flags", [("--serial",), ("--hidden=0",)])
def test_a_standard_error_on_a_full_disk(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Nothing can be said; the exit code says it all the same."""
    words = [sys.executable, "-m", "search.lambda_coarse_fine", *FLAGS, *flags, f"--out={tmp_path}"]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ended = subprocess.run(words, check=False, stdout=subprocess.PIPE, stderr=full, text=True)
    assert ended.returncode == (UNWRITABLE if "--serial" in flags else 2)
    assert ended.stdout == ""


@pytest.mark.parametrize("closed", ["<&- >&-", "2>&-"])
def test_streams_that_are_closed(tmp_path: Path, closed: str) -> None:
    """Without anybody to tell, a study is as any other."""
    words = [sys.executable, "-m", "search.lambda_coarse_fine", *FLAGS, "--serial"]
    line = f"{shlex.join(words)} --out {shlex.quote(str(tmp_path))} {closed}"
    ended = subprocess.run(["/bin/sh", "-c", line], check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert len(results(tmp_path / NAME)) == TRIALS


def test_a_folder_of_figures_on_a_full_disk(
    disk: Path, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same of figures alone: they are drawn when there is room."""
    shutil.copytree(small, tmp_path / NAME)
    figures = tmp_path / NAME / "figures"
    shutil.rmtree(figures)
    figures.mkdir()
    mount = shutil.which("mount") or "mount"
    subprocess.run([mount, "--bind", str(disk), str(figures)], check=True)
    try:
        with filled(disk, free=0):
            code, err = call(tmp_path, capsys)
        assert code == UNWRITABLE
        assert "figures/" in err
        assert "make room" in err
        assert len(err.splitlines()) == 1
        assert call(tmp_path, capsys) == (0, "")
    finally:
        subprocess.run([shutil.which("umount") or "umount", "-l", str(figures)], check=True)
