"""Locks that outlive whoever took them: a study's driver inherits the one that it runs under.

A lock belongs to an open file, not to a process. The service takes a study's lock and starts its
driver with it, so that there is no moment at which a second driver could be started, whatever
happens to the service; the lock is free once the driver and what it forked have ended, however.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kbn.errors import WriteError

PATIENCE, BETWEEN = 0.1, 0.002
"""Seconds that a lock is tried for which may be held by those who look alone, and how far apart."""


def take(lock: Path, *, patience: float = PATIENCE) -> int | None:
    """Take a lock; return the open file that holds it, or None while somebody else does.

    Those who look whether it is held are waited for, at least: they hold it for a moment.

    Raises `WriteError` where the file cannot be made.
    """
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise WriteError(lock, error) from error
    deadline = time.monotonic() + patience
    while True:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        if time.monotonic() > deadline:
            os.close(handle)
            return None
        time.sleep(BETWEEN)


@contextmanager
def holding(lock: Path, *, patience: float = PATIENCE) -> Iterator[bool]:
    """Hold a lock for a block; yield whether it could be had."""
    handle = take(lock, patience=patience)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            os.close(handle)


def is_held(lock: Path) -> bool:
    """Say whether anybody holds a lock; where that cannot be told, that nobody does.

    To find out it is held for a moment, together with all others who look.
    """
    try:
        handle = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False
