"""`report.json`: what the sections of a report found, for programs to read."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from reports.parts.section import Section
from search.records import StudyRecord

VERSION = 1
"""Of the file's form; a field that goes, or means something else, raises it."""


def report_json(record: StudyRecord, sections: Sequence[Section]) -> str:
    """Return what a report's sections found as JSON: equal records give equal text."""
    found = {
        "version": VERSION,
        "kind": record.kind,
        "name": record.name,
        "data": record.data.name,
        "finished": record.finished,
        "warnings": record.warnings,
        "sections": [
            {
                "kind": each.kind,
                "name": each.name,
                "verdict": each.verdict,
                "findings": each.findings,
            }
            for each in sections
        ],
    }
    return json.dumps(plain(found), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: object) -> Any:
    """Return frozen records as JSON has values: a number that is not finite is null.

    Raises `TypeError` for what is no plain value.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"the keys of {value!r:.80} are no texts")
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    raise TypeError(f"{value!r:.80} is no plain value")
