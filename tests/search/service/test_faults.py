"""The service under faults: killed, doubled, without room, with folders that go away."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from kbn.errors import WriteError
from kbn.files import whole_file
from search.client import ServiceError
from search.evidence.digest import digest
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.service import verbs
from search.service.errors import ConflictError
from search.service.folders import Folders
from search.service.requests import Request, read_driver
from search.service.summary import StudyState
from search.settings.execution import Execution
from search.store.store import Store
from search.study.run import run
from search.study.study import Study
from tests.search.drivers import started, wait_for
from tests.search.service.conftest import DONE, in_this_process
from tests.search.service.test_drivers import LONG, queued
from tests.search.service.test_serve import SERVE, serving
from tests.search.studies import SMALL
from tests.search.test_full_disk import filled

STUDIES, KILLS = 10, 20


def study(seed: int) -> LambdaSearch:
    """Return one of several small studies."""
    return LambdaSearch(**{**SMALL.plain(), "seed": seed})


@contextmanager
def server(root: Path, *flags: str) -> Iterator[subprocess.Popen[str]]:
    """Run a server on a folder, ready or not."""
    words = ("--out", str(root), "--port", "0", *flags)
    with started(*words, program=SERVE) as process:
        yield process


def finished(folders: Folders) -> bool:
    """Say whether all studies have come to their ends."""
    return all(row.state is StudyState.FINISHED for row in folders.summaries())


def check_each_ran_once(folders: Folders) -> None:
    """Fail unless each study was run by one driver, and each trial tried once."""
    for name in folders.names():
        folder = folders.root / name
        driver = read_driver(folder)
        assert driver is not None
        assert (driver.start, driver.turn, driver.code) == (1, 0, 0), name
        with Store(folder / "study.db", read_only=True) as store:
            assert len(store.sessions()) == 1, name
            assert all(len(store.attempts(trial.id)) == 1 for trial in store.trials()), name


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_server_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    """At random moments over the life of ten studies: all finish, none is run twice.

    Their results are those of the same studies run by hand.
    """
    rng = random.Random(0)  # noqa: S311 - moments, no secrets
    folders = Folders(tmp_path / "runs")
    names = {seed: queued(folders, study(seed)) for seed in range(STUDIES)}
    for _ in range(KILLS):
        with server(folders.root, "--at-once", "2") as process:
            time.sleep(rng.uniform(0.0, 6.0))
            process.send_signal(signal.SIGKILL)
            process.wait()
    with server(folders.root, "--at-once", "2"):
        wait_for("the last study", lambda: finished(folders))
    check_each_ran_once(folders)
    for seed, name in names.items():
        by_hand = run(study(seed), serial=True, quiet=True, out=tmp_path / "by-hand", name=name)
        assert digest(Study.open(folders.root / name)) == digest(by_hand)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_servers_on_one_folder_are_as_one(tmp_path: Path) -> None:
    """A study that both are asked for is one; no two run at once where each starts but one."""
    folders = Folders(tmp_path / "runs")
    with ExitStack() as stack:
        one, two = (stack.enter_context(serving(folders.root))[0] for _ in range(2))
        names = [each.submit(study(1), serial=True) for each in (one, two)]
        names += [one.submit(study(2), serial=True), two.submit(study(3), serial=True)]
        assert len(set(names)) == 3
        wait_for("the last study", lambda: finished(folders))
    check_each_ran_once(folders)
    drivers = [driver for name in set(names) if (driver := read_driver(folders.root / name))]
    runs = sorted((driver.since, driver.ended or 0.0) for driver in drivers)
    assert all(before[1] <= after[0] for before, after in pairwise(runs))


@pytest.mark.slow
def test_a_folder_that_is_deleted_while_its_study_runs(tmp_path: Path) -> None:
    """It is gone from the list, its driver ends, and the next study runs."""
    folders = Folders(tmp_path / "runs")
    with serving(folders.root) as (service, _):
        name = service.submit(LONG, serial=True)
        wait_for("its first epochs", lambda: service.summary(name)["progress"] > 0)
        driver = read_driver(folders.root / name)
        assert driver is not None
        shutil.rmtree(folders.root / name)
        with pytest.raises(ServiceError, match="no study of this name"):
            service.summary(name)
        assert service.list() == []
        after = service.submit(study(1), serial=True)
        wait_for("the next study", lambda: service.summary(after)["state"] == "finished")
        assert [row["name"] for row in service.list()] == [after]


@pytest.mark.slow
def test_a_disk_that_is_full_takes_no_study_and_shows_those_there_are(
    disk: Path, ended: Path
) -> None:
    """Nothing is left of what could not be written; with room again it is taken."""
    shutil.copytree(ended, disk / DONE, ignore=shutil.ignore_patterns("figures", "report.html"))
    with serving(disk) as (service, _):
        with filled(disk, free=0):
            with pytest.raises(ServiceError, match="No space left"):
                service.submit(study(1), serial=True)
            assert [row["name"] for row in service.list()] == [DONE]
            assert {path.name for path in disk.iterdir() if path.is_dir()} == {DONE}
        assert service.submit(study(1), serial=True, name="taken") == "taken"


@pytest.mark.parametrize("write", [1, 2])
def test_nothing_is_left_of_a_study_that_could_not_be_written(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    """Whichever of its files it was; and the same submission is taken later."""
    left = [write]

    @contextmanager
    def full(path: Path, *, lasting: bool) -> Iterator[Path]:
        left[0] -= 1
        if left[0] == 0:
            raise WriteError(path, OSError(28, "No space left on device"))
        with whole_file(path, lasting=lasting) as temporary:
            yield temporary

    before = {path.name for path in folders.root.iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr("kbn.files.whole_file", full)
        with pytest.raises(OSError, match="No space left"):
            queued(folders, study(1))
    assert {path.name for path in folders.root.iterdir()} == {*before, verbs.SUBMITTING}
    assert folders.summary(queued(folders, study(1))).state is StudyState.QUEUED


def test_a_folder_of_something_else_is_left_alone(folders: Folders) -> None:
    """A study of that name is refused, and one whose name is made gets another."""
    other = folders.root / "lambda-coarse-fine-digits"
    other.mkdir()
    (other / "thesis.tex").write_text("…", encoding="utf-8")
    name = queued(folders, study(1))
    assert name.startswith("lambda-coarse-fine-digits-")
    with pytest.raises(ConflictError, match="holds files, but no study"):
        verbs.submit(
            folders,
            in_this_process(study(2), Execution()),
            Request(),
            name="lambda-coarse-fine-digits",
        )
    assert [path.name for path in other.iterdir()] == ["thesis.tex"]
