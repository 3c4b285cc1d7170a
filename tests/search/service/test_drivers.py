"""Drivers as processes: started, stopped, cancelled, lost. What takes seconds is marked slow."""

from __future__ import annotations

import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from search.evidence.digest import digest
from search.service import verbs
from search.service.drivers import Launcher, born, end
from search.service.errors import ConflictError
from search.service.folders import Folders
from search.service.locks import holding, is_held
from search.service.queue import Queue
from search.service.requests import Driver, Request, keep, read_driver
from search.service.summary import StudyState
from search.settings.execution import Execution
from search.settings.spec import StudySpec
from search.study.study import Study
from tests.search.drivers import wait_for
from tests.search.service.conftest import DONE, in_this_process
from tests.search.studies import SMALL

LONG = SMALL.__class__(**{**SMALL.plain(), "cycle": "50epochs", "epochs": 5000, "final_epochs": 50})
"""It does not end by itself while a test looks."""
QUICK = {"serial": True}


def queued(folders: Folders, spec: StudySpec, **execution: Any) -> str:
    """Submit a study; return its name."""
    study = in_this_process(spec, Execution(out=folders.root))
    request = Request(who="ann", execution=QUICK | execution)
    return verbs.submit(folders, study, request, name=None).name


@pytest.fixture
def empty(tmp_path: Path) -> Folders:
    """Return a folder without studies."""
    return Folders(tmp_path / "runs")


Start = Callable[..., None]


@pytest.fixture
def start() -> Iterator[Start]:
    """Yield what starts studies that wait; at the end their processes are waited for, or ended."""
    queues: list[Queue] = []

    def turn(folders: Folders, launcher: Launcher | None = None) -> None:
        queues.append(Queue(folders, launcher or Launcher(), lambda: 9))
        assert queues[-1].turn()

    yield turn
    for child in (child for queue in queues for child in queue._children):
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def state(folders: Folders, name: str) -> StudyState:
    """Return a study's state."""
    return folders.summary(name).state


def alive(pid: int | None) -> bool:
    """Say whether a process runs; one that has ended and nobody asked after does not."""
    if pid is None:
        return False
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


