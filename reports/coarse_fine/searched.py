"""The trials of a λ search as its plan saw them: which stages chose, and what they know."""

from __future__ import annotations

from reports.parts.tables import by_lam
from search.evidence.compare import Comparison
from search.evidence.outcomes import evidence
from search.experiments.coarse_fine.settings import SearchSettings
from search.records import Outcome, State, StudyRecord, TrialRecord
from search.space.points import Space

AFTERWARDS = ("fresh", "final")
"""Stages that come after the choice of λ; all others took part in it."""


def space_of(record: StudyRecord) -> Space:
    """Return what the one experiment of a record searches."""
    (experiment,) = record.experiments
    assert isinstance(experiment.settings, SearchSettings)
    return experiment.settings.space


def search_stages(record: StudyRecord) -> tuple[str, ...]:
    """Return the names of the stages that took part in choosing λ, each once, in order."""
    names = dict.fromkeys(stage.name for stage in record.stages)
    return tuple(name for name in names if name not in AFTERWARDS)


def stage_title(name: str) -> str:
    """Return a stage's heading."""
    titles = {"coarse": "Coarse grid", "fine": "Fine grid", "extend": "Beyond the edge"}
    return titles.get(name, name.capitalize())


def ended_trials(record: StudyRecord) -> tuple[TrialRecord, ...]:
    """Return the search's trials that can be compared: those of values whose runs have ended.

    While a stage is open, a value of which it waits for a run counts with its earlier runs alone.
    """
    found: dict[str, TrialRecord] = {}
    for name in search_stages(record):
        for group in by_lam(record.stage(name)).values():
            if not any(each.state in (State.WAITING, State.RUNNING) for each in group):
                found |= {each.trial.id: each for each in group}
    return tuple(found.values())


def known_of(record: StudyRecord) -> Comparison | None:
    """Return what a search knows of its best λ so far; None while no value has completed."""
    outcomes = (Outcome(each.trial, each.result) for each in ended_trials(record))
    return evidence(outcomes, space_of(record))
