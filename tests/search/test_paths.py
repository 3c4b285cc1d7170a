"""Whatever path a flag is given, and whatever lies there: an exit code and one line."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kbn.errors import visible
from search import run
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.store import check
from search.study.command import main
from tests.search.drivers import NAME
from tests.search.studies import FLAGS, SMALL
from tests.somebody import give, open_folder, somebody_else

LONG = "n" * 300
PLACES = (
    *("file", "folder", "closed", "locked", "loop", "dangling", "study", NAME, "broken", "here"),
    *("", ".", "..", "~", "~nosuchuser", "~root", "s3:", "a b", "ü", LONG, "\x1b[31m", "\udcff"),
)
"""Names that lead somewhere in the maze, or nowhere."""
SYSTEM = ("/", "/dev/null", "/dev/full", "/proc/self/mem", "/proc/1/root", "/etc/shadow", "/no")
PATHS = st.one_of(
    st.lists(st.sampled_from(PLACES), min_size=1, max_size=4).map("/".join),
    st.sampled_from(SYSTEM),
    st.text(st.characters(exclude_characters="\0"), max_size=20),
)


@pytest.fixture
def maze(laid_out: Path) -> Iterator[Path]:
    """Be somebody else in the maze for a test."""
    with somebody_else():
        yield laid_out


@pytest.fixture(scope="module")
def laid_out() -> Iterator[Path]:
    """Go to a folder in which much is in the way of somebody who may not do everything."""
    with open_folder() as root, pytest.MonkeyPatch.context() as patch:
        place = root / "home" / "here"
        place.mkdir(parents=True)
        _lay_out(place)
        give(root)
        for name in ("closed", "locked"):
            (place / name).chmod(0)
        (place / "study" / NAME).chmod(0o500)
        patch.chdir(place)
        patch.setenv("HOME", str(place.parent))
        patch.delenv("KBN_DATA_DIR", raising=False)
        patch.setenv("XDG_CACHE_HOME", str(place / "closed"))
        yield place
        patch.undo()  # the folder is left before it goes


def _lay_out(place: Path) -> None:
    finished = run(SMALL, out=place, serial=True, quiet=True).folder
    for name in ("study", "broken"):
        shutil.copytree(finished, place / name / NAME)
    (place / "broken" / NAME / "study.db").write_bytes(b"SQLite format 3\0" + bytes(5_000))
    for name in ("folder", "closed"):
        (place / name).mkdir()
    for name in ("file", "locked"):
        (place / name).write_text("epochs = 3", encoding="utf-8")
    (place / "loop").symlink_to("loop")
    (place / "dangling").symlink_to("nowhere")


def told(command: Callable[[list[str]], NoReturn], words: list[str]) -> tuple[int, str]:
    """Run a command in this process; return its exit code and what it said on its errors."""
    err = io.StringIO()
    with (
        contextlib.redirect_stderr(err),
        contextlib.redirect_stdout(io.StringIO()),
        pytest.raises(SystemExit) as exit_,
    ):
        command(words)
    assert isinstance(exit_.value.code, int)
    return exit_.value.code, err.getvalue()


def held_to_one_line(code: int, err: str) -> None:
    """Check that a run ended as documented, and that what it said can be read."""
    assert code in (0, 2, 4), err
    assert "Traceback" not in err
    if code:
        last = err.splitlines()[-1]
        assert last.startswith("error: ")
        assert visible(last) == last
        assert len(last) < 1_500


def search(words: list[str]) -> NoReturn:
    """Run the λ search's command."""
    main(LambdaSearch, words)


LENIENT = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@LENIENT
@example(flag="--out", path="here/closed/x", train=False)
@example(flag="--name", path=LONG, train=False)
@example(flag="--data=npz:", path=LONG, train=False)
@example(flag="--out", path="study", train=True)
@example(flag="--out", path="broken", train=True)
@given(
    flag=st.sampled_from(["--out", "--name", "--data-dir", "--spec", "--data=npz:"]),
    path=PATHS,
    train=st.booleans(),
)
def test_flags_that_take_paths(maze: Path, flag: str, path: str, *, train: bool) -> None:
    """No path makes a search end in a traceback, whether it trains or looks alone."""
    word = f"{flag}{path}" if flag.endswith(":") else f"{flag}={path}"
    data = ["--data=cifar10"] if flag == "--data-dir" else []
    how = ["--serial", "--quiet"] if train else ["--dry-run"]
    held_to_one_line(*told(search, [*FLAGS, *data, *how, word]))
    assert Path.cwd() == maze


@LENIENT
@given(path=PATHS.filter(bool))
def test_the_variable_that_takes_a_path(maze: Path, path: str) -> None:
    """The environment is looked at as flags are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KBN_DATA_DIR", path)
        held_to_one_line(*told(search, [*FLAGS, "--data=cifar10", "--dry-run"]))
    assert maze.is_dir()


@LENIENT
@example(path="broken", export=None)
@example(path=NAME, export="closed/x")
@given(path=PATHS, export=st.none() | PATHS)
def test_the_check_of_a_store(maze: Path, path: str, export: str | None) -> None:
    """The check names what is in its way, too; a damaged store is code 1."""
    words = ["check", *([f"--export={export}"] if export is not None else []), "--", path]
    code, err = told(check.main, words)
    held_to_one_line(0 if code == 1 else code, err)
    assert maze.is_dir()


@pytest.mark.parametrize("flags", [("--dry-run",), ("--serial", "--quiet")])
def test_a_working_directory_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...]
) -> None:
    """A relative path leads nowhere then, and the default is one; another one will do."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    code, err = told(search, [*FLAGS, *flags])
    assert (code, len(err.splitlines())) == (2, 1)
    assert "the working directory is gone" in err
    code, err = told(search, [*FLAGS, *flags, "--out", str(tmp_path / "runs")])
    assert code == 0, err
