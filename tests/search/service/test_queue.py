from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from filelock import FileLock

from kbn.errors import WriteError
from search.service.drivers import Launcher
from search.service.folders import Folders
from search.service.locks import holding
from search.service.queue import QUEUE_LOCK, Queue, running, waiting
from search.service.requests import Driver, Request, keep
from tests.search.service.conftest import DONE


@dataclass(frozen=True)
class Noting(Launcher):
    """Starts nothing, and notes what it was to start."""

    started: list[str] = field(default_factory=list)
    jobs_under_way: set[str] = field(default_factory=set)

    def under_way(self, driver: Driver | None) -> bool:
        """Say whether a job was named to be under way."""
        return driver is not None and driver.job in self.jobs_under_way

    def start(
        self, folder: Path, request: Request, before: Driver | None
    ) -> subprocess.Popen[bytes] | None:
        """Note it, as a driver would that ended at once."""
        self.started.append(folder.name)
        keep(folder, Driver(turn=request.turn, code=130))
        return None


def wait(folders: Folders, name: str, **fields: object) -> Path:
    """Put a study into the queue."""
    folder = folders.root / name
    shutil.copytree(folders.root / DONE, folder)
    (folder / "report.json").unlink()
    keep(folder, replace(Request(who="ann", wanted=True), **fields))  # type: ignore[arg-type]
    return folder


def test_studies_are_started_in_the_order_of_their_requests(folders: Folders) -> None:
    """Those that are to be first go ahead, and among themselves in order, too."""
    for name, when, first in (("b", 2.0, False), ("a", 3.0, False), ("d", 9.0, True)):
        wait(folders, name, when=when, first=first)
    wait(folders, "c", when=5.0, first=True)
    wait(folders, "e", when=1.0, wanted=False)
    assert [folder.name for folder in waiting(folders)] == ["c", "d", "b", "a"]
    launcher = Noting()
    queue = Queue(folders, launcher, lambda: 3)
    assert queue.turn() == 3
    assert launcher.started == ["c", "d", "b"]
    assert queue.turn() == 1
    assert queue.turn() == 0


def test_so_many_run_at_once(folders: Folders) -> None:
    """Those that somebody runs by hand are counted, and jobs that nobody has taken up yet."""
    wait(folders, "a", when=1.0)
    keep(wait(folders, "b", when=2.0), Driver(turn=0, job="job"))
    wait(folders, "c", when=3.0)
    launcher = Noting(jobs_under_way={"job"})
    with FileLock(folders.root / DONE / "study.lock"):
        assert running(folders) == 1
        assert Queue(folders, launcher, lambda: 2).turn() == 0
        assert Queue(folders, launcher, lambda: 3).turn() == 1
    assert launcher.started == ["a"]


def test_two_servers_do_not_start_at_the_same_time(folders: Folders) -> None:
    """One leaves it to the other, and looks again later."""
    wait(folders, "a", when=1.0)
    launcher = Noting()
    queue = Queue(folders, launcher, lambda: 1)
    with holding(folders.root / QUEUE_LOCK):
        assert queue.turn() == 0
    assert queue.turn() == 1


def test_a_study_that_cannot_be_read_holds_up_no_other(folders: Folders) -> None:
    """It is damaged, and the next one starts."""
    (wait(folders, "a", when=1.0) / "request.json").write_bytes(b"{")
    wait(folders, "b", when=2.0)
    launcher = Noting()
    Queue(folders, launcher, lambda: 2).turn()
    assert launcher.started == ["b"]


def test_a_folder_that_cannot_be_written_to_holds_up_no_other(folders: Folders) -> None:
    """The next one is started in its place, and the first is tried again later."""

    class Refusing(Noting):
        def start(
            self, folder: Path, request: Request, before: Driver | None
        ) -> subprocess.Popen[bytes] | None:
            if folder.name == "a":
                raise WriteError(folder, OSError(13, "Permission denied"))
            return super().start(folder, request, before)

    for name, when in (("a", 1.0), ("b", 2.0), ("c", 3.0)):
        wait(folders, name, when=when)
    launcher = Refusing()
    queue = Queue(folders, launcher, lambda: 1)
    assert (queue.turn(), queue.turn()) == (1, 1)
    assert launcher.started == ["b", "c"]
    with pytest.raises(WriteError, match="Permission denied"):
        queue.turn()


def test_what_goes_wrong_is_said_once_and_tried_again(
    folders: Folders, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A disk that is full has room some day: the thread goes on."""
    wait(folders, "a", when=1.0)
    launcher = Noting()
    queue = Queue(folders, launcher, lambda: 1)
    turns = []

    def full() -> int:
        turns.append(1)
        if len(turns) == 4:
            queue._over = True
        raise WriteError("runs/a/log.txt", OSError(28, "No space left on device"))

    monkeypatch.setattr(queue, "turn", full)
    monkeypatch.setattr("search.service.queue.EVERY", 0.001)
    with queue:
        queue._thread.join()
    assert len(turns) == 4
    said = capsys.readouterr().err
    assert said == "warning: runs/a/log.txt cannot be written (No space left on device)\n"
