"""Numbers as a reader should see them."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from search.settings.values import number_text, summed_up

DIGITS = 4
NONE = "–"
"""What a cell shows when there is no number."""


def share(value: float | None, digits: int = DIGITS) -> str:
    """Return a share, 0 to 1, rounded, but never to a false 0 or 1."""
    if value is None or math.isnan(value):
        return NONE
    smallest = 10.0**-digits
    if 0 < value < smallest:
        value = smallest
    if 1 - smallest < value < 1:
        value = 1 - smallest
    return f"{value:.{digits}f}"


def real(value: float | None, digits: int = 3) -> str:
    """Return a number with a fixed number of decimals."""
    return NONE if value is None or math.isnan(value) else f"{value:.{digits}f}"


def signed(value: float | None, digits: int = DIGITS) -> str:
    """Return a difference with its sign; a true minus, as typeset."""
    if value is None or math.isnan(value):
        return NONE
    rounded = round(value, digits) + 0.0  # −0.0 becomes 0.0
    return f"{rounded:+.{digits}f}".replace("-", "−")


def listed(values: Collection[float]) -> str:
    """Return values of λ as a sentence lists them: `1e-3, 4e-3 and 1e-2`; many by their ends."""
    return summed_up(values) or phrases([number_text(value) for value in values])


def phrases(parts: Sequence[str]) -> str:
    """Return parts of a sentence joined: `a, b and c`."""
    *head, last = parts
    return f"{', '.join(head)} and {last}" if head else last


def paragraphs(*parts: str) -> str:
    """Return parts of a text, those that say something, one below the other."""
    return "\n\n".join(filter(None, parts))


def count(number: int, word: str, plural: str = "") -> str:
    """Return a number with its noun: `1 trial`, `1,200 trials`."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def duration(seconds: float) -> str:
    """Return a time as a person would say it."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    return str(timedelta(seconds=round(seconds)))


def moment(unix_time: float) -> str:
    """Return a date and time, UTC."""
    return datetime.fromtimestamp(unix_time, UTC).strftime("%Y-%m-%d %H:%M UTC")


def cell(text: str) -> str:
    """Return text that stays within its cell of a Markdown table: no HTML, no formula."""
    line = " ".join(text.split()).replace("\\", "\\\\").replace("<", "&lt;")
    return line.replace("|", "\\|").replace("$", "\\$")


def cut(text: str, most: int) -> str:
    """Return a text on one line, of so many characters at most; what is cut off leaves an `…`."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def fenced(text: str) -> str:
    """Return text as a Markdown code block, whatever backticks it holds."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.rstrip()}\n{fence}"
