"""What every export says of a study, in plain values: its parameters, and its trials' figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

from kbn.errors import InputError
from search.evidence.digest import digest
from search.experiments.coarse_fine.settings import SearchSettings
from search.records import StudyRecord, TrialRecord
from search.settings.values import Cycle
from search.space.axis import AXES, LAM, Axis
from search.space.points import Space

Plain = bool | int | float | str
METRICS = tuple(
    f"{part}_{name}" for part in ("train", "validation") for name in ("accuracy", "loss", "cost")
)
"""Figures of an epoch, as `EpochRecord` and `history.csv` call them."""
TESTED = ("accuracy", "loss", "cost")


def library(name: str, extra: str) -> Any:
    """Import a module of another tool; raise `InputError` where that is not installed."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"{error.name} is not installed; pip install 'kbn-search[{extra}]' adds it"
        ) from error


@dataclass(frozen=True)
class Contents:
    """A study as other tools hold it."""

    record: StudyRecord

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """What the study varied; the final model, which may train for longer, does not count."""
        searched = [
            axis
            for each in self.record.experiments
            if isinstance(each.settings, SearchSettings)
            for axis in each.settings.space.axes
        ]
        if searched:
            return tuple(dict.fromkeys(searched))
        varied = [axis for axis in AXES.values() if len(self._values(axis)) > 1]
        return tuple(varied) or (LAM,)

    def _values(self, axis: Axis) -> set[Plain | None]:
        return {self.value(axis, each) for each in self.record.trials}

    def known(self, axis: Axis) -> list[Any]:
        """Return the distinct values that trials have on an axis, ascending."""
        return sorted(value for value in self._values(axis) if value is not None)

    def range(self, axis: Axis) -> tuple[float, float]:
        """Return from where to where an ordered axis could be searched, all that was tried in it.

        A search may go on beyond the ends of its grid, as far as its specification lets it. A
        baseline, λ = 0, has no place on the axis.
        """
        reach = [float(value) for value in self.known(axis) if value != axis.baseline]
        for each in self.record.experiments:
            if isinstance(each.settings, SearchSettings) and axis in each.settings.space.axes:
                reach += each.settings.ends(axis) or ()
        return min(reach), max(reach)

    @staticmethod
    def value(axis: Axis, each: TrialRecord) -> Plain | None:
        """Return a trial's value on an axis; widths as text; None where it has none there."""
        (found,) = Space((axis,), Cycle(1, "epochs")).of(each.trial)
        return "-".join(map(str, found)) if isinstance(found, tuple) else found

    def params(self, each: TrialRecord) -> dict[str, Plain]:
        """Return what a trial has of what was varied."""
        found = {axis.name: self.value(axis, each) for axis in self.axes}
        return {name: value for name, value in found.items() if value is not None}

    def attributes(self, each: TrialRecord) -> dict[str, Plain]:
        """Return what else is known of a trial: its other settings, its seed, its figures."""
        others = (axis for axis in AXES.values() if axis not in self.axes)
        settings = {axis.name: self.value(axis, each) for axis in others}
        result, trial = each.result, each.trial
        found: dict[str, Plain | None] = {
            **settings,
            "stage": each.stage,
            "label": each.label,
            "state": each.state.value,
            "replicate": trial.replicate,
            "seed": trial.seed,
            "trial_id": trial.id,
            "attempts": len(each.attempts),
        }
        if result is not None:
            found |= {"seconds": result.seconds, "host": result.environment.host}
        found |= self.figures(each)
        return {name: value for name, value in found.items() if value is not None}

    @staticmethod
    def figures(each: TrialRecord) -> Mapping[str, float]:
        """Return a trial's figures after its last epoch, those of the test set where it has any."""
        found: dict[str, float] = {}
        for part in ("train", "validation", "test"):
            if figures := each.figures(part):
                found |= {f"{part}_{name}": float(getattr(figures, name)) for name in TESTED}
        return found

    def about(self) -> dict[str, Plain]:
        """Return what is known of the study as a whole."""
        record = self.record
        return {
            "kind": record.kind,
            "command": record.command,
            "data": record.data.title,
            "fingerprint": record.data.fingerprint,
            "results_hash": digest(record),
            "finished": record.finished,
            "version": record.version,
        }
