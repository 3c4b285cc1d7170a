from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from filelock import FileLock

from search.service.locks import holding, is_held, take


def test_a_lock_is_inherited_by_a_process_and_outlives_who_took_it(tmp_path: Path) -> None:
    """It is held as long as that process lives, and free when it has ended."""
    lock = tmp_path / "lock"
    handle = take(lock)
    assert handle is not None
    waits = [sys.executable, "-c", "input()"]
    child = subprocess.Popen(waits, pass_fds=(handle,), stdin=subprocess.PIPE)
    os.close(handle)
    assert is_held(lock)
    assert take(lock) is None
    child.communicate(b"\n")
    assert not is_held(lock)
    with holding(lock) as ours:
        assert ours


def test_it_is_the_same_lock_as_that_of_a_study_s_driver(tmp_path: Path) -> None:
    """A study that somebody runs by hand is seen, and cannot be taken."""
    lock = tmp_path / "study.lock"
    with FileLock(lock):
        assert is_held(lock)
        with holding(lock) as ours:
            assert not ours
    assert not is_held(lock)


def test_looking_keeps_nobody_away(tmp_path: Path) -> None:
    """Those who look all the time do not make a lock seem held to who takes it."""
    lock = tmp_path / "lock"
    lock.touch()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            is_held(lock)

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for each in lookers:
        each.start()
    try:
        for _ in range(50):
            with holding(lock) as ours:
                assert ours
    finally:
        over.set()
        for each in lookers:
            each.join()


def test_what_is_not_there_is_held_by_nobody(tmp_path: Path) -> None:
    """Nor is a link, which is not followed."""
    (tmp_path / "link").symlink_to(tmp_path / "lock")
    with FileLock(tmp_path / "lock"):
        assert not is_held(tmp_path / "absent")
        assert not is_held(tmp_path / "link")
