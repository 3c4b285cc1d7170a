"""The command `kbn-search`, and files of the user's that have the names of our packages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from search.console import MODULES
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
    """Each name runs its module with the words that follow, also without Greek letters."""
    ran = call(tmp_path, INSTALLED, name, "--help", PYTHONIOENCODING="cp1252")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert f"Usage: python -m {MODULES[name]}" in ran.stdout


def test_no_command_is_left_out() -> None:
    """Whatever can be run with `python -m`, a user of the installed command can run, too."""
    runnable = set()
    for package in ("kbn", "search", "cluster"):
        for path in (ROOT / package).rglob("*.py"):
            guarded = '__name__ == "__main__"' in path.read_text(encoding="utf-8")
            if guarded or path.name == "__main__.py":
                module = path.relative_to(ROOT).with_suffix("")
                runnable.add(".".join(module.parts).removesuffix(".__main__"))
    assert runnable - {"cluster.jobs.job"} == set(MODULES.values())  # that one runs on a cluster


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
