"""Measuring in blocks: contestants in turns, ours against ours, ratios, and what noise they have.

In a block every contestant has a turn, so that what else the machine does falls on all alike, and a
ratio is of two turns of one block. Who begins changes from block to block. One contestant is a
*twin*, ours once more: its ratio to ours means nothing, and tells how far one can be off by chance.

A turn is a dictionary, as it is kept: its block, who had it, what was measured, and where, such as
`{"case": "[50, 50]", "block": 0, "who": "ours", "ms": 1.2}`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

OURS, TWIN = "ours", "ours again"
QUIET = 0.05
"""How far the quartiles of the twin's ratio may lie from 1 on a quiet host."""
FLOOR = 0.05
"""A median ratio that moved by less has not moved: another start of a process, with its memory laid
out anew, does as much."""
NOISY_FLOOR = 0.25
"""The same where a host was noisy: others in the memory's caches slow some more than others."""
ERRORS = 3.0
"""Standard errors by which a median has to move beyond that."""

Turn = Mapping[str, Any]
Contestant = Callable[[], Mapping[str, Any]]
"""Has a turn; returns what was measured."""


def in_blocks(
    contestants: Mapping[str, Contestant],
    blocks: int,
    *,
    warm: int = 0,
    case: str = "",
    say: Callable[[str], None] = lambda _: None,
) -> list[Turn]:
    """Give each contestant a turn a block, after `warm` blocks that do not count."""
    names, turns = list(contestants), list[Turn]()
    for block in range(-warm, blocks):
        first = block % len(names)
        for name in names[first:] + names[:first]:
            found = contestants[name]()
            if block >= 0:
                turns.append({"case": case, "block": block, "who": name, **found})
                numbers = {k: v for k, v in found.items() if isinstance(v, int | float)}
                what = ", ".join(f"{key} {value:.4g}" for key, value in numbers.items())
                say(f"{case or 'block'} {block + 1} of {blocks}, {name}: {what}")
    return turns


def cases(turns: Iterable[Turn]) -> list[str]:
    """Return the cases in their order."""
    return list(dict.fromkeys(turn["case"] for turn in turns))


def contestants(turns: Iterable[Turn], case: str | None = None) -> list[str]:
    """Return who had a turn in a case, or in any; a twin, who tells of noise alone, is left out."""
    names = dict.fromkeys(turn["who"] for turn in turns if case in (None, turn["case"]))
    order = [OURS] if OURS in names else []  # whoever began the first block
    return order + [name for name in names if name not in (OURS, TWIN)]


def values(turns: Iterable[Turn], who: str, figure: str, case: str = "") -> np.ndarray:
    """Return a contestant's figure, block by block."""
    return np.array(list(_by_block(turns, who, figure, case).values()))


def ratios(turns: Sequence[Turn], who: str, base: str, figure: str, case: str = "") -> np.ndarray:
    """Return a contestant's figure divided by another's, over the blocks that both have."""
    mine, other = (_by_block(turns, name, figure, case) for name in (who, base))
    return np.array([mine[block] / other[block] for block in mine if block in other])


def _by_block(turns: Iterable[Turn], who: str, figure: str, case: str) -> dict[int, float]:
    found = {
        turn["block"]: float(turn[figure])
        for turn in turns
        if turn["who"] == who and turn["case"] == case
    }
    return dict(sorted(found.items()))


def noise(turns: Sequence[Turn], figure: str) -> np.ndarray:
    """Return the twin's ratios to ours, of all cases."""
    return np.concatenate(
        [ratios(turns, TWIN, OURS, figure, case) for case in cases(turns)] or [np.empty(0)]
    )


def quartiles(found: np.ndarray, digits: str = ".0f") -> str:
    """Return a median with its quartiles; a single value alone, and a dash for none."""
    if found.size < 2:
        return format(found[0], digits) if found.size else "–"
    low, middle, high = (format(value, digits) for value in np.percentile(found, (25, 50, 75)))
    return f"{middle} ({low} to {high})"


@dataclass(frozen=True)
class Change:
    """A median ratio in two runs of a benchmark."""

    name: str
    before: float
    now: float
    noise: float
    """By which share it may differ between two runs of the same code."""

    @property
    def moved(self) -> bool:
        """Whether it differs by more than its noise."""
        return abs(math.log(self.now / self.before)) > math.log1p(self.noise)


def change(
    name: str,
    before: np.ndarray,
    now: np.ndarray,
    twins: tuple[np.ndarray, np.ndarray],
    *,
    floor: float = FLOOR,
) -> Change:
    """Return how a ratio moved between two runs, given its blocks' values and the twin's in each.

    A median's standard error is √(π/2) σ/√n, with σ of log ratios by the median absolute deviation;
    where few blocks happen to agree, σ is that of the twin.
    """
    error = math.hypot(
        *(
            math.sqrt(math.pi / 2 / len(each)) * max(_sigma(each), _sigma(twin))
            for each, twin in zip((before, now), twins, strict=True)
        )
    )
    return Change(
        name,
        float(np.median(before)),
        float(np.median(now)),
        max(floor, math.expm1(ERRORS * error)),
    )


def _sigma(found: np.ndarray) -> float:
    """Return a robust standard deviation of the logarithms."""
    if not found.size:
        return 0.0
    logs = np.log(found)
    return 1.4826 * float(np.median(np.abs(logs - np.median(logs))))
