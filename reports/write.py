"""Writing a report: figures, CSV files, JSON, Markdown and HTML, each whole or not at all.

What cannot be made is missing from the report, which says so; everything else is there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from kbn.errors import visible
from kbn.files import write_text
from reports.document import lay_out, render, sections_of
from reports.drawing.album import Ahead, Album
from reports.drawing.style import Painted
from reports.page.assemble import page
from reports.page.status import Status
from reports.parts.frames import history_frame, layers_frame, trials_frame
from reports.parts.missing import making
from reports.parts.summary import report_json
from search.records import Missing, StudyRecord, UnderWay

FRAMES: Mapping[str, Callable[[StudyRecord], pd.DataFrame]] = {
    "trials.csv": trials_frame,
    "history.csv": history_frame,
    "layers.csv": layers_frame,
}


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
    findings: Path
    """The numbers that the report says, as JSON."""
    missing: tuple[Missing, ...] = ()
    """What could not be made."""


def write(
    record: StudyRecord,
    *,
    artists: int = 1,
    ahead: Mapping[bytes, Painted] = MappingProxyType({}),
) -> Report:
    """Write the report, its figures and the CSV files into the study's folder.

    Equal records give equal bytes, in the figures too. So many `artists` draw at once; more than
    one are forks of this process, which then may have no other thread. What `draw_ahead` has drawn
    is not drawn again.
    """
    folder, missing = record.folder, list[Missing]()
    for name, frame in FRAMES.items():
        with making(name, missing):
            _write_csv(folder / name, frame(record))
    album = Album(record, missing=missing, artists=artists, ahead=ahead)
    sections = sections_of(record, missing, album)
    with making("report.json", missing):
        write_text(folder / "report.json", visible(report_json(record, sections)))
    text = visible(lay_out(record, sections, missing))
    write_text(folder / "report.md", text)
    with making("report.html", missing):
        write_text(folder / "report.html", page(text, folder))
    return Report(
        path=folder / "report.md",
        html=folder / "report.html",
        trials=folder / "trials.csv",
        history=folder / "history.csv",
        layers=folder / "layers.csv",
        findings=folder / "report.json",
        missing=tuple(missing),
    )


def draw_ahead(
    record: StudyRecord, known: Collection[bytes], keep: Callable[[bytes, Painted], object]
) -> None:
    """Draw the figures of a study that has not ended, for `write`; `keep` is given each.

    Those whose digest is `known` are left out. Nothing is written.
    """
    sections_of(record, [], Ahead(record, known=known, keep=keep))


def write_tables(record: StudyRecord, folder: Path) -> None:
    """Write the CSV files alone, into a folder of the caller's."""
    for name, frame in FRAMES.items():
        _write_csv(folder / name, frame(record))


def write_page(record: StudyRecord, under_way: UnderWay | None) -> Path:
    """Write `report.html` alone, without figures; return its path.

    `under_way` is what a running study is doing: the page shows it, and loads itself again.
    """
    path = record.folder / "report.html"
    status = Status(record, under_way) if under_way else None
    write_text(path, visible(page(render(record, figures=False), record.folder, status)))
    return path


def _write_csv(path: Path, frame: pd.DataFrame) -> None:
    write_text(path, visible(frame.to_csv(index=False, lineterminator="\n")))
