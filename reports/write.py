"""Writing a report: figures, CSV files and Markdown, each whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from kbn.files import write_text
from reports import lambda_report
from reports.frames import history_frame, trials_frame
from reports.text import fenced, share
from search.records import StudyRecord


@dataclass(frozen=True)
class Kind:
    """How the report of one driver is made."""

    template: str
    context: Callable[[StudyRecord], Mapping[str, Any]]


KINDS: Mapping[str, Kind] = {
    "lambda_coarse_fine": Kind(lambda_report.TEMPLATE, lambda_report.context),
}


@dataclass(frozen=True)
class Report:
    """What was written."""

    path: Path
    """The report."""
    trials: Path
    history: Path


def write(record: StudyRecord) -> Report:
    """Write `report.md`, `figures/`, `trials.csv` and `history.csv` into the study's folder.

    Equal records give equal bytes, in the figures too.
    """
    report = Report(
        path=record.folder / "report.md",
        trials=record.folder / "trials.csv",
        history=record.folder / "history.csv",
    )
    _write_csv(report.trials, trials_frame(record))
    _write_csv(report.history, history_frame(record))
    write_text(report.path, render(record))
    return report


def render(record: StudyRecord) -> str:
    """Write the figures and return the report's Markdown."""
    kind = KINDS[record.kind]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports"),
        autoescape=False,  # noqa: S701 - Markdown, not HTML; table cells are escaped one by one
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["fenced"] = fenced
    text = environment.get_template(kind.template).render(
        **kind.context(record), chance=share(record.data.chance)
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _write_csv(path: Path, frame: pd.DataFrame) -> None:
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))
