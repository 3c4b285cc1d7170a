"""Faults, each for real: no finished trial is lost, none is counted twice, results stay equal."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search import run
from tests.cluster.conftest import head
from tests.search.drivers import (
    ATTEMPTS,
    LONGER,
    NAME,
    PATIENCE,
    RESULTS,
    agents,
    alive,
    count,
    descendants,
    let_go,
    misbehaving,
    of_ray,
    processes,
    started,
    wait_for,
)
from tests.search.studies import FLAGS, SMALL, TRIALS, results, tables

HERE = Path(__file__).parent
NOTICED = 30.0
"""Seconds in which a driver has to say that its cluster is lost."""
WATCHFUL = {
    "RAY_health_check_period_ms": "2000",
    "RAY_health_check_timeout_ms": "3000",
    "RAY_health_check_failure_threshold": "3",
}
LOST = 3
"""Its exit code then."""
START = 2.0
"""Seconds that a driver takes to start, about."""

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")


def study(out: Path, *flags: str) -> Path:
    """Run a study uninterrupted, in one process and without Ray; return its folder."""
    with started(*flags, "--serial", "--quiet", "--out", out) as driver:
        _, err = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 0, err
    return out / NAME


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the small study."""
    return run(SMALL, out=tmp_path_factory.mktemp("small"), serial=True, quiet=True).folder


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a study that is long enough to be interrupted."""
    return study(tmp_path_factory.mktemp("longer"), *LONGER)


def assert_equal(folder: Path, to: Path) -> None:
    """Hold results, CSV files and the report's tables against an uninterrupted run's."""
    assert results(folder) == results(to)
    assert tables(folder) == tables(to)


def finished(folder: Path) -> list[tuple[Any, ...]]:
    """Return the results' rows, times included."""
    if not (folder / "study.db").exists():
        return []
    with closing(sqlite3.connect(folder / "study.db")) as db:
        return db.execute("SELECT * FROM results ORDER BY trial_id").fetchall()


def gone(family: set[int]) -> bool:
    """Say whether nothing of a driver is left but Ray's agents, which end within a minute."""
    return not alive(family) - agents(family)


@pytest.mark.parametrize("moment", ["before", "during", "after"])
def test_a_driver_killed_at_a_commit(small: Path, tmp_path: Path, moment: str) -> None:
    """Between a result's arrival and its commit, during it, after it: whole results only."""
    program = (str(HERE / "dies.py"), moment, "2")
    with started(*FLAGS, "--serial", "--quiet", "--out", tmp_path, program=program) as driver:
        _, err = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == -signal.SIGKILL, err
    folder = tmp_path / NAME
    if moment == "during":
        assert (folder / "study.db-journal").stat().st_size > 0
    kept = finished(folder)
    assert len(kept) == (2 if moment == "after" else 1)
    again = run(SMALL, out=tmp_path, serial=True, quiet=True)
    assert again.record.sessions[-1].trained == TRIALS - len(kept)
    assert set(kept) <= set(finished(folder))
    assert_equal(folder, small)


def kill_at_random(
    out: Path, flags: tuple[str, ...], *, kills: int, longest: float, rng: np.random.Generator
) -> int:
    """Run a study to its end, killing the driver up to so many times after a random time.

    Returns the number of kills. What a killed driver had committed has to be there afterwards.
    """
    for kill in range(kills + 1):
        before = finished(out / NAME)
        with started(*flags, "--quiet", "--out", out) as driver:
            with suppress(subprocess.TimeoutExpired):
                last = kill == kills
                _, err = driver.communicate(timeout=PATIENCE if last else rng.uniform(0, longest))
                assert driver.returncode == 0, err
                return kill
            family = descendants(driver.pid)
            driver.kill()
            driver.wait(PATIENCE)
        wait_for("the workers' end", partial(gone, family))
        for pid in alive(family):
            os.kill(pid, signal.SIGKILL)
        assert set(before) <= set(finished(out / NAME))
    raise AssertionError(f"the study did not end within {PATIENCE:.0f} s")


def seconds_of(*flags: str | Path) -> float:
    """Return how long a study takes that nobody interrupts, on this machine and now."""
    start = time.monotonic()
    with started(*flags, "--quiet") as driver:
        _, err = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 0, err
    return time.monotonic() - start


@linux
@pytest.mark.slow
def test_a_driver_killed_at_random(longer: Path, tmp_path: Path) -> None:
    """SIGKILL at three random moments of a serial study's life."""
    with closing(sqlite3.connect(longer / "study.db")) as db:
        ((training,),) = db.execute("SELECT seconds FROM sessions")
    rng, longest = np.random.default_rng(0), START + training
    kills = kill_at_random(tmp_path, (*LONGER, "--serial"), kills=3, longest=longest, rng=rng)
    assert kills > 0
    assert_equal(tmp_path / NAME, longer)


