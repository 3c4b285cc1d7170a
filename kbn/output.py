"""Standard output and error, which can be on a full disk or closed, like any other file.

Nor can they write every character: λ is none of cp1252.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from kbn.errors import WriteError


class _Checked:
    """A stream whose refusals are `WriteError`s that name it; all else is the stream's own.

    What it has refused once it refuses from then on: what was told in vain is missing.
    """

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream, self._name = stream, name
        self._refused: OSError | None = None

    def write(self, text: str) -> int:
        with self._refusals():
            return self._stream.write(text)

    def flush(self) -> None:
        with self._refusals():
            self._stream.flush()

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            if self._refused is not None:
                raise self._refused
            yield
        except OSError as error:
            self._refused = error
            raise WriteError(self._name, error) from error

    def drop(self) -> None:
        """Let go of what was refused, which would be tried again when the process ends."""
        if self._refused is not None:
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def checked_output() -> Iterator[None]:
    """Let what cannot be printed within a block raise `WriteError`.

    A character that standard output's encoding does not have is printed as its escape, as Python
    does on standard error.
    """
    before = sys.stdout, sys.stderr
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    checked = [
        stream and _Checked(stream, name)  # a closed one is None
        for stream, name in zip(before, ("standard output", "standard error"), strict=True)
    ]
    sys.stdout, sys.stderr = checked
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream in filter(None, checked):
            stream.drop()
