"""What one experiment adds to a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any


@dataclass(frozen=True)
class Section:
    """One experiment's part of a report, ready to be laid out."""

    name: str
    """The experiment, where a sentence names it."""
    title: str
    """The report's title, where the experiment stands alone in its study."""
    template: str
    """Name of the template that lays the section out."""
    context: Mapping[str, Any]
    """What the template is given; it shares the names `record` and `picture` with no other."""
    summary: str
    """What came of it, in a few sentences."""
    findings: object
    """The numbers that it says: a frozen dataclass of plain values, as `report.json` holds it."""
    verdict: str = ""
    """The same in one."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings that are its own, for the table of settings."""

    @property
    def kind(self) -> str:
        """What it is of, such as `range_test`: its template has the same name."""
        return PurePath(self.template).name.partition(".")[0]
