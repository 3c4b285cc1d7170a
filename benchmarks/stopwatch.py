"""What is asked of a contestant that runs trials which do nothing, and what it took."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Took:
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

    @property
    def ms(self) -> float:
        """Milliseconds a trial; where none was done, those in which not one was."""
        return 1e3 * self.seconds / max(1, self.done)


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
    """Made when a contestant begins to submit: knows what its start took."""

    def __init__(self, born: float) -> None:
        self._startup = time.time() - born

    def took(self, seconds: float, done: int) -> Took:
        """Return what was done; `seconds` and `done` as in `Took`."""
        return Took(self._startup, seconds, done, peak())


def peak() -> float:
    """Return the most memory that this process has had, in MB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    # `ru_maxrss` would count the parent's.
    (text,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(text) * 1024 / 1e6
