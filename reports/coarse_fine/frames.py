"""Frames of a search, as its figures take them."""

from __future__ import annotations

from operator import itemgetter

import pandas as pd

from reports.coarse_fine.facts import Findings
from reports.coarse_fine.searched import search_stages, title_of
from reports.parts.frames import history_frame
from search.experiments.coarse_fine.settings import SearchSettings
from search.records import StageRecord, StudyRecord


def search_points(found: Findings) -> pd.DataFrame:
    """Return one row a stage and point, as `search_plots.accuracy_along` takes them."""
    alike = set(found.alike)
    rows = [
        {
            "stage": look.title,
            "role": look.role,
            "point": each.point,
            "value": each.point[0],
            "accuracy": _number(each.accuracy),
            "error": _number(each.error),
            "reference": _number(each.reference),
            "chosen": each.point == found.chosen,
            "tied": each.point in alike,
        }
        for look in found.looks
        for each in look.points
        if each.runs or not each.waits
    ]
    columns = ["stage", "role", "point", "value", "accuracy", "error", "reference"]
    return pd.DataFrame(rows, columns=[*columns, "chosen", "tied"])


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def every_point(found: Findings) -> pd.DataFrame:
    """Return one row a point, its values in columns 0, 1, …, as plots of several axes take them."""
    points = search_points(found).drop_duplicates("point", keep="last").reset_index(drop=True)
    for at in range(len(found.axes)):
        points[at] = [point[at] for point in points["point"]]
    return points


def search_history(record: StudyRecord, search: SearchSettings) -> pd.DataFrame:
    """Return `history_frame` of the search's runs, each with its `point` and first `value`."""
    space = search.space
    at = {each.number: space.of(each.trial) for each in record.trials}
    history = history_frame(record)
    history = history[history["stage"].isin(search_stages(record))]
    points = pd.Series([at[number] for number in history["number"]], history.index, dtype=object)
    return history.assign(point=points, value=points.map(itemgetter(0)))


def order_frame(record: StudyRecord, search: SearchSettings) -> pd.DataFrame:
    """Return one row a trial, in plan order, as `search_plots.search_order` takes them."""
    stages: dict[str, StageRecord] = {}
    for stage in record.stages:
        stages.setdefault(stage.name, stage)
    return pd.DataFrame(
        {
            "number": each.number,
            "stage": title_of(stages[each.stage], search),
            "role": stages[each.stage].role,
            "point": (point := search.space.of(each.trial)),
            "value": point[0],
        }
        for each in record.trials
    )
