"""The queue: studies that were asked for are started in order, so many at once."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from cluster import ClusterError
from kbn.errors import InputError, WriteError, one_line
from search.service.drivers import Launcher
from search.service.folders import Folders, runs
from search.service.locks import holding
from search.service.summary import StudyState

QUEUE_LOCK = ".queue.lock"
"""Held while studies are started: two servers on one folder keep to their number together."""
EVERY = 1.0
"""Seconds from one look at the folder to the next, at least."""
SHARE = 0.02
"""Share of a core that looking may take: of thousands of studies it takes a while."""


def waiting(folders: Folders) -> list[Path]:
    """Return the folders of the studies that wait, the next one first."""
    found = []
    for row in folders.summaries():
        if row.state is StudyState.QUEUED:
            with suppress(InputError):  # one that is gone meanwhile
                if folders.summary(row.name).state is StudyState.QUEUED:
                    found.append((not row.first, row.when, row.name))
    return [folders.root / name for _, _, name in sorted(found)]


def running(folders: Folders) -> int:
    """Return how many studies run, those that were started by hand included."""
    return sum(runs(folders.root / name) for name in folders.names())


class Queue:
    """Starts what waits, as there is room; a thread, and a context manager.

    Parameters
    ----------
    folders
        The studies.
    launcher
        How they are started.
    at_once
        Returns how many may run at once.
    """

    def __init__(self, folders: Folders, launcher: Launcher, at_once: Callable[[], int]) -> None:
        self._folders = folders
        self._launcher, self._at_once = launcher, at_once
        self._children: list[subprocess.Popen[bytes]] = []
        self._woken, self._over = threading.Event(), False
        self._thread = threading.Thread(target=self._work, name="queue", daemon=True)
        self._said = ""

    def wake(self) -> None:
        """Look at the folder now."""
        self._woken.set()

    def turn(self) -> int:
        """Start what there is room for; return how many were started."""
        self._children = [child for child in self._children if child.poll() is None]
        waits = waiting(self._folders)
        if not waits:
            return 0
        with holding(self._folders.root / QUEUE_LOCK) as ours:
            if not ours:
                return 0
            new = [folder for folder in waits if not self._is_under_way(folder)]
            room = self._at_once() - running(self._folders) - (len(waits) - len(new))
            return self._start_some(new, room)

    def _start_some(self, waits: Sequence[Path], room: int) -> int:
        """Start the first that can be started; one that cannot is no reason to start no others."""
        started, refusal = 0, None
        for folder in waits:
            if started >= room:
                break
            try:
                started += self._start(folder)
            except (InputError, WriteError, ClusterError) as error:
                refusal = error
        if refusal is not None and not started:
            raise refusal
        return started

    def _is_under_way(self, folder: Path) -> bool:
        return self._launcher.under_way(self._folders.files(folder.name).driver())

    def _start(self, folder: Path) -> bool:
        """Start a study's driver; say whether one was started: the folder may be gone by now."""
        files = self._folders.files(folder.name)
        request = files.request()
        if request is None:
            return False
        child = self._launcher.start(folder, request, files.driver())
        if child is not None:
            self._children.append(child)
        return True

    def _work(self) -> None:
        while not self._over:
            began = time.thread_time()
            try:
                self.turn()
                self._said = ""
            except (InputError, WriteError, ClusterError) as error:
                self._say(str(error))
            except Exception as error:  # noqa: BLE001 - the next turn may fare better
                self._say(one_line(error))
            self._rest((time.thread_time() - began) / SHARE)

    def _rest(self, seconds: float) -> None:
        """Wait for the next turn; one that is asked for, or a study that ends, brings it on."""
        due = time.monotonic() + max(EVERY, seconds)
        while not self._woken.wait(EVERY) and time.monotonic() < due:
            if any(child.poll() is not None for child in self._children):
                break
        self._woken.clear()

    def _say(self, line: str) -> None:
        """Say why nothing can be started; once, until something else is the reason."""
        if line != self._said and sys.stderr is not None:
            sys.stderr.write(f"warning: {line}\n")
        self._said = line

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """Start nothing more. What runs goes on."""
        self._over = True
        self.wake()
        self._thread.join()
