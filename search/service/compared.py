"""Studies side by side, in a process of its own: it draws figures, and reads what may be damaged.

python -m search.service.compared < QUESTION > ANSWER
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.service.elsewhere import asked
from search.study.command import exit_code
from search.study.side_by_side import side_by_side


@dataclass(frozen=True)
class SideBySide:
    """What some studies say side by side."""

    findings: Mapping[str, Any]
    """See `reports.compare.facts.Compared`."""
    text: str
    """The same in words, as Markdown."""
    title: str
    html: str
    """The same for readers, with figures; a part of a page, in which nothing is as a user wrote it
    but text."""


def compared(folders: Sequence[Path], *, drawn: bool = True) -> SideBySide:
    """Return what the studies of some folders say side by side; `html` is empty unless `drawn`.

    Raises `InputError` for fewer than two of them, and for what is no study or a damaged one.
    """
    paths = [str(folder.resolve()) for folder in folders]
    return SideBySide(**asked("search.service.compared", {"folders": paths, "drawn": drawn}))


def answer(question: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the studies that are asked for say, as JSON has values."""
    found = side_by_side([Path(folder) for folder in question["folders"]])
    body = found.body() if question["drawn"] else None
    return {
        "findings": found.plain(),
        "text": found.text,
        "title": body.title if body else "",
        "html": body.html if body else "",
    }


def _print_answer() -> int:
    json.dump(answer(json.load(sys.stdin)), sys.stdout, allow_nan=False)
    return 0


if __name__ == "__main__":
    sys.exit(exit_code(_print_answer))
