"""A list of studies: which of them, in which order, and which page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Any

from search.service.summary import StudyState, Summary


class Order(StrEnum):
    """What a list is sorted by."""

    NAME = "name"
    KIND = "kind"
    DATA = "data"
    STATE = "state"
    PROGRESS = "progress"
    BEST = "best"
    TEST = "test"
    WHO = "who"
    WHEN = "when"


_KEYS: dict[Order, Callable[[Summary], Any]] = {
    Order.PROGRESS: lambda row: row.progress,
    Order.BEST: lambda row: row.best.accuracy if row.best else None,
    Order.TEST: lambda row: row.test.accuracy if row.test else None,
    Order.WHEN: lambda row: row.when,
    **{
        order: attrgetter(order.value)
        for order in (Order.NAME, Order.KIND, Order.DATA, Order.STATE, Order.WHO)
    },
}


@dataclass(frozen=True)
class Listing:
    """A page of a list."""

    total: int
    """Studies that fit what was asked for, on all pages."""
    page: int
    """From 1."""
    size: int
    """Studies of a page."""
    studies: tuple[Summary, ...]

    @property
    def json(self) -> str:
        """The page as JSON, of rows that are made into text once."""
        rows = ",".join(row.json for row in self.studies)
        return f'{{"total":{self.total},"page":{self.page},"size":{self.size},"studies":[{rows}]}}'


def listed(
    rows: Sequence[Summary],
    *,
    state: Collection[StudyState] | None = None,
    kind: str | None = None,
    data: str | None = None,
    who: str | None = None,
    text: str | None = None,
    archived: bool = False,
    sort: Order = Order.WHEN,
    falling: bool = True,
    page: int = 1,
    size: int = 100,
) -> Listing:
    """Return a page of the rows that fit, sorted; those without a value come last either way."""
    wanted = {"kind": kind, "data": data, "who": who}
    fitting = [
        row
        for row in rows
        if row.archived is archived
        and (not state or row.state in state)
        and all(value is None or getattr(row, name) == value for name, value in wanted.items())
        and (not text or text.lower() in f"{row.name}\n{row.message}".lower())
    ]
    key = _KEYS[sort]
    named = sorted(fitting, key=lambda row: row.name)
    known = sorted((r for r in named if key(r) is not None), key=key, reverse=falling)
    ordered = [*known, *(row for row in named if key(row) is None)]
    start = (page - 1) * size
    return Listing(len(ordered), page, size, tuple(ordered[start : start + size]))
