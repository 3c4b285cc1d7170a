"""The one family of errors for input that cannot be used, and texts that are safe to print."""

from __future__ import annotations

import errno
import pickle
import re
import sqlite3
from traceback import format_exception

_COMMANDS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What a terminal obeys, what turns the direction of a text round, and halves of characters, which
no file can hold."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_SQLITE_FORBIDDEN = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)


def visible(text: str) -> str:
    """Return a text with every character that is a command, and none to be read, as its escape.

    Texts of others, such as a class's name, must not move a terminal's cursor or colour a report.
    """
    return _COMMANDS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def one_line(error: BaseException) -> str:
    """Return an error's type and what it says, on one line that is safe to print."""
    said = " ".join(str(error).split())
    return visible(f"{type(error).__name__}: {said}" if said else type(error).__name__)


def sendable(error: Exception) -> Exception:
    """Return an error as another process can read it; where it was raised is a note of it."""
    where = "".join(format_exception(error))
    try:
        sent: Exception = pickle.loads(pickle.dumps(error))  # noqa: S301 - what was just pickled
    except Exception:  # noqa: BLE001 - an error of anybody's can hold, and ask for, anything
        sent = RuntimeError(one_line(error))
    sent.add_note(where)
    return sent


def in_python(text: str) -> str:
    """Return a message with its flags as the arguments that they are in Python."""
    text = re.sub(r"--([a-z][a-z-]*) (?=[\d'\"]|[^\s,;]+:)", _argument, text)
    text = re.sub(r"--([a-z][a-z-]*)", lambda found: f"`{_name(found)}`", text)
    return text.replace("the same command", "the same cell")


def _argument(found: re.Match[str]) -> str:
    return f"{_name(found)}="


def _name(found: re.Match[str]) -> str:
    return found[1].replace("-", "_")


class Told:
    """What is raised with a message that says it all: a notebook shows that, and no traceback."""

    def _render_traceback_(self) -> list[str]:
        return [in_python(f"{type(self).__name__}: {self}")]


class InputError(Told, ValueError):
    """Something the user gave is out of bounds.

    The message is one line: the value, the bound and the way out. Commands print it
    without a traceback and exit with code 2.
    """

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))


class DataError(InputError):
    """A data set is missing, damaged, or holds what cannot be trained on."""


class DivergedError(InputError):
    """A training's cost was not finite: its learning rate was too large for it."""


class WriteError(Told, OSError):
    """A file cannot be written: the disk is full, or the folder may not be written to.

    The message is one line. The file is as it was before, whole or not there.
    """

    def __init__(self, path: object, error: BaseException) -> None:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        super().__init__(visible(f"{path} cannot be written ({reason or type(error).__name__})"))
        self.way_out = _way_out(error)
        """What the user can do, as a clause."""
        self._made_of = path, error

    def __reduce__(self) -> tuple[type[WriteError], tuple[object, BaseException]]:
        return WriteError, self._made_of


def _way_out(error: BaseException) -> str:
    number = getattr(error, "errno", None)
    sqlite = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if number in _FULL or sqlite == sqlite3.SQLITE_FULL:
        return "make room"
    if number in _FORBIDDEN or sqlite in _SQLITE_FORBIDDEN:
        return "see to it that this user may write there"
    return "make room, or see to it that this user may write there"
