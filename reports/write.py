"""Writing a report: figures, CSV files and Markdown, each whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kbn.files import write_text
from reports.document import render
from reports.frames import history_frame, trials_frame
from search.records import StudyRecord


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


def _write_csv(path: Path, frame: pd.DataFrame) -> None:
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))
