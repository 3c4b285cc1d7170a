"""Writing a study's pages and report, here; `search.study.apart` has a process of its own do it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cluster
from kbn.errors import InputError, one_line
from search.records import Missing, StudyRecord, UnderWay


def check_reports() -> None:
    """Raise `InputError` when what writes reports cannot be loaded: sooner than after training."""
    try:
        import_module("reports")
    except Exception as error:
        raise InputError(
            f"no report could be written here ({one_line(error)}); "
            "`python -c 'import reports'` shows why"
        ) from error


def write_page(record: StudyRecord, under_way: UnderWay | None) -> Path:
    """Write the page of a study as it stands, and return its path."""
    import reports

    return reports.write_page(record, under_way)


def write_report(
    record: StudyRecord, artists: int = 1, ahead: Mapping[bytes, Any] = MappingProxyType({})
) -> tuple[Missing, ...]:
    """Write the report, its figures and the tables; return what could not be made.

    Of `artists`, several may only draw in a process without threads: see `reports.write`, which
    says what is drawn `ahead`, too.
    """
    import reports

    return reports.write(record, artists=artists, ahead=ahead).missing


def artists_here() -> int:
    """Return how many figures a process without threads can draw at once.

    It is one more than cores, since whoever has drawn one waits for the disk.
    """
    return cluster.cores_here() + 1 if sys.platform == "linux" else 1


class Reporter:
    """Calls the functions above in this process."""

    def __call__(self, function: Callable[..., Any], *given: Any) -> Any:
        """Return what a function returns for what is given; raise what it raises."""
        return function(*given)

    def check(self) -> None:
        """Do as `check_reports` does, now or meanwhile: then `look` raises what it raises."""
        check_reports()

    def look(self) -> None:
        """Raise what a check has found meanwhile."""

    def ahead(self, record: Callable[[], StudyRecord]) -> None:
        """Draw what the last trials of a study will not change, where that costs nobody time."""
