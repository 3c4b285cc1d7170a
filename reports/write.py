"""Writing a report: figures, CSV files, Markdown and HTML, each whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kbn.files import write_text
from reports.document import render
from reports.page.assemble import page
from reports.page.status import Status
from reports.parts.frames import history_frame, layers_frame, trials_frame
from search.records import StudyRecord, UnderWay


@dataclass(frozen=True)
class Report:
    """What was written."""

    path: Path
    """The report."""
    html: Path
    """The same as one page that holds its pictures."""
    trials: Path
    history: Path
    layers: Path


def write(record: StudyRecord) -> Report:
    """Write the report, its figures and the CSV files into the study's folder.

    Equal records give equal bytes, in the figures too.
    """
    report = Report(
        path=record.folder / "report.md",
        html=record.folder / "report.html",
        trials=record.folder / "trials.csv",
        history=record.folder / "history.csv",
        layers=record.folder / "layers.csv",
    )
    _write_csv(report.trials, trials_frame(record))
    _write_csv(report.history, history_frame(record))
    _write_csv(report.layers, layers_frame(record))
    text = render(record)
    write_text(report.path, text)
    write_text(report.html, page(text, record.folder))
    return report


def write_page(record: StudyRecord, under_way: UnderWay | None) -> Path:
    """Write `report.html` alone, without figures; return its path.

    `under_way` is what a running study is doing: the page shows it, and loads itself again.
    """
    path = record.folder / "report.html"
    status = Status(record, under_way) if under_way else None
    write_text(path, page(render(record, figures=False), record.folder, status))
    return path


def _write_csv(path: Path, frame: pd.DataFrame) -> None:
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))
