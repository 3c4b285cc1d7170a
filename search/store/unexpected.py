"""Errors that nobody foresaw: one line for the user, and the traceback in a file."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from pathlib import Path
from tempfile import mkdtemp
from traceback import format_exception

from kbn.errors import Told, one_line
from kbn.files import write_text
from search.store.folder import TRACEBACK
from search.training.versions import project_version


class UnexpectedError(Told, Exception):
    """An error of the program itself. The message is one line, and names a file."""


def unexpected(error: Exception, folder: Path | None, *, kept: str = "") -> UnexpectedError:
    """Return what a user is told of an error; its traceback is written into a study's folder.

    Where there is none, it is put into a temporary one. `kept` is a clause on what is not lost.
    """
    where = keep_tracebacks(folder, ["".join(format_exception(error))])
    return UnexpectedError("; ".join(filter(None, (one_line(error), where, kept))))


def keep_tracebacks(folder: Path | None, tracebacks: Iterable[str]) -> str:
    """Write tracebacks into a folder, or remove those of a run before; return where they are."""
    parts = list(tracebacks)
    try:
        path = (folder or Path(mkdtemp(prefix="kbn-search-"))) / TRACEBACK
        if not parts:
            path.unlink(missing_ok=True)
            return ""
        about = f"kbn-search {project_version()}, Python {platform.python_version()}"
        write_text(path, "\n".join([about, *parts]))
    except OSError as refused:
        return str(refused)
    return f"{path} holds the traceback"
