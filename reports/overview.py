"""A study in short, for a notebook: its verdict, its first figure, and its best trials."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pandas as pd

from reports.document import sections_of, unfinished
from reports.page.html import body
from reports.parts.tables import markdown
from reports.parts.text import cell, share
from search.records import Missing, StudyRecord, TrialRecord

MOST = 12
"""Trials that are shown."""
_PICTURE = re.compile(r"^!\[.*\]\(figures/.*\)$", re.MULTILINE)


def overview(record: StudyRecord) -> str:
    """Return a study in short as Markdown; its picture lies beside its report."""
    parts = [f"**{_verdict(record)}**", _first_picture(record.folder), _table(record)]
    if len(record.trials) > MOST:
        parts.append(f"The best {MOST} of {len(record.trials):,} trials; `trials()` has them all.")
    return "\n\n".join(filter(None, parts)) + "\n"


def overview_html(record: StudyRecord) -> str:
    """Return the same as HTML that holds its picture."""
    return f'<div class="kbn-study">{body(overview(record), record.folder).html}</div>'


def _verdict(record: StudyRecord) -> str:
    sections = sections_of(record, list[Missing]())
    if not record.finished:
        return f"Not finished: {unfinished(record)}."
    last = sections[-1] if sections else None
    return (last.verdict or last.summary) if last else record.name


def _first_picture(folder: Path) -> str:
    """Return the figure that the report shows first; nothing where there is no report yet."""
    path = folder / "report.md"
    found = _PICTURE.search(path.read_text(encoding="utf-8")) if path.is_file() else None
    return found[0] if found else ""


def _table(record: StudyRecord) -> str:
    best = sorted(record.trials, key=_rank)[:MOST]
    rows = [
        {
            "stage": cell(each.stage),
            "trial": cell(each.label),
            "state": each.state.value,
            "epochs": str(each.trial.epochs),
            "validation accuracy": _accuracy(each, "validation"),
            "test accuracy": _accuracy(each, "test"),
        }
        for each in best
    ]
    return markdown(pd.DataFrame(rows)) if rows else ""


def _rank(each: TrialRecord) -> tuple[float, int]:
    figures = each.figures("validation")
    return (-figures.accuracy if figures else math.inf, each.number)


def _accuracy(each: TrialRecord, part: str) -> str:
    figures = each.figures(part)
    return share(figures.accuracy) if figures else ""
