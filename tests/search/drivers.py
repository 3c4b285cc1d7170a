"""Drivers in processes of their own, for tests that end them badly."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from tests.search.studies import FLAGS

ROOT = Path(__file__).resolve().parents[2]
NAME = "lambda-coarse-fine-digits"
PATIENCE = 180.0
"""Seconds after which a process is said to hang."""

LONGER = (*FLAGS, "--cycle=10epochs", "--epochs=30", "--final-epochs=30")
"""Long enough to be stopped in the middle."""
RESULTS = "SELECT count(*) FROM results"
ATTEMPTS = "SELECT count(*) FROM attempts"


class started:  # noqa: N801 - a context manager, used as a function
    """The command in a process of its own, and in a session of its own, ended at the end."""

    def __init__(
        self,
        *flags: str | Path,
        program: Sequence[str] = ("-m", "search.lambda_coarse_fine"),
        **environment: str,
    ) -> None:
        words = [sys.executable, *program, *map(str, flags)]
        self._process = subprocess.Popen(
            words,
            cwd=ROOT,
            text=True,
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __enter__(self) -> subprocess.Popen[str]:
        return self._process

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGABRT)  # where each thread is goes to standard error
            with suppress(subprocess.TimeoutExpired):
                sys.stderr.write(self._process.communicate(timeout=10)[1])
            self._process.kill()
        self._process.communicate()


def misbehaving(kind: str, out: Path, *flags: str, **environment: str) -> started:
    """Start a driver whose training goes wrong as `misbehaves.py` says."""
    signs = out / "signs"
    signs.mkdir()
    (signs / "hold").touch()
    program = (str(Path(__file__).parent / "misbehaves.py"), kind, str(signs))
    return started(*FLAGS, *flags, "--out", out, program=program, **environment)


def let_go(out: Path) -> None:
    """Let trials go on that wait."""
    (out / "signs" / "hold").unlink()


def wait_for(what: str, seen: Callable[[], object]) -> None:
    """Wait until something is seen."""
    deadline = time.monotonic() + PATIENCE
    while not seen():
        assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s for {what}"
        time.sleep(0.02)


def count(folder: Path, query: str, *values: str) -> int:
    """Return the number that a query finds in a study's store, 0 while there is none."""
    database = folder / "study.db"
    if not database.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return int(connection.execute(query, values).fetchone()[0])
    except sqlite3.OperationalError:  # it is being made
        return 0


def descendants(pid: int) -> set[int]:
    """Return the processes that a process started, and those that these did."""
    found: set[int] = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid:
            child = int(stat.parent.name)
            found |= {child} | descendants(child)
    return found


def commands(pids: set[int]) -> str:
    """Return the command lines of the processes that still run."""
    words = []
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            words.append(Path(f"/proc/{pid}/cmdline").read_text())
    return " ".join(words)


def alive(pids: set[int]) -> set[int]:
    """Return those of the processes that still run; a zombie does not."""
    running = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            running.add(pid)
    return running


def processes(of: set[int], name: str) -> set[int]:
    """Return those of the processes that run a program of Ray's."""
    found = set()
    for pid in of:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if Path(words[0]).name == name:
            found.add(pid)
    return found


def agents(of: set[int]) -> set[int]:
    """Return Ray's agents among the processes.

    When a head dies with its raylet they try for a minute to tell it of the raylet's end, and
    then end, too.
    """
    return {pid for pid in alive(of) if "Agent" in _command(pid)}


def of_ray(pids: set[int]) -> set[int]:
    """Return those of the processes that still run and are Ray's."""
    return {pid for pid in alive(pids) if "/ray/" in _command(pid) or "ray::" in _command(pid)}


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return ""
