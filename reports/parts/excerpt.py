"""What is shown of many values: as many rows of a table as a reader looks at."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Item = TypeVar("Item", bound=Any)
"""What is shown or left out; of one excerpt all have an order."""

MOST = 40
"""Rows that a table holds at most."""
SHOWN = 20
"""Rows that it holds where there would be more."""


@dataclass(frozen=True)
class Excerpt(Generic[Item]):
    """The values that are shown, and those that are left out; both ascending."""

    shown: tuple[Item, ...]
    left_out: tuple[Item, ...] = ()


def excerpt(scores: Mapping[Item, float], *, keep: Collection[Item | None] = ()) -> Excerpt[Item]:
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
