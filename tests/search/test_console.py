"""The command `kbn-search`, and files of the user's that have the names of our packages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from search.console import MODULES
from search.training.versions import project_version
from tests.search.drivers import NAME, PATIENCE, ROOT
from tests.search.studies import FLAGS

INSTALLED = ("-P", "-c", "from search.console import main; main()")
"""Python as an installed command starts it: the current folder is not searched for modules."""


def call(
    folder: Path, program: Sequence[str], *words: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a program of Python's in a folder."""
    return subprocess.run(
        [sys.executable, *program, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        encoding=environment.get("PYTHONIOENCODING"),
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def foreign(folder: Path, *names: str) -> None:
    """Put files that are none of ours into a folder."""
    for name in names:
        (folder / f"{name}.py").write_text("raise RuntimeError('not this one')\n")


@pytest.mark.ray
def test_it_runs_beside_files_of_any_name(tmp_path: Path) -> None:
    """Neither the driver nor Ray's workers take a file in the current folder for a package."""
    foreign(tmp_path, "search", "cluster", "reports", "kbn")
    ran = call(tmp_path, INSTALLED, "lambda", *FLAGS, "--quiet")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout == f"report: {Path('runs', NAME, 'report.md')}\n"
    assert (tmp_path / "runs" / NAME / "report.md").exists()


def test_a_terminal_without_greek_letters(tmp_path: Path) -> None:
    """What its encoding does not have is shown as an escape, and ends no study."""
    ran = call(tmp_path, INSTALLED, "lambda", *FLAGS, "--serial", PYTHONIOENCODING="cp1252")
    assert ran.returncode == 0
    assert "\\u03bb = " in ran.stdout
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("name", ["kbn", "cluster", "reports"])
def test_a_file_in_place_of_a_package_is_named(name: str, tmp_path: Path) -> None:
    """`python -m` finds it before ours: one line, exit code 2, and nothing of it runs."""
    foreign(tmp_path, name)
    ran = call(tmp_path, ("-m", "search.lambda_coarse_fine"), *FLAGS, "--serial")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"error: {tmp_path / name}.py is found in place of")
    assert "kbn-search" in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.py"]


def test_a_library_is_told_by_an_error(tmp_path: Path) -> None:
    """Where no command is on its way, it is an `ImportError` like any other."""
    foreign(tmp_path, "reports")
    ran = call(tmp_path, ("-c", "import search"))
    assert ran.stderr.splitlines()[-1].startswith(f"ImportError: {tmp_path / 'reports'}.py is")


@pytest.mark.parametrize("name", MODULES)
def test_every_command_is_there(name: str, tmp_path: Path) -> None:
    """Each name runs its module, also without Greek letters; every option says what it is for."""
    ran = call(tmp_path, INSTALLED, name, "-h", PYTHONIOENCODING="cp1252")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"Usage: python -m {MODULES[name]}" in ran.stdout
    lines = ran.stdout.partition("Options:\n")[2].splitlines()
    options = [line for line in lines if line.startswith("  -")]
    assert [
        line for line in options if "  " not in line.strip() and not _goes_on(line, lines)
    ] == []


def _goes_on(line: str, lines: list[str]) -> bool:
    """Say whether an option's help stands on the line below it."""
    below = lines[lines.index(line) + 1 :]
    return bool(below) and below[0].startswith(" " * 6)


@pytest.mark.parametrize("words", [("store", "check"), ("study", "report")], ids=str)
def test_short_help_is_help_of_parts_too(words: tuple[str, str], tmp_path: Path) -> None:
    """`-h` is understood after each word."""
    for count in (1, 2):
        ran = call(tmp_path, INSTALLED, *words[:count], "-h")
        assert (ran.returncode, ran.stdout[:6]) == (0, "Usage:")


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("sigma-batchnorm", ("--no-batch-norm", "--init")),
        ("loss-evolution", ("--no-batch-norm",)),
        ("range-test", ("--schedule", "--cycle")),
    ],
)
def test_what_is_refused_is_not_offered(name: str, flags: tuple[str, ...], tmp_path: Path) -> None:
    """Help does not list a flag that the command refuses; given, one line says why."""
    said = call(tmp_path, INSTALLED, name, "--help").stdout
    assert not any(f"{flag} " in said for flag in flags)
    value = ("5epochs",) if flags[-1] == "--cycle" else ("normal:1",) if "--init" in flags else ()
    ran = call(tmp_path, INSTALLED, name, "--data=digits", flags[-1], *value)
    assert ran.returncode == 2
    assert "leave it out" in ran.stderr


def test_the_version_is_told(tmp_path: Path) -> None:
    """As installed, and nothing else."""
    ran = call(tmp_path, INSTALLED, "--version")
    assert (ran.returncode, ran.stdout) == (0, f"kbn-search {project_version()}\n")


def test_no_command_is_left_out() -> None:
    """Whatever can be run with `python -m`, a user of the installed command can run, too."""
    runnable = set()
    for package in ("kbn", "search", "cluster"):
        for path in (ROOT / package).rglob("*.py"):
            guarded = '__name__ == "__main__"' in path.read_text(encoding="utf-8")
            if guarded or path.name == "__main__.py":
                module = path.relative_to(ROOT).with_suffix("")
                runnable.add(".".join(module.parts).removesuffix(".__main__"))
    ours = {"cluster.jobs.job"}  # it runs on a cluster
    ours |= {f"search.service.{name}" for name in ("compared", "driver", "prepared", "uploads")}
    assert runnable - ours == set(MODULES.values())


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        ((), 0, f"usage: kbn-search NAME …, where NAME is one of {', '.join(MODULES)}\n"),
        (("paper ",), 2, f"error: 'paper ' is none of {', '.join(MODULES)}\n"),
        (("s",), 2, f"error: 's' begins several of {', '.join(MODULES)}\n"),
    ],
)
def test_names(words: tuple[str, ...], code: int, line: str, tmp_path: Path) -> None:
    """Without a name they are listed; one that says too little is refused."""
    ran = call(tmp_path, INSTALLED, *words)
    assert (ran.returncode, ran.stdout + ran.stderr) == (code, line)
