"""A row of the list: what is said of a study at a glance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cached_property
from typing import Any

from search.service.findings import Best, Share


class StudyState(StrEnum):
    """Where a study stands."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    """Trials under way come to their ends, and no others start."""
    FINISHED = "finished"
    UNFINISHED = "unfinished"
    """It was stopped, or nobody asked for it to go on."""
    FAILED = "failed"
    """Its last run came to an end that was not meant; `reason` says which."""
    DAMAGED = "damaged"
    """A file of it cannot be read; `reason` says which."""

    @property
    def runs(self) -> bool:
        """Whether a driver is at it."""
        return self in {StudyState.RUNNING, StudyState.STOPPING}

    @property
    def over(self) -> bool:
        """Whether nothing more happens by itself."""
        return not self.runs and self is not StudyState.QUEUED


ENDINGS: Mapping[int, str] = {
    1: "some trials failed; a retry tries them again",
    2: "its settings, its data or its cluster cannot be used; its log says why",
    3: "the cluster was lost; a retry goes on",
    4: "the disk is full, or its folder cannot be written to; make room, then retry",
    5: "an error that nobody foresaw; traceback.txt in its folder holds it",
    6: "training diverged; try a smaller --eta-max",
    130: "it was stopped; a retry goes on",
}
"""What the exit codes of a study's command mean: see `search.study.command.main`."""
STOPPED, ALL_DIVERGED = 130, 6


@dataclass(frozen=True)
class Summary:
    """A study in a row of the list."""

    name: str
    kind: str
    """Its command, as `lambda_coarse_fine`."""
    data: str
    state: StudyState
    reason: str
    """Why it is in that state, where that needs to be said."""
    progress: float
    """Share of its epochs that need not be waited for, 0 to 1."""
    trials: int | None
    """Trials to expect in all; None while nothing is known."""
    trials_ended: int | None
    seconds_left: float | None
    """Estimated, of one that runs."""
    verdict: str
    best: Best | None
    """Of one that runs, the best so far."""
    test: Share | None
    """Accuracy of the final model on test images."""
    curve: tuple[tuple[float, float], ...]
    """Validation accuracy against the first axis: see `Findings`."""
    curve_axis: str
    curve_log: bool
    who: str
    when: float
    """When it was asked for, in seconds since 1970."""
    message: str
    first: bool
    archived: bool
    submitted: bool
    """Whether it was asked for here; else it was run by hand."""
    key: str
    """Hash of its specification and data; empty of a study that cannot be read."""

    @cached_property
    def json(self) -> str:
        """The row as JSON."""
        return json.dumps(self, default=_plain, ensure_ascii=False)


def _plain(record: Any) -> dict[str, Any]:
    """Return a record's fields; `asdict` would copy a curve number by number."""
    return {field.name: getattr(record, field.name) for field in fields(record)}


def damaged(name: str, why: str, *, who: str, when: float) -> Summary:
    """Return the row of a study that cannot be read."""
    return Summary(
        name=name,
        kind="",
        data="",
        state=StudyState.DAMAGED,
        reason=why,
        progress=0.0,
        trials=None,
        trials_ended=None,
        seconds_left=None,
        verdict="",
        best=None,
        test=None,
        curve=(),
        curve_axis="",
        curve_log=False,
        who=who,
        when=when,
        message="",
        first=False,
        archived=False,
        submitted=False,
        key="",
    )
