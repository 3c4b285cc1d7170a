"""The trials of a search as its plan saw them: which stages chose, and what they know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search.evidence.compare import Comparison
from search.evidence.judged import judged
from search.experiments.coarse_fine.settings import SearchSettings
from search.records import Outcome, Role, StageRecord, State, StudyRecord, TrialRecord
from search.space.points import Point, Space


def search_of(record: StudyRecord) -> SearchSettings:
    """Return the specification of the search that a record is of."""
    settings = record.experiments[0].settings
    assert isinstance(settings, SearchSettings)
    return settings


def lone_ordered(space: Space) -> bool:
    """Say whether points are values of one ordered axis, along which all can be drawn."""
    return len(space.axes) == 1 and space.axes[0].ordered


def search_stages(record: StudyRecord) -> tuple[str, ...]:
    """Return the names of the stages that took part in choosing, each once, in order."""
    return tuple(dict.fromkeys(stage.name for stage in record.stages if stage.role.chooses))


def trials_of(record: StudyRecord, role: Role) -> tuple[TrialRecord, ...]:
    """Return the trials of a role's stages, in plan order."""
    names = dict.fromkeys(stage.name for stage in record.stages if stage.role is role)
    return tuple(trial for name in names for trial in record.stage(name))


def by_point(
    trials: Sequence[TrialRecord], space: Space
) -> Mapping[Point, tuple[TrialRecord, ...]]:
    """Return the replicates of each point, ascending."""
    groups: dict[Point, list[TrialRecord]] = {}
    for each in trials:
        groups.setdefault(space.of(each.trial), []).append(each)
    return {point: tuple(groups[point]) for point in sorted(groups)}


def title_of(stage: StageRecord, search: SearchSettings) -> str:
    """Return what a reader knows a stage as."""
    titles = {
        Role.EXTEND: "beyond the edge",
        Role.FRESH: "fresh seeds",
        Role.FINAL: "final model",
    }
    if search.at_a_time is None:
        titles |= {Role.COARSE: "coarse grid", Role.FINE: "fine grid"}
    return titles.get(stage.role, stage.name)


def ended_trials(record: StudyRecord) -> tuple[TrialRecord, ...]:
    """Return the search's trials that can be compared: those of points whose runs have ended.

    While a stage is open, a point of which it waits for a run counts with its earlier runs alone.
    """
    found: dict[str, TrialRecord] = {}
    for name in search_stages(record):
        for group in by_point(record.stage(name), search_of(record).space).values():
            if not any(each.state in (State.WAITING, State.RUNNING) for each in group):
                found |= {each.trial.id: each for each in group}
    return tuple(found.values())


def outcomes(trials: Sequence[TrialRecord]) -> list[Outcome]:
    """Return what came of trials."""
    return [Outcome(each.trial, each.result) for each in trials]


def compared(record: StudyRecord) -> list[Outcome]:
    """Return what came of the trials that can be compared, and which networks learned."""
    return [judged(each, record.data) for each in outcomes(ended_trials(record))]


def known_of(record: StudyRecord) -> Comparison | None:
    """Return what a search knows of its best point so far; None while none has completed."""
    return search_of(record).evidence(compared(record))
