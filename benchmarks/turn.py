"""A turn of a contestant that runs trials which do nothing: what is asked and what is measured."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Turn:
    """What a contestant did."""

    startup: float
    """Seconds from the start of the process to the first submission; workers are up by then,
    but for Ray Tune, which starts its own."""
    seconds: float
    """From the first submission to the last result."""
    done: int
    """Trials with a result; fewer than asked for where a limit cut it off."""
    peak: float
    """The driver's largest resident memory, in MB."""
    grown: float
    """By how much it passed what was resident at the first submission, in MB."""


@dataclass(frozen=True)
class Setting:
    """What is asked of a contestant."""

    trials: int
    jobs: int
    """Trials at once."""
    folder: Path
    """Empty; what has to last is written here."""
    limit: float
    """Seconds after which a peer is cut off."""
    born: float
    """Unix time at which the process was started."""
    profile: bool = False


class Stopwatch:
    """Made when a contestant begins to submit: knows what its start took and how it grows."""

    def __init__(self, born: float) -> None:
        self._startup, self._resident = time.time() - born, _megabytes("VmRSS")

    def turn(self, seconds: float, done: int) -> Turn:
        """Return what was done; `seconds` and `done` as in `Turn`."""
        peak = _megabytes("VmHWM")
        return Turn(self._startup, seconds, done, peak, peak - self._resident)


def _megabytes(field: str) -> float:
    """Return a figure of this process's memory; `ru_maxrss` would count the parent's."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (text,) = (line.split()[1] for line in lines if line.startswith(f"{field}:"))
    return int(text) * 1024 / 1e6
