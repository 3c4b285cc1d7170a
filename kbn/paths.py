"""Looking at paths: whatever the system answers, a user reads one line.

A name may be too long, a folder another user's, `~nobody` nobody's, the working directory gone:
each raises something else in Python, at the first look. So every look at a path that a user gave,
or that lies in a folder of the user's, is taken here.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from kbn.errors import InputError, visible

LONGEST_NAME = 255
"""Bytes of a file's or folder's name, on the usual file systems."""
LARGEST_TEXT = 2**20
"""Bytes of a file of settings that is read, at most."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_SHOWN = 120
"""Characters of a path in a message."""


class Kind(StrEnum):
    """What is at a path."""

    FILE = "file"
    FOLDER = "folder"
    OTHER = "device, pipe or socket"


def user_path(named: str, given: str | os.PathLike[str]) -> Path:
    """Return the path that a user gave, `~` expanded. `named` is what it was given as.

    Raises `InputError` for no path at all, an address, a user whose home folder is not known, and
    characters that no report or terminal could show.
    """
    text = os.fspath(given) if isinstance(given, str | os.PathLike) else given
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{named} {_short(str(text))}: the path of a file or folder is needed")
    if visible(text) != text or "\n" in text:
        raise InputError(
            f"{named} {_short(text).encode('unicode_escape').decode()}: holds characters that "
            "cannot be shown; name another path, or a link to it"
        )
    if _URL.match(text):
        raise InputError(
            f"{named} {_short(text)}: is an address; give a folder or file of this machine, such "
            "as one where that place is mounted"
        )
    try:
        return Path(text.strip()).expanduser()
    except RuntimeError as error:
        raise InputError(
            f"{named} {_short(text)}: the home folder is not known; write the path out"
        ) from error


@contextmanager
def looking(shown: object) -> Iterator[None]:
    """Raise `InputError` for what the system refuses in a block that looks at a path.

    `shown` is what the path is called in the message.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:  # the latter for links in a circle
        raise InputError(f"{_short(str(shown))} cannot be read ({_reason(error)})") from error


def kind_of(path: Path, shown: object = None) -> Kind | None:
    """Say what is at a path, links followed; None where nothing is."""
    with looking(shown or path):
        try:
            mode = path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
    if stat.S_ISDIR(mode):
        return Kind.FOLDER
    return Kind.FILE if stat.S_ISREG(mode) else Kind.OTHER


def absolute(path: Path, shown: object = None) -> Path:
    """Return a path from the root on."""
    try:
        return path.absolute()
    except OSError as error:
        raise InputError(
            f"{_short(str(shown or path))}: the working directory is gone; change to another one, "
            "or give a path from / on"
        ) from error


def may_write(folder: Path) -> bool:
    """Say whether this process may make files in a folder."""
    effective = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=effective)


def read_text(path: Path, shown: object = None, *, largest: int = LARGEST_TEXT) -> str:
    """Return a text file of the user's, without the mark that some editors begin it with.

    Raises `InputError` when it cannot be read, is longer than `largest` bytes, or is no UTF-8.
    """
    with looking(shown or path), path.open("rb") as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise InputError(f"{shown or path} is longer than {largest:,} bytes; name another file")
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{shown or path} is no UTF-8 ({error}); save it as such") from error


def _reason(error: BaseException) -> str:
    reason = getattr(error, "strerror", None) or str(error)
    return f"{reason}: {LONGEST_NAME} bytes a name" if "too long" in reason else reason


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN // 2]}…{text[-_SHOWN // 2 :]}"
