"""The promise of equal bytes, with real processes, real Ray and real signals."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from search import Study, run
from tests.search.studies import FLAGS, SMALL, TRIALS, results, tables

ROOT = Path(__file__).resolve().parents[2]
NAME = "lambda-coarse-fine-digits"
PATIENCE = 120.0
"""Seconds after which a process is said to hang."""

LONGER = (*FLAGS, "--epochs=30", "--final-epochs=30")
"""Long enough to be stopped in the middle."""
RESULTS = "SELECT count(*) FROM results"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Return the small study, run in this process."""
    return run(SMALL, out=tmp_path_factory.mktemp("serial"), serial=True, quiet=True)


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the longer study, run by the command in one go."""
    out = tmp_path_factory.mktemp("longer")
    with started(*LONGER, "--serial", "--out", out) as driver:
        assert driver.wait(PATIENCE) == 0
    return out / NAME


class started:  # noqa: N801 - a context manager, used as a function
    """The command in a process of its own, and in a session of its own, ended at the end."""

    def __init__(self, *flags: str | Path) -> None:
        words = [sys.executable, "-m", "search.lambda_coarse_fine", *map(str, flags)]
        self._process = subprocess.Popen(
            words,
            cwd=ROOT,
            text=True,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __enter__(self) -> subprocess.Popen[str]:
        return self._process

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


def wait_for(what: str, seen: Callable[[], object]) -> None:
    """Wait until something is seen."""
    deadline = time.monotonic() + PATIENCE
    while not seen():
        assert time.monotonic() < deadline, f"waited {PATIENCE:.0f} s for {what}"
        time.sleep(0.02)


def count(folder: Path, query: str) -> int:
    """Return the number that a query finds in a study's store, 0 while there is none."""
    database = folder / "study.db"
    if not database.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return int(connection.execute(query).fetchone()[0])
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


@pytest.mark.ray
@pytest.mark.parametrize("workers", [1, 2])
def test_ray_gives_the_bytes_of_a_serial_run(study: Study, tmp_path: Path, workers: int) -> None:
    """The same study on embedded Ray, with one trial at a time and with two."""
    there = run(SMALL, out=tmp_path, max_concurrent=workers, quiet=True)
    assert there.record.sessions[0].slots == min(workers, os.cpu_count() or 1)
    assert results(there.folder) == results(study.folder)
    assert tables(there.folder) == tables(study.folder)


def test_replicates_in_two_processes_are_the_same(tmp_path: Path, study: Study) -> None:
    """A process of its own, with its own hash seed, gives the same bytes."""
    with started(*FLAGS, "--serial", "--quiet", "--out", tmp_path) as driver:
        out, err = driver.communicate(timeout=PATIENCE)
    assert (driver.returncode, err) == (0, "")
    assert out == f"report: {tmp_path / NAME / 'report.md'}\n"
    assert results(tmp_path / NAME) == results(study.folder)


@pytest.mark.ray
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_killed_driver_loses_nothing(longer: Path, tmp_path: Path) -> None:
    """SIGKILL between two results: no worker stays; the next run trains only what is missing.

    Two idle agents of Ray try for a minute to tell the lost head of their raylet's end; they
    are ended here.
    """
    folder = tmp_path / NAME
    with started(*LONGER, "--out", tmp_path) as driver:
        wait_for("a first result", lambda: count(folder, RESULTS))
        family = descendants(driver.pid)
        agents = {pid for pid in family if "Agent" in Path(f"/proc/{pid}/cmdline").read_text()}
        driver.kill()
        driver.wait(PATIENCE)
    kept = count(folder, RESULTS)
    assert 0 < kept < TRIALS
    wait_for("the workers' end", lambda: not alive(family - agents))
    for agent in alive(agents):
        os.kill(agent, signal.SIGKILL)
    with started(*LONGER, "--out", tmp_path) as driver:
        _, err = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 0, err
    assert err.count(" completed after ") == TRIALS - kept
    assert results(folder) == results(longer)
    assert tables(folder) == tables(longer)


@pytest.mark.ray
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_driver_says_what_it_keeps(
    longer: Path, tmp_path: Path, sent: signal.Signals
) -> None:
    """Ctrl-C and SIGTERM: exit code 130, one line, no process left, and the rest comes later."""
    folder = tmp_path / NAME
    with started(*LONGER, "--out", tmp_path) as driver:
        wait_for("a first epoch", lambda: count(folder, "SELECT count(*) FROM epochs"))
        family = descendants(driver.pid)
        driver.send_signal(sent)
        _, err = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 130
    assert "Traceback" not in err
    assert "run the same command again to go on" in err.splitlines()[-1]
    wait_for("Ray's end", lambda: not alive(family))
    with started(*LONGER, "--serial", "--quiet", "--out", tmp_path) as driver:
        assert driver.wait(PATIENCE) == 0
    assert results(folder) == results(longer)
