"""A study to look at: what `run` returns, and what a folder holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from kbn.errors import InputError
from kbn.paths import user_path
from search.records import Missing, StudyRecord, TrialRecord
from search.store.folder import FIGURES
from search.store.unexpected import keep_tracebacks
from search.study.kept import kept
from search.study.reporting import write_report

if TYPE_CHECKING:
    import pandas as pd

Write = Callable[[StudyRecord], tuple[Missing, ...]]


@dataclass(frozen=True)
class Figure:
    """A figure of a report, as files."""

    svg: Path
    png: Path

    @property
    def name(self) -> str:
        """Its name, such as `lambda`."""
        return self.svg.stem

    def _repr_svg_(self) -> str:
        return self.svg.read_text(encoding="utf-8")


class Study:
    """A study that ran: its record, and ways to look at it.

    In a notebook it shows its verdict, its first figure and its best trials.
    """

    def __init__(self, record: StudyRecord) -> None:
        self.record = record
        self.missing: tuple[Missing, ...] = ()
        """What the report is without, since it could not be made when it was written last."""

    def __repr__(self) -> str:
        state = "finished" if self.record.finished else "not finished"
        return f"<Study {self.record.name}: {len(self.record.trials)} trials, {state}>"

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Return the study of a folder such as `runs/NAME`, finished or not; change nothing.

        It takes neither its specification nor its data.

        Raises
        ------
        InputError
            When there is no study, or one that is damaged or was run by another version.
        """
        return cls(kept(user_path("the folder", folder)))

    @property
    def folder(self) -> Path:
        """The study's folder."""
        return self.record.folder

    @property
    def best(self) -> TrialRecord | None:
        """The chosen trial, trained as the final model; None while there is none."""
        return self.record.final

    def _repr_markdown_(self) -> str:
        import reports

        text = reports.overview(self.record)
        return text.replace("](figures/", f"]({self.folder.as_posix()}/figures/")

    def _repr_html_(self) -> str:
        import reports

        return reports.overview_html(self.record)

    @property
    def html(self) -> str:
        """The report as one HTML page, as `report.html` holds it."""
        path = self.folder / "report.html"
        if not path.is_file():
            raise InputError(f"{path} is not there; report() writes it")
        return path.read_text(encoding="utf-8")

    @property
    def figures(self) -> dict[str, Figure]:
        """The report's figures by name, as they were drawn last; a notebook shows one."""
        paths = sorted((self.folder / FIGURES).glob("*.svg"))
        drawn = [Figure(path, path.with_suffix(".png")) for path in paths]
        return {each.name: each for each in drawn if each.png.is_file()}

    # pandas and matplotlib take a second to import, so they are loaded where they are used.

    def trials(self) -> pd.DataFrame:
        """Return one row a trial, in plan order."""
        import reports

        return reports.trials_frame(self.record)

    def history(self) -> pd.DataFrame:
        """Return one row a trial and epoch."""
        import reports

        return reports.history_frame(self.record)

    def layers(self) -> pd.DataFrame:
        """Return one row a trial, epoch and hidden layer: scales of activations and gradients."""
        import reports

        return reports.layers_frame(self.record)

    def report(self, write: Write = write_report) -> Path:
        """Write the report, its figures and the CSV files again; return the report's path.

        `write` is what writes them, in this process or in another.
        """
        self.missing = write(self.record)
        keep_tracebacks(self.folder, (each.traceback for each in self.missing))
        return self.folder / "report.md"