@linux
@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(1800)
def test_a_driver_killed_at_thirty_random_moments(longer: Path, tmp_path: Path) -> None:
    """SIGKILL at thirty moments over a study's life on embedded Ray: start, training, report."""
    longest = 0.8 * seconds_of(*LONGER, "--out", tmp_path / "timed")  # or few would be killed
    rng, left = np.random.default_rng(1), 30
    while left:
        out = tmp_path / str(left)
        left -= kill_at_random(out, LONGER, kills=min(left, 5), longest=longest, rng=rng)
        assert_equal(out / NAME, longer)


@pytest.mark.ray
def test_trials_that_go_wrong(small: Path, tmp_path: Path) -> None:
    """One raises, one hangs, two lose their worker to SIGKILL: each is tried again, none is lost.

    Every attempt is in the store and in the report, with its reason.
    """
    # Where other processes keep a worker waiting, it may be silent for that long innocently, too:
    # such an attempt is one more failure of a kind that is expected here.
    with misbehaving("once", tmp_path, "--quiet", "--trial-timeout=5", "--retries=3") as driver:
        _, err = driver.communicate(timeout=PATIENCE)
    folder = tmp_path / NAME
    with closing(sqlite3.connect(folder / "study.db")) as db:
        kinds = db.execute(
            "SELECT json_extract(failure, '$.type') FROM attempts WHERE failure IS NOT NULL"
        ).fetchall()
    assert driver.returncode == 0, f"{kinds} {err}"
    assert_equal(folder, small)
    report = (folder / "report.md").read_text(encoding="utf-8")
    wrong = [kind for (kind,) in kinds]
    assert {"RuntimeError", "Stalled", "WorkerCrashedError"} == set(wrong)
    assert count(folder, ATTEMPTS) == TRIALS + len(wrong)
    assert all(report.count(kind) >= wrong.count(kind) for kind in wrong)


@pytest.mark.slow
@pytest.mark.ray
def test_a_worker_killed_in_mid_pack(small: Path, tmp_path: Path) -> None:
    """SIGKILL of a task that trains two trials: each goes on alone, to the same bytes."""
    with misbehaving("pack", tmp_path, "--quiet", "--pack=2", "--max-concurrent=1") as driver:
        _, err = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 0, err
    folder = tmp_path / NAME
    assert_equal(folder, small)
    packed = {path.name for path in (tmp_path / "signs").iterdir()} - {"hold"}
    assert len(packed) == 2
    with closing(sqlite3.connect(folder / "study.db")) as db:
        rows = db.execute(
            "SELECT trial_id, json_extract(failure, '$.type') FROM attempts "
            "WHERE failure IS NOT NULL"
        ).fetchall()
    assert dict(rows) == dict.fromkeys(packed, "WorkerCrashedError")
    assert count(folder, ATTEMPTS) == TRIALS + len(packed)


@pytest.mark.slow
@pytest.mark.ray
@linux
def test_a_trial_that_eats_memory(tmp_path: Path) -> None:
    """Ray kills it, a few attempts later it is given up, and the other trials finish."""
    lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    memory = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    used = 1 - memory["MemAvailable"] / memory["MemTotal"]
    if used > 0.6:
        pytest.skip(f"{used:.0%} of this machine's memory is in use")
    limits = {
        "RAY_memory_usage_threshold": f"{used + 0.2:.3f}",
        "RAY_memory_monitor_refresh_ms": "100",
    }
    with misbehaving("eat", tmp_path, **limits) as driver:
        _, err = driver.communicate(timeout=PATIENCE)
    assert driver.returncode == 1, err
    assert "OutOfMemoryError" in err
    assert count(tmp_path / NAME, RESULTS) == TRIALS - 1


def joining(cluster: Any) -> dict[str, str]:
    """Return what the environment of a driver needs that joins a cluster of this process's."""
    names = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")
    return {name: os.environ[name] for name in names} | {"RAY_ADDRESS": cluster.address}


@linux
@pytest.mark.slow
@pytest.mark.ray
def test_a_node_killed_and_one_added(small: Path, tmp_path: Path) -> None:
    """Trials of the lost node are trained elsewhere; the study ends as if nothing had been."""
    folder = tmp_path / NAME
    with head(cpus=0) as cluster:
        node, _ = (cluster.add_node(num_cpus=1) for _ in range(2))
        with misbehaving("hold", tmp_path, "--address=auto", **joining(cluster)) as driver:
            wait_for("two attempts", lambda: count(folder, ATTEMPTS) >= 2)
            cluster.remove_node(node, allow_graceful=False)
            cluster.add_node(num_cpus=1)
            wait_for("another attempt", lambda: count(folder, ATTEMPTS) >= 3)
            let_go(tmp_path)
            _, err = driver.communicate(timeout=PATIENCE)
        assert driver.returncode == 0, err
    assert_equal(folder, small)


