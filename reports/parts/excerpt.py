"""What is shown of many values: as many rows of a table as a reader looks at."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

MOST = 40
"""Rows that a table holds at most."""
SHOWN = 20
"""Rows that it holds where there would be more."""


@dataclass(frozen=True)
class Excerpt:
    """The values that are shown, and those that are left out; both ascending."""

    shown: tuple[float, ...]
    left_out: tuple[float, ...] = ()


def excerpt(scores: Mapping[float, float], *, keep: Collection[float | None] = ()) -> Excerpt:
    """Return all of a few values; of many the highest-scored ones, and those to `keep`.

    A score that is NaN is the lowest.
    """
    values = sorted(scores)
    if len(values) <= MOST:
        return Excerpt(tuple(values))
    ranked = sorted(values, key=lambda value: (math.isnan(scores[value]), -scores[value]))
    chosen = {*ranked[:SHOWN], *keep} & set(values)
    return Excerpt(
        shown=tuple(value for value in values if value in chosen),
        left_out=tuple(value for value in values if value not in chosen),
    )
