"""What a cell of a table is sorted by."""

from __future__ import annotations

import re

from reports.parts.text import NONE

_NUMBER = re.compile(r"([+±-]?)(\d[\d,]*(?:\.\d+)?|\.\d+)(e[+-]?\d+)?(?![\w.:/-])", re.IGNORECASE)
_TIME = re.compile(r"(?:(\d+) days?, )?(\d+):(\d\d):(\d\d)")
MISSING = ""
"""The key of a cell that holds nothing; such cells stay last in either direction."""


def sort_key(text: str) -> str | None:
    """Return what a cell is sorted by: a number, `MISSING`, or None where its words decide.

    A number counts when it leads: `1e-3`, `−0.0106`, `12.5 s`, `0.51 to 0.53`, `5,000 images`.
    Times (`0:02:29`) count in seconds.
    """
    text = text.strip().replace("−", "-")
    if text in ("", NONE):
        return MISSING
    if time := _TIME.fullmatch(text):
        days, hours, minutes, seconds = (int(part or 0) for part in time.groups())
        return str(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
    if number := _NUMBER.match(text):
        sign, digits, exponent = number.groups()
        return f"{sign.strip('+±')}{digits.replace(',', '')}{exponent or ''}"
    return None
