"""How a running study stands: what its page shows besides the report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pandas as pd

from reports.parts.excerpt import MOST
from reports.parts.tables import markdown
from reports.parts.text import NONE, cell, count, duration, share
from search.records import State, StudyRecord, TrialRecord, UnderWay

RELOAD = 10
"""Seconds after which a page of a running study loads itself again."""

_ORDER = (State.FAILED, State.DIVERGED, State.RUNNING, State.COMPLETED, State.WAITING)
"""Of many trials, those that are shown first."""


def _interest(trial: TrialRecord) -> tuple[int, float]:
    """Return what many trials are sorted by for a look at the first ones."""
    figures = trial.figures("validation")
    return _ORDER.index(trial.state), -figures.accuracy if figures else 0.0


@dataclass(frozen=True)
class Status:
    """A study under way, at a moment."""

    record: StudyRecord
    under_way: UnderWay
    moment: float = field(default_factory=time.time)
    """Unix time."""
    reload: int = RELOAD

    @property
    def clock(self) -> str:
        """The moment, as a clock shows it."""
        return datetime.fromtimestamp(self.moment, UTC).strftime("%H:%M:%S UTC")

    @property
    def states(self) -> dict[str, int]:
        """How many trials are in each state, those under way first."""
        counts = Counter(trial.state for trial in self.record.trials)
        order = (State.RUNNING, State.WAITING, State.COMPLETED, State.DIVERGED, State.FAILED)
        return {state.value: counts[state] for state in order if counts[state]}

    @property
    def trials_ended(self) -> int:
        """Trials that have a result, or failed for good."""
        return sum(
            trial.state not in (State.WAITING, State.RUNNING) for trial in self.record.trials
        )

    @property
    def trials(self) -> int:
        """Trials to expect."""
        return max(self.under_way.expected_trials, len(self.record.trials))

    @property
    def epochs_ended(self) -> int:
        """Epochs that need not be waited for."""
        return sum(self._epochs(trial) for trial in self.record.trials)

    @property
    def epochs(self) -> int:
        """Epochs to expect."""
        known = sum(trial.trial.epochs for trial in self.record.trials)
        return max(self.under_way.expected_epochs, known)

    def _epochs(self, trial: TrialRecord) -> int:
        if trial.state is State.RUNNING:
            latest = self.under_way.epochs.get(trial.trial.id)
            return latest.epoch if latest else 0
        return 0 if trial.state is State.WAITING else trial.trial.epochs

    @property
    def left(self) -> str:
        """The time to the end, estimated; nothing while there is no telling."""
        seconds = self.under_way.seconds_left
        return "" if seconds is None else str(timedelta(seconds=round(seconds)))

    @property
    def running(self) -> str:
        """The trials that run, as a Markdown table; nothing where none does."""
        rows = [trial for trial in self.record.trials if trial.state is State.RUNNING][:MOST]
        return markdown(self._table(rows).drop(columns=["state", "time"])) if rows else ""

    @property
    def all_trials(self) -> str:
        """A section of all trials and their states, in Markdown; of many those to look at."""
        trials = sorted(self.record.trials, key=_interest)[:MOST]
        shown = markdown(self._table(sorted(trials, key=lambda trial: trial.number)))
        if len(trials) == len(self.record.trials):
            return f"\n## All trials\n\n{shown}\n"
        return (
            f"\n## Trials\n\n{shown}\n\nThese are {len(trials)} of "
            f"{count(len(self.record.trials), 'trial')}: what went wrong, what runs, and the best "
            "of the others.\n"
        )

    def _table(self, trials: Sequence[TrialRecord]) -> pd.DataFrame:
        return pd.DataFrame([self._row(trial) for trial in trials])

    def _row(self, trial: TrialRecord) -> dict[str, str]:
        replicate = f", replicate {trial.trial.replicate}" if trial.trial.replicate else ""
        row = {"experiment": trial.experiment.replace("_", " ")}
        if len(self.record.experiments) == 1:
            row = {}
        result, latest = trial.result, self.under_way.epochs.get(trial.trial.id)
        figures = trial.figures("validation")
        accuracy = figures.accuracy if figures else None
        if result is None and latest is not None:
            accuracy = latest.validation_accuracy
        done = result.epochs if result else latest.epoch if latest else 0
        return row | {
            "stage": cell(trial.stage),
            "trial": cell(trial.label + replicate),
            "state": trial.state.value,
            "epochs": f"{done} of {trial.trial.epochs}",
            "validation accuracy": share(accuracy),
            "time": duration(result.seconds) if result else NONE,
        }
