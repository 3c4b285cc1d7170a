"""How far a study is: what has ended, what is to come, and how long that may take.

One count for all that show a study: the terminal's bar, the lines of a log, the page.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta

from search.records import State
from search.running.runner import Notice
from search.settings.spec import StageOutline

Outlines = Sequence[Sequence[StageOutline]]
"""The stages that each experiment of a study is expected to have."""

_SAMPLES = 600
"""Moments, a second apart at least, that the pace is measured over."""


class Tally:
    """Counts what a runner tells beside what is expected; an observer.

    What is expected are the trials that were asked for, whatever the outline said of them, and the
    stages of the outline that are still to come. Its numbers may be read from another thread.

    Parameters
    ----------
    outlines
        What to expect before anything is known.
    clock
        Returns seconds.
    """

    def __init__(self, outlines: Outlines, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._outlines = self._ahead = outlines
        self._clock = clock
        self._stages: set[str] = set()
        self._trials: set[str] = set()
        self._epochs = 0
        self._open: dict[str, int] = {}
        """Epochs to wait for, of each trial that was asked for and has not ended."""
        self._trained = 0
        self._epoch_seconds = 0.0
        self._samples: deque[tuple[float, int]] = deque(maxlen=_SAMPLES)
        """Moments, and the epochs that had been trained in this run by then."""

    def __call__(self, notice: Notice) -> None:
        """Take in a notice."""
        trial = notice.trial
        if trial.id not in self._trials:
            self._trials.add(trial.id)
            self._epochs += trial.epochs
            self._open[trial.id] = trial.epochs
        if notice.stage not in self._stages:
            self._stages.add(notice.stage)
            self._ahead = [to_come(outline, self._stages) for outline in self._outlines]
        if notice.state in (State.COMPLETED, State.DIVERGED, State.FAILED):
            self._open.pop(trial.id, None)
            self._train(notice.untold)
        elif notice.record is not None:
            self._open[trial.id] = trial.epochs - notice.record.epoch
            self._train(1 + notice.untold)
            self._epoch_seconds = notice.record.seconds
        elif notice.failure is not None:
            self._open[trial.id] = trial.epochs
        elif notice.state is State.RUNNING and not self._samples:
            self._sample()

    def _train(self, epochs: int) -> None:
        """Count epochs that were trained in this run."""
        if epochs:
            self._trained += epochs
            self._sample()

    def _sample(self) -> None:
        now = self._clock()
        if not self._samples or now >= self._samples[-1][0] + 1.0:
            self._samples.append((now, self._trained))

    @property
    def trials_ended(self) -> int:
        """Trials that have a result, or failed for good."""
        return len(self._trials) - len(self._open)

    @property
    def trials(self) -> int:
        """Trials to expect in all."""
        return len(self._trials) + self.to_come

    @property
    def to_come(self) -> int:
        """Trials to expect of which none has been asked for yet."""
        return sum(stage.trials for outline in self._ahead for stage in outline)

    @property
    def epochs_ended(self) -> int:
        """Epochs that need not be waited for."""
        return self._epochs - sum(list(self._open.values()))

    @property
    def epochs(self) -> int:
        """Epochs to expect in all."""
        ahead = (stage.trials * stage.epochs for outline in self._ahead for stage in outline)
        return self._epochs + sum(ahead)

    @property
    def seconds_left(self) -> float | None:
        """The time to the end at the pace of the last minutes; None before the first epoch.

        It is never less than the longest trial, or row of stages, takes one epoch after the other.
        """
        left = self.epochs - self.epochs_ended
        if not left:
            return 0.0
        if not self._samples or not self._trained:
            return None
        since, before = self._samples[0]
        at_this_pace = left * (self._clock() - since) / (self._trained - before)
        return max(at_this_pace, self._longest() * self._epoch_seconds)

    def _longest(self) -> int:
        """Return epochs that cannot be trained at the same time, whatever the cores."""
        rows = (sum(s.epochs for s in outline if s.trials) for outline in self._ahead)
        return max([*list(self._open.values()), *rows])


def to_come(outline: Sequence[StageOutline], asked: Collection[str]) -> Sequence[StageOutline]:
    """Return the stages of an outline behind the last one that was asked for, by name."""
    reached = [number for number, stage in enumerate(outline) if stage.name in asked]
    return outline[reached[-1] + 1 :] if reached else outline


def time_text(seconds: float | None) -> str:
    """Return a length of time as hours, minutes and seconds: `0:01:25`."""
    return "-:--:--" if seconds is None else str(timedelta(seconds=round(seconds)))
