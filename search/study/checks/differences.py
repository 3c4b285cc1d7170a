"""Where a file that somebody may have changed differs from what it is said to be made from."""

from __future__ import annotations

import math
import re
from itertools import zip_longest
from pathlib import Path

TEXTS = {".md", ".html", ".json", ".csv", ".svg"}
ROUNDING = 1e-9
"""What another BLAS or CPU may change of a number that is computed from the same results."""
AROUND = 24
"""Characters shown on each side of a difference."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


def difference(held: Path, made: Path) -> str:
    """Return where the first of two files differs from the second, in words; nothing if nowhere."""
    old, new = held.read_bytes(), made.read_bytes()
    if old == new:
        return ""
    if held.suffix not in TEXTS:
        return f"{len(old):,} bytes, not the {len(new):,} that the store gives"
    lines = zip_longest(_lines(old), _lines(new), fillvalue="")
    number, one, other = next(
        ((number, *pair) for number, pair in enumerate(lines, 1) if pair[0] != pair[1]),
        (0, "", ""),
    )
    if not number:
        return "its lines end otherwise than the store gives them"
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    at = min(len(one), len(other)) if at is None else at
    return f"line {number} has {_around(one, at)}, the store gives {_around(other, at)}"


def only_rounded(held: Path, made: Path) -> bool:
    """Say whether two files say the same, but for the last digits of their numbers."""
    if held.suffix not in TEXTS:
        return False
    old, new = (path.read_text(encoding="utf-8", errors="replace") for path in (held, made))
    if _NUMBER.split(old) != _NUMBER.split(new):
        return False
    pairs = zip(_NUMBER.findall(old), _NUMBER.findall(new), strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=ROUNDING) for a, b in pairs)


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", errors="replace").splitlines()


def _around(line: str, at: int) -> str:
    start, end = max(0, at - AROUND), at + AROUND
    before, after = "…" if start else "", "…" if end < len(line) else ""
    return f"“{before}{line[start:end].strip()}{after}”"
