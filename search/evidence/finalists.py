"""Replicates where they matter: the best few points are trained again with other seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from search.evidence.scores import Standing
from search.settings.values import bad
from search.space.points import Point


@dataclass(frozen=True)
class Top:
    """How many points are trained again, and how often each of them in all."""

    count: int
    replicates: int

    def __str__(self) -> str:
        return f"{self.count}:{self.replicates}"


def top(flag: str, value: Any) -> Top | Literal["off"]:
    """Read `K:R`, the best K values and their replicates; `K` alone means three; or `off`."""
    if isinstance(value, Top) or value == "off":
        return value  # type: ignore[no-any-return]
    count, colon, replicates = str(value).partition(":")
    numbers = (count, replicates if colon else "3")
    if not all(text.isdecimal() and int(text) >= 1 for text in numbers):
        raise bad(flag, value, "give values and replicates of each, as in 3:3, or off")
    return Top(*map(int, numbers))


def finalists(known: Standing, count: int) -> tuple[Point, ...]:
    """Return the best `count` points, best first; of equal ones the simpler."""
    ranked = sorted(
        known.contenders,
        key=lambda score: (score.mean, known.space.simplicity(score.point)),
        reverse=True,
    )
    return tuple(score.point for score in ranked[:count])
