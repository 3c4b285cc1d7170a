"""A command's wall time and the core time of all processes that it starts, however they end.

Ray's workers belong to a daemon that outlives its driver for a moment and does not ask what its
workers used, so that the system's own sums miss them. Here this process adopts whatever a command
leaves behind, and reads the use of the whole family from Linux's /proc five times a second. What a
process uses between the last look and its end is lost, unless it is the command itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.2
GRACE_SECONDS = 15.0
"""How long what a command leaves behind may take to end by itself."""
_PR_SET_CHILD_SUBREAPER = 36
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """What a command took."""

    wall: float
    """Seconds until it ended: what its user waits for."""
    cpu: float
    """Seconds of a core, of all its processes."""
    code: int


def measured(words: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> Run:
    """Run a command to its end, with its output in `log`; leave none of its processes behind."""
    if ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError("this process cannot adopt orphans: Linux is needed")
    used: dict[tuple[int, int], float] = {}
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            used.update(_family())

    sampler = threading.Thread(target=sample)
    with log.open("wb") as output:
        start = time.perf_counter()
        child = subprocess.Popen(  # noqa: S603 - the benchmark's own commands
            words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=dict(environment)
        )
        sampler.start()
        try:
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # its use can still be read
            wall = time.perf_counter() - start
        except BaseException:
            child.kill()
            raise
        finally:
            done.set()
            sampler.join()
            used.update(_family())
            code = child.wait()
            _see_off(used)
    return Run(wall, sum(used.values()), code)


def _see_off(used: dict[tuple[int, int], float]) -> None:
    """Wait for what is left of a family, then end it."""
    end = time.monotonic() + GRACE_SECONDS
    while family := _family():
        used.update(family)
        if time.monotonic() > end:
            for pid, _ in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(SAMPLE_SECONDS)


def _family() -> dict[tuple[int, int], float]:
    """Return the seconds of each process that descends from this one, by its number and start."""
    parents: dict[int, int] = {}
    found: dict[int, tuple[tuple[int, int], float]] = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            fields = Path(entry.path, "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:  # it ended
            continue
        pid = int(entry.name)
        parents[pid] = int(fields[1])
        found[pid] = (pid, int(fields[19])), (int(fields[11]) + int(fields[12])) / _TICKS
    family = {}
    for pid, (key, seconds) in found.items():
        ancestor = parents.get(pid, 0)
        while ancestor > 1 and ancestor != os.getpid():
            ancestor = parents.get(ancestor, 0)
        if ancestor == os.getpid():
            family[key] = seconds
    return family
