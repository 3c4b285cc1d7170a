"""What a report does without: a part that cannot be made leaves its reason, and costs no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from traceback import format_exception

from kbn.errors import WriteError, one_line
from search.records import Missing


@contextmanager
def making(part: str, missing: list[Missing]) -> Iterator[None]:
    """Make a part in the block; whatever goes wrong there is added to `missing`.

    Raises
    ------
    WriteError
        When the disk is full: no other part could be written either.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - no part may cost the others
        note(part, error, missing)


def note(part: str, error: Exception, missing: list[Missing]) -> None:
    """Add what went wrong with a part to `missing`, as `making` does."""
    if isinstance(error, WriteError):
        raise error
    missing.append(Missing(part, one_line(error), "".join(format_exception(error))))
