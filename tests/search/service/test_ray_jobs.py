"""Studies as jobs of a Ray cluster with a real dashboard."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.errors import ClusterError
from search.evidence.digest import digest
from search.service import verbs
from search.service.drivers import Launcher
from search.service.folders import Folders
from search.service.queue import Queue
from search.service.ray_jobs import RayJobs, job_name
from search.service.requests import Driver, keep, read_driver
from search.service.summary import StudyState
from search.study.study import Study
from tests.cluster.conftest import head
from tests.search.drivers import wait_for
from tests.search.service.test_drivers import LONG, queued
from tests.search.studies import SMALL

pytestmark = [pytest.mark.slow, pytest.mark.ray, pytest.mark.jobs, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    """Yield what starts studies on a cluster of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # The agent's usual port may be another Ray's, and without it the head starts no jobs.
    ports = {"dashboard_port": port, "dashboard_agent_listen_port": 0}
    with head(cpus=2, include_dashboard=True, **ports) as cluster:
        yield Launcher(
            jobs=RayJobs(f"http://{cluster.head_node.webui_url}"), address=cluster.address
        )


def turn(folders: Folders, launcher: Launcher) -> int:
    """Start what waits; return how many were started."""
    return Queue(folders, launcher, lambda: 9).turn()


def test_a_study_is_a_job(tmp_path: Path, ended: Path, launcher: Launcher) -> None:
    """Started once, though two servers ask for it; with the results of a run by hand, and a log."""
    folders = Folders(tmp_path / "runs")
    name = queued(folders, SMALL, serial=False)
    assert turn(folders, launcher) == 1
    assert turn(Folders(folders.root), launcher) == 0
    wait_for("its end", lambda: folders.summary(name).state.over)
    driver = read_driver(folders.root / name)
    assert driver is not None
    assert launcher.jobs is not None
    log = launcher.jobs.log(driver.job)
    assert folders.summary(name).state is StudyState.FINISHED, log
    assert (driver.job, driver.code) == (job_name(folders.root / name, turn=0, start=1), 0)
    assert digest(Study.open(folders.root / name)) == digest(Study.open(ended))
    assert "final model: test accuracy" in log


def test_a_job_is_cancelled_through_ray(tmp_path: Path, launcher: Launcher) -> None:
    """Its driver is gone; the study is not wanted any more, and can go on."""
    folders = Folders(tmp_path / "runs")
    name = queued(folders, LONG, serial=False)
    turn(folders, launcher)
    wait_for("its first epochs", lambda: folders.summary(name).progress > 0)
    verbs.cancel(folders, name, launcher.jobs)
    wait_for("its end", lambda: folders.summary(name).state.over)
    assert folders.summary(name).state is StudyState.UNFINISHED
    assert launcher.jobs is not None
    driver = read_driver(folders.root / name)
    assert driver is not None
    wait_for("Ray's word", lambda: not launcher.under_way(driver))


def test_a_job_that_was_lost_is_started_again_under_another_name(
    tmp_path: Path, launcher: Launcher
) -> None:
    """So is one that was named, and never came to Ray."""
    folders = Folders(tmp_path / "runs")
    name = queued(folders, SMALL, serial=False)
    folder = folders.root / name
    keep(folder, Driver(turn=0, start=1, job=job_name(folder, turn=0, start=1)))
    assert turn(folders, launcher) == 1
    wait_for("its end", lambda: folders.summary(name).state.over)
    driver = read_driver(folder)
    assert driver is not None
    assert (driver.start, driver.code) == (2, 0)


def test_a_dashboard_that_is_not_there_is_said_not_to_be() -> None:
    """Before a server begins."""
    with pytest.raises(ClusterError, match="nothing answers there"):
        RayJobs("http://127.0.0.1:9")
