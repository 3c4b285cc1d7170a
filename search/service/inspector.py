"""The stores of studies that rest are read, one after another, for the list to say what is damaged.

SQLite notices a page that makes no sense, and a store's checksums a bit that flipped in a value. To
hold each row against its checksum takes milliseconds a study, which a list cannot pay: a thread
does it, at a small share of a core.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from kbn.errors import one_line
from search.service.folders import Folders
from search.service.sound import inspect
from search.store.folder import STORE

SHARE = 0.02
"""Share of a core that reading stores may take."""
EVERY = 30.0
"""Seconds from one look at all studies to the next."""


class Inspector:
    """Reads the stores of studies that rest, one after another; a thread, and a context manager.

    Parameters
    ----------
    folders
        The studies, which are told what is wrong.
    """

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="inspector", daemon=True)

    def turn(self, pause: Callable[[float], object] = lambda _: None) -> None:
        """Read each store that has changed since it was read, with a pause after each."""
        for row in self._folders.summaries():
            if self._over.is_set():
                return
            files = self._folders.files(row.name)
            store = files.stamps.get(STORE)
            if row.state.runs or store is None or store == files.inspected:
                continue
            began = time.perf_counter()
            wrong = inspect(files.folder)
            files.inspected = store
            if wrong:
                self._folders.note_damage(row.name, wrong)
            pause((time.perf_counter() - began) / SHARE)

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                self.turn(self._over.wait)
            except Exception as error:  # noqa: BLE001 - the next turn may fare better
                if sys.stderr is not None:
                    sys.stderr.write(f"warning: studies were not inspected ({one_line(error)})\n")
            self._over.wait(EVERY)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        """Read nothing more."""
        self._over.set()
        self._thread.join()
