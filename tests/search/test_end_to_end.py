"""The promise of equal bytes, with real processes, real Ray and real signals."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from cluster import cores_here
from search import Study, run
from tests.search.drivers import (
    NAME,
    PATIENCE,
    RESULTS,
    agents,
    alive,
    commands,
    count,
    descendants,
    misbehaving,
    started,
    wait_for,
)
from tests.search.studies import FLAGS, SMALL, TRIALS, results, tables


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Return the small study, run in this process."""
    return run(SMALL, out=tmp_path_factory.mktemp("serial"), serial=True, quiet=True)


@pytest.mark.ray
@pytest.mark.parametrize("workers", [1, 2])
def test_ray_gives_the_bytes_of_a_serial_run(study: Study, tmp_path: Path, workers: int) -> None:
    """The same study on embedded Ray, with one trial at a time and with two."""
    there = run(SMALL, out=tmp_path, max_concurrent=workers, quiet=True)
    assert there.record.sessions[0].slots == min(workers, cores_here())
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
def test_a_killed_driver_loses_nothing(study: Study, tmp_path: Path) -> None:
    """SIGKILL between two results: no worker stays; the next run trains only what is missing.

    Two idle agents of Ray try for a minute to tell the lost head of their raylet's end; they
    are ended here.
    """
    folder = tmp_path / NAME
    with misbehaving("hold_but_one", tmp_path) as driver:
        wait_for("a first result", lambda: count(folder, RESULTS))
        family = descendants(driver.pid)
        left = agents(family)
        driver.kill()
        driver.wait(PATIENCE)
    assert count(folder, RESULTS) == 1
    wait_for("the workers' end", lambda: not alive(family - left))
    for agent in alive(left):
        os.kill(agent, signal.SIGKILL)
    with started(*FLAGS, "--out", tmp_path) as driver:
        _, err = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 0, err
    assert err.count(" completed after ") == TRIALS - 1
    assert results(folder) == results(study.folder)
    assert tables(folder) == tables(study.folder)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize(
    ("sent", "flags"),
    [pytest.param(signal.SIGINT, (), marks=pytest.mark.ray), (signal.SIGTERM, ("--serial",))],
)
def test_a_stopped_driver_says_what_it_keeps(
    study: Study, tmp_path: Path, sent: signal.Signals, flags: tuple[str, ...]
) -> None:
    """Ctrl-C and SIGTERM: exit code 130, one line, no process left, and the rest comes later."""
    folder = tmp_path / NAME
    with misbehaving("hold_but_one", tmp_path, *flags) as driver:
        wait_for("a first result", lambda: count(folder, RESULTS))
        family = descendants(driver.pid)
        driver.send_signal(sent)
        _, err = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 130
    assert "Traceback" not in err
    assert "1 of the 2 trials" in err.splitlines()[-1]
    assert "run the same command again to go on" in err.splitlines()[-1]
    wait_for("Ray's end", lambda: not alive(family))
    again = run(SMALL, out=tmp_path, serial=True, quiet=True)
    assert again.record.sessions[-1].trained == TRIALS - 1
    assert results(folder) == results(study.folder)


@pytest.mark.ray
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_scheduler_ends_a_driver_while_ray_starts(tmp_path: Path) -> None:
    """SIGTERM is Ctrl-C then, too: exit code 130, one line, no process left, nothing written."""
    with started(*FLAGS, "--out", tmp_path) as driver:
        wait_for("Ray's first process", lambda: "gcs_server" in commands(descendants(driver.pid)))
        family = descendants(driver.pid)
        driver.terminate()
        _, err = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 130, err
    assert err.split("\n")[-2] == "stopped before the first trial; nothing is lost"
    assert "Traceback" not in err
    wait_for("Ray's end", lambda: not alive(family))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "flags", [pytest.param((), marks=[pytest.mark.ray, pytest.mark.slow]), ("--serial",)]
)
def test_a_scheduler_ends_a_driver_while_the_report_is_written(
    study: Study, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    """The same, while Ray ends beside the report; the same command writes it."""
    folder = tmp_path / NAME
    with started(*FLAGS, *flags, "--out", tmp_path) as driver:
        wait_for("the report's first part", (folder / "trials.csv").exists)
        driver.terminate()
        _, err = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 130, err
    assert f"{TRIALS} of the {TRIALS} trials" in err.splitlines()[-1]
    assert "Traceback" not in err
    run(SMALL, out=tmp_path, serial=True, quiet=True)
    assert tables(folder) == tables(study.folder)
