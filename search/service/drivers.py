"""A study's driver: a process of its own, or a job of Ray's. Both outlive whoever started them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kbn.errors import WriteError
from search.service.elsewhere import HOME
from search.service.errors import ConflictError
from search.service.locks import is_held, take
from search.service.ray_jobs import RayJobs, job_name
from search.service.requests import Driver, Request, keep, read_driver
from search.store.folder import DRIVER_LOCK, LOG

MODULE = "search.service.driver"
GRACE_SECONDS = 15.0
"""How long a driver that is ended is given to leave a whole page, before it is killed."""
APPEARING_SECONDS = 60.0
"""How long a driver that was just started is given to say which process it is."""


@dataclass(frozen=True)
class Launcher:
    """How drivers are started here.

    Parameters
    ----------
    jobs
        Ray's jobs; None for processes on this machine.
    address, data_dir, on_end
        As the server was given them.
    """

    jobs: RayJobs | None = None
    address: str | None = None
    data_dir: Path | None = None
    on_end: str | None = None

    def under_way(self, driver: Driver | None) -> bool:
        """Say whether a job is to run a study that nobody has taken up yet."""
        if self.jobs is None or driver is None or not driver.job or driver.code is not None:
            return False
        return self.jobs.is_under_way(driver.job)

    def start(
        self, folder: Path, request: Request, before: Driver | None
    ) -> subprocess.Popen[bytes] | None:
        """Start a study's driver, unless it has one; return the process, where it is one of ours.

        `before` is the one that ran it last. Raises `WriteError` where the folder cannot be written
        to, `ClusterError` where Ray takes no job.
        """
        lost = before is not None and before.turn == request.turn
        start = before.start + 1 if before is not None and lost else 1
        words = ["-m", MODULE, str(folder.absolute()), f"{request.turn}", f"{start}"]
        for name, value in (
            ("--address", self.address),
            ("--data-dir", self.data_dir and self.data_dir.absolute()),
            ("--on-end", self.on_end),
        ):
            words += [name, str(value)] if value is not None else []
        if self.jobs is None:
            return _process(folder, words)
        name = job_name(folder, turn=request.turn, start=start)
        keep(folder, Driver(request.turn, start, since=time.time(), job=name))
        self.jobs.submit(name, words, study=folder.name)
        return None


def _process(folder: Path, words: list[str]) -> subprocess.Popen[bytes] | None:
    """Start a process that holds the study's lock from the start, in a session of its own."""
    lock = take(folder / DRIVER_LOCK)
    if lock is None:
        return None
    try:
        with (folder / LOG).open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, *words, "--lock", str(lock)],
                cwd=HOME,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                start_new_session=True,
            )
    except OSError as error:
        raise WriteError(folder / LOG, error) from error
    finally:
        os.close(lock)


def end(folder: Path, jobs: RayJobs | None = None) -> None:
    """End a study's driver now: as Ctrl-C does, and by force where that is not enough.

    Raises `ConflictError` for one on another machine, `ClusterError` where Ray does not answer.
    """
    driver = _known(folder)
    if driver is None:
        return
    if driver.job:
        if jobs is None:
            raise ConflictError(
                f"{folder.name} runs as job {driver.job} of a cluster: ask the server there"
            )
        jobs.stop(driver.job)
    elif driver.host != socket.gethostname():
        raise ConflictError(f"{folder.name} runs on {driver.host}; end it there")
    elif _signal(folder, driver, signal.SIGTERM) and not _free(folder, GRACE_SECONDS):
        _signal(folder, driver, signal.SIGKILL)
        _free(folder, GRACE_SECONDS)


def _known(folder: Path) -> Driver | None:
    """Return who runs a study, once that is written down; None where nobody does any more."""
    deadline = time.monotonic() + APPEARING_SECONDS
    while is_held(folder / DRIVER_LOCK) and time.monotonic() < deadline:
        driver = read_driver(folder)
        if driver is not None and driver.code is None and (driver.job or is_alive(driver)):
            return driver
        time.sleep(0.05)
    driver = read_driver(folder)
    return driver if driver is not None and driver.job and driver.code is None else None


def is_alive(driver: Driver) -> bool:
    """Say whether the process that wrote itself down is there; its number may be another's now."""
    here = driver.host == socket.gethostname() and driver.pid is not None
    return not here or (driver.pid is not None and born(driver.pid) == driver.born)


def _signal(folder: Path, driver: Driver, number: signal.Signals) -> bool:
    """Send a signal to a driver, by force to all of its session; say whether it was there.

    What holds the study's lock and was started at the time that was written down is the driver.
    """
    if driver.pid is None or not (is_held(folder / DRIVER_LOCK) and is_alive(driver)):
        return False
    with suppress(ProcessLookupError):
        if number is signal.SIGKILL and os.getpgid(driver.pid) == driver.pid:
            os.killpg(driver.pid, number)  # what it forked ends with it: see `cluster.supervise`
        else:
            os.kill(driver.pid, number)
    return True


def born(pid: int) -> int | None:
    """Return when a process began, in ticks since this machine did; None where none is there.

    Where there is no Linux it is None of every process, and the study's lock has to do.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[19])


def _free(folder: Path, seconds: float) -> bool:
    """Wait until nobody runs a study; say whether that came in time."""
    deadline = time.monotonic() + seconds
    while is_held(folder / DRIVER_LOCK):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
