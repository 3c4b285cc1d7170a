"""The one family of errors for input that cannot be used."""

from __future__ import annotations


class InputError(ValueError):
    """Something the user gave is out of bounds.

    The message is one line: the value, the bound and the way out. Commands print it
    without a traceback and exit with code 2.
    """


class DataError(InputError):
    """A data set is missing, damaged, or holds what cannot be trained on."""
