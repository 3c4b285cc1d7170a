"""What a report does without: a part that cannot be made leaves its reason, and costs no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from traceback import format_exception

from kbn.errors import WriteError, one_line


@dataclass(frozen=True)
class Missing:
    """A part that could not be made."""

    part: str
    """As a sentence names it: `figure lambda`, `trials.csv`."""
    error: Exception

    @property
    def reason(self) -> str:
        """The error in one line."""
        return one_line(self.error)

    @property
    def traceback(self) -> str:
        """Where it was raised."""
        return "".join(format_exception(self.error))


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
    except WriteError:
        raise
    except Exception as error:  # noqa: BLE001 - no part may cost the others
        missing.append(Missing(part, error))
