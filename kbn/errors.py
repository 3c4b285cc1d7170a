"""The one family of errors for input that cannot be used."""

from __future__ import annotations


class InputError(ValueError):
    """Something the user gave is out of bounds.

    The message is one line: the value, the bound and the way out. Commands print it
    without a traceback and exit with code 2.
    """


class DataError(InputError):
    """A data set is missing, damaged, or holds what cannot be trained on."""


class WriteError(OSError):
    """A file cannot be written: the disk is full, or the folder may not be written to.

    The message is one line. The file is as it was before, whole or not there.
    """

    def __init__(self, path: object, error: BaseException) -> None:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        super().__init__(f"{path} cannot be written ({reason or type(error).__name__})")
