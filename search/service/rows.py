"""A study's row of the list, of what its files say and of whether anybody is at it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kbn.errors import InputError
from kbn.paths import kind_of
from search.service.errors import UnknownStudyError
from search.service.files import Files
from search.service.findings import NOTHING, Findings, best_so_far, curve_so_far
from search.service.owner import owner_of
from search.service.requests import Driver, Request
from search.service.summary import (
    ALL_DIVERGED,
    ENDINGS,
    STOPPED,
    StudyState,
    Summary,
    damaged,
)
from search.store.decode import FOREIGN
from search.store.folder import SPEC, STOP

MOST_STARTS = 3
"""How often a driver is started for a study, at most, while each is lost without a word."""


def row_of(files: Files, *, held: bool) -> Summary:
    """Return the row of a study, which is `held` by whoever runs it.

    One whose files hold what no study wrote is damaged. Raises `UnknownStudyError` where there is
    none any more.
    """
    folder = files.folder
    try:
        return _sound(files, held=held)
    except (InputError, *FOREIGN) as error:
        if kind_of(folder / SPEC) is None:
            raise UnknownStudyError(f"{folder.name}: there is no study any more") from error
        who, when = owner_of(folder / SPEC)
        return damaged(folder.name, str(error), who=who, when=when)


def _sound(files: Files, *, held: bool) -> Summary:
    """Return a study's row; raise what reading something raises that no study wrote."""
    spec, folder = files.specification(), files.folder
    request, driver = files.request(), files.driver()
    state, reason = _state(files, request, driver, held=held)
    if not state.runs and (wrong := files.damage()):
        state, reason = StudyState.DAMAGED, wrong
    found, _ = files.found()
    so_far = files.progress()
    if state.runs or (found is NOTHING and so_far):
        found = _so_far(so_far)
    epochs = so_far.get("epochs") or 0
    share = float(so_far["epochs_ended"]) / epochs if epochs else 0.0
    asked = request.when if request else None
    who, when = (request.who, asked) if request and asked is not None else owner_of(folder / SPEC)
    return Summary(
        name=folder.name,
        kind=str(spec["driver"]),
        data=_data_name(spec),
        state=state,
        reason=reason,
        progress=1.0 if state is StudyState.FINISHED else min(1.0, share),
        trials=so_far.get("trials"),
        trials_ended=so_far.get("trials_ended"),
        seconds_left=so_far.get("seconds_left") if state.runs else None,
        verdict=found.verdict,
        best=found.best,
        test=found.test,
        curve=found.curve,
        curve_axis=found.curve_axis,
        curve_log=found.curve_log,
        who=who,
        when=when,
        message=request.message if request else "",
        first=bool(request and request.first),
        archived=bool(request and request.archived),
        submitted=asked is not None,
        key=files.key(),
    )


def _state(
    files: Files, request: Request | None, driver: Driver | None, *, held: bool
) -> tuple[StudyState, str]:
    """Say where a study stands, and why."""
    if held:
        return StudyState.STOPPING if STOP in files.stamps else StudyState.RUNNING, ""
    mine = driver if request and driver and driver.turn == request.turn else None
    if request and request.wanted and (mine is None or mine.code is None):
        if mine is None or mine.start < MOST_STARTS:
            return StudyState.QUEUED, ""
        return StudyState.FAILED, f"its driver was lost {mine.start} times; its log may say why"
    _, finished = files.found()
    if finished:
        diverged = mine is not None and mine.code == ALL_DIVERGED
        return StudyState.FINISHED, ENDINGS[ALL_DIVERGED] if diverged else ""
    if mine is None or mine.code is None:
        return StudyState.UNFINISHED, ""
    ending = ENDINGS.get(mine.code, f"its command ended with exit code {mine.code}")
    state = StudyState.UNFINISHED if mine.code in (0, STOPPED) else StudyState.FAILED
    return state, ending if mine.code else ""


def _so_far(progress: Mapping[str, Any]) -> Findings:
    """Return what is known of a study that has no report of all of it."""
    points, axes = progress.get("points"), progress.get("axes")
    if not points or not axes:
        return NOTHING
    return Findings(best=best_so_far(axes, points), **curve_so_far(axes, points))


def _data_name(held: Mapping[str, Any]) -> str:
    """Return a data set's name as a list shows it: of a file its name, not where it lies."""
    kind, colon, rest = str(held["data"]).partition(":")
    return f"{kind}{colon}{Path(rest).name}"
