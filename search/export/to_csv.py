"""The study's tables as CSV files, for pandas, R and spreadsheets."""

from __future__ import annotations

from pathlib import Path

import reports
from search.records import StudyRecord

DEFAULT = "csv"


def to_csv(record: StudyRecord, path: Path) -> None:
    """Write `trials.csv`, `history.csv` and `layers.csv` into a folder, as a report has them."""
    path.mkdir(parents=True, exist_ok=True)
    reports.write_tables(record, path)