@linux
@pytest.mark.ray
@pytest.mark.parametrize(
    ("ends", "goes_on"),
    [
        pytest.param("gcs_server", "serial", marks=pytest.mark.slow),
        pytest.param("gcs_server", "on a new cluster", marks=pytest.mark.slow),
        pytest.param("raylet", "on a new cluster", marks=pytest.mark.slow),
    ],
)
def test_the_head_of_a_cluster_is_killed(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str, goes_on: str
) -> None:
    """The driver says so within 30 s, exits by its own hand, and goes on elsewhere.

    The cluster notices partitions as soon as docs/reliability.md advises, and Ray would end the
    driver so much sooner.
    """
    monkeypatch.setattr("tests.cluster.conftest.SOON", WATCHFUL)
    folder = tmp_path / NAME
    with (
        head(cpus=2) as cluster,
        misbehaving("hold", tmp_path, "--address=auto", **joining(cluster)) as driver,
    ):
        wait_for("an attempt", lambda: count(folder, ATTEMPTS))
        family = descendants(os.getpid())
        (process,) = cluster.head_node.all_processes[ends]
        process.process.kill()
        assert_says_that_it_is_lost(driver)
    for left in of_ray(family):  # some try for up to a minute to tell the head of their end
        with suppress(ProcessLookupError):
            os.kill(left, signal.SIGKILL)
    if goes_on == "serial":
        run(SMALL, out=tmp_path, serial=True, quiet=True)
    else:
        flags = (*FLAGS, "--address=auto", "--quiet", "--out", tmp_path)
        with head(cpus=2) as cluster, started(*flags, **joining(cluster)) as driver:
            _, err = driver.communicate(timeout=PATIENCE)
        assert driver.returncode == 0, err
    assert_equal(folder, small)


@linux
@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.parametrize("ends", ["gcs_server", "raylet"])
def test_embedded_ray_is_killed(small: Path, tmp_path: Path, ends: str) -> None:
    """Ray's head or raylet dies under the driver: the same, and no process is left behind."""
    with misbehaving("hold", tmp_path) as driver:
        wait_for("an attempt", lambda: count(tmp_path / NAME, ATTEMPTS))
        family = descendants(driver.pid)
        (victim,) = processes(family, ends)
        os.kill(victim, signal.SIGKILL)
        assert_says_that_it_is_lost(driver)
    wait_for("the end of Ray", lambda: gone(family))
    wait_for("the end of its agents", lambda: not alive(family))
    again = run(SMALL, out=tmp_path, serial=True, quiet=True)
    assert_equal(again.folder, small)


@linux
@pytest.mark.ray
def test_the_raylet_of_an_embedded_ray_is_stopped(small: Path, tmp_path: Path) -> None:
    """Ray ends the driver's process within an instant, without a word: its parent has the line.

    It removes Ray's folder as well.
    """
    with (
        tempfile.TemporaryDirectory(dir="/tmp") as short,
        misbehaving("hold", tmp_path, RAY_TMPDIR=short) as driver,
    ):
        wait_for("an attempt", lambda: count(tmp_path / NAME, ATTEMPTS))
        family = descendants(driver.pid)
        assert list(Path(short).iterdir())
        (victim,) = processes(family, "raylet")
        os.kill(victim, signal.SIGTERM)
        assert_says_that_it_is_lost(driver, why="Ray ended the run")
        assert list(Path(short).iterdir()) == []
    wait_for("the end of Ray", lambda: gone(family))
    again = run(SMALL, out=tmp_path, serial=True, quiet=True)
    assert_equal(again.folder, small)


@linux
@pytest.mark.slow
@pytest.mark.ray
def test_the_raylet_of_a_cluster_is_stopped(small: Path, tmp_path: Path) -> None:
    """As `ray stop` does on the driver's machine: the same, while the cluster's head lives on."""
    with (
        head(cpus=2) as cluster,
        misbehaving("hold", tmp_path, "--address=auto", **joining(cluster)) as driver,
    ):
        wait_for("an attempt", lambda: count(tmp_path / NAME, ATTEMPTS))
        (process,) = cluster.head_node.all_processes["raylet"]
        process.process.terminate()
        assert_says_that_it_is_lost(driver, why="Ray ended the run")
    again = run(SMALL, out=tmp_path, serial=True, quiet=True)
    assert_equal(again.folder, small)


def assert_says_that_it_is_lost(
    driver: subprocess.Popen[str], *, why: str = "(connection refused)"
) -> None:
    """Wait for a driver's end: one line, an exit code of its own, and soon."""
    start = time.monotonic()
    _, err = driver.communicate(timeout=PATIENCE)
    seconds = time.monotonic() - start
    said = [line for line in err.splitlines() if line.startswith("error: ")]
    assert (driver.returncode, len(said)) == (LOST, 1), err
    assert "the cluster is lost" in said[0]
    assert why in said[0]
    assert "run the same command again to go on" in said[0]
    assert "Traceback" not in err
    assert seconds < NOTICED
    print(f"exited {seconds:.1f} s after the kill")  # noqa: T201 - a figure for the documents