class Hook(http.server.BaseHTTPRequestHandler):
    """Notes what is posted to it."""

    told: list[dict[str, str]]

    def do_POST(self) -> None:
        """Note it."""
        size = int(self.headers["Content-Length"])
        self.told.append(json.loads(self.rfile.read(size)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Yield an address, and what is posted to it."""
    told: list[dict[str, str]] = []
    handler = type("Noting", (Hook,), {"told": told})
    with http.server.HTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/hook", told
        listening.shutdown()
        thread.join()


@pytest.mark.slow
def test_a_study_runs_to_its_end_and_somebody_is_told(
    empty: Folders, start: Start, ended: Path, hook: tuple[str, list[dict[str, str]]]
) -> None:
    """With the results of the same study run by hand, its log, and a line for who asked for it."""
    address, told = hook
    name = queued(empty, SMALL)
    start(empty, Launcher(on_end=address))
    wait_for("its end", lambda: told)
    assert state(empty, name) is StudyState.FINISHED
    assert digest(Study.open(empty.root / name)) == digest(Study.open(ended))
    (line,) = told
    assert line["name"] == name
    assert line["text"] == f"{name} is finished: {line['verdict']}"
    assert "final model: test accuracy" in (empty.root / name / "log.txt").read_text("utf-8")
    driver = read_driver(empty.root / name)
    assert driver is not None
    assert (driver.code, driver.start, driver.host) == (0, 1, socket.gethostname())


@pytest.mark.slow
def test_a_second_driver_is_not_started(empty: Folders, start: Start) -> None:
    """Whoever asks, while one is at the study, though it has not begun to train."""
    name = queued(empty, SMALL)
    folder = empty.root / name
    request = empty.files(name).request()
    assert request is not None
    first = Launcher().start(folder, request, None)
    assert first is not None
    assert Launcher().start(folder, request, None) is None
    assert state(empty, name) is StudyState.RUNNING
    assert first.wait(60) == 0
    second = Launcher().start(folder, request, None)
    assert second is not None  # it looks, and has nothing to do
    assert second.wait(60) == 0


@pytest.mark.slow
@pytest.mark.parametrize("serial", [True, pytest.param(False, marks=pytest.mark.ray)])
def test_a_study_is_cancelled_with_nothing_left_running(
    empty: Folders, start: Start, *, serial: bool
) -> None:
    """At once, whatever it was at: its processes are gone, it is not wanted, and can go on."""
    name = queued(empty, LONG, serial=serial)
    folder = empty.root / name
    start(empty)
    wait_for("its first epochs", lambda: empty.summary(name).progress > 0)
    driver = read_driver(folder)
    assert driver is not None
    verbs.cancel(empty, name)
    assert not is_held(folder / "driver.lock")
    assert state(empty, name) is StudyState.UNFINISHED
    wait_for("the end of its process", lambda: not alive(driver.pid))
    verbs.retry(empty, name)
    assert state(empty, name) is StudyState.QUEUED


@pytest.mark.slow
def test_one_that_has_just_been_started_is_cancelled_too(empty: Folders, start: Start) -> None:
    """Before it has said which process it is."""
    name = queued(empty, LONG)
    start(empty)
    verbs.cancel(empty, name)
    assert state(empty, name) is StudyState.UNFINISHED
    assert not is_held(empty.root / name / "driver.lock")


@pytest.mark.slow
def test_a_driver_that_does_not_go_is_killed(
    empty: Folders, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may hang: after a while its session is ended by force."""
    monkeypatch.setattr("search.service.drivers.GRACE_SECONDS", 0.5)
    name = queued(empty, LONG)
    start(empty)
    wait_for("its first epochs", lambda: empty.summary(name).progress > 0)
    driver = read_driver(empty.root / name)
    assert driver is not None
    assert driver.pid is not None
    os.kill(driver.pid, signal.SIGSTOP)
    verbs.cancel(empty, name)
    assert state(empty, name) is StudyState.UNFINISHED
    wait_for("the end of its process", lambda: not alive(driver.pid))


@pytest.mark.slow
def test_a_study_is_stopped_after_the_trial_that_runs(empty: Folders, start: Start) -> None:
    """That is kept, and no other began; a retry goes on from there to the same results."""
    spec = SMALL.__class__(**{**SMALL.plain(), "cycle": "20epochs", "epochs": 400})
    name = queued(empty, spec)
    start(empty)
    wait_for("its first epochs", lambda: empty.summary(name).progress > 0)
    verbs.stop(empty, name)
    assert state(empty, name) is StudyState.STOPPING
    wait_for("its end", lambda: state(empty, name).over)
    assert state(empty, name) is StudyState.UNFINISHED
    trials = Study.open(empty.root / name).record.trials
    begun = [each for each in trials if each.attempts]
    assert 0 < len(begun) < len(trials)
    assert all(each.result is not None for each in begun)


@pytest.mark.slow
def test_a_driver_that_is_killed_is_started_again(empty: Folders, start: Start) -> None:
    """It was lost without a word: the study waits again, and goes on."""
    name = queued(empty, LONG)
    start(empty)
    wait_for("its first epochs", lambda: empty.summary(name).progress > 0)
    driver = read_driver(empty.root / name)
    assert driver is not None
    assert driver.pid is not None
    os.kill(driver.pid, signal.SIGKILL)
    wait_for("the lock", lambda: not is_held(empty.root / name / "driver.lock"))
    assert state(empty, name) is StudyState.QUEUED
    start(empty)
    wait_for("the second one", lambda: (read_driver(empty.root / name) or driver).start == 2)
    verbs.cancel(empty, name)


@pytest.mark.slow
def test_a_study_whose_data_have_changed_says_so(empty: Folders, start: Start) -> None:
    """It has failed, and its log holds the sentence of the command."""
    name = queued(empty, SMALL)
    spec = empty.root / name / "spec.json"
    changed = spec.read_text("utf-8").replace('"fingerprint": "', '"fingerprint": "0')
    spec.write_text(changed, encoding="utf-8")
    start(empty)
    wait_for("its end", lambda: state(empty, name).over)
    assert state(empty, name) is StudyState.FAILED
    assert "fingerprint" in (empty.root / name / "log.txt").read_text("utf-8")


def test_a_process_that_has_the_number_of_a_driver_is_left_alone(folders: Folders) -> None:
    """One that began at another time, or while nobody holds the study's lock, is not the driver."""
    folder = folders.root / DONE
    mine = born(os.getpid())
    assert mine is not None
    before = signal.signal(signal.SIGTERM, lambda *_: pytest.fail("it was told to end"))
    try:
        keep(folder, Driver(turn=0, host=socket.gethostname(), pid=os.getpid(), born=mine))
        end(folder)  # nobody holds the lock
        keep(folder, Driver(turn=0, host=socket.gethostname(), pid=os.getpid(), born=mine - 1))
        with pytest.MonkeyPatch.context() as patch, holding(folder / "driver.lock"):
            patch.setattr("search.service.drivers.APPEARING_SECONDS", 0.2)
            end(folder)
        time.sleep(0.05)  # a signal that came would have been handled by now
    finally:
        signal.signal(signal.SIGTERM, before)


def test_one_of_another_machine_is_left_to_it(folders: Folders) -> None:
    """Its process cannot be reached from here."""
    folder = folders.root / DONE
    keep(folder, Driver(turn=0, host="elsewhere", pid=1, born=1))
    with holding(folder / "driver.lock"), pytest.raises(ConflictError, match="runs on elsewhere"):
        end(folder)
    keep(folder, Driver(turn=0, job="job"))
    with pytest.raises(ConflictError, match="ask the server"):
        end(folder)


def test_what_is_no_process_was_never_born() -> None:
    """And what is has begun before now."""
    assert born(2**22 + 1) is None
    assert (born(os.getpid()) is None) is (sys.platform != "linux")
