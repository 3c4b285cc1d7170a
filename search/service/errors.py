"""What can be wrong with a request, beside what is wrong with a setting."""

from __future__ import annotations

from collections.abc import Mapping

from kbn.errors import InputError


class UnknownStudyError(InputError):
    """There is no such study."""


class ConflictError(InputError):
    """The study is in a state, or its name is taken, so that this cannot be done."""


class FieldsError(InputError):
    """Settings that cannot be used, each with its sentence.

    Parameters
    ----------
    errors
        The sentences, by where the setting is: `("specification", "eta_max")`.
    """

    def __init__(self, errors: Mapping[tuple[str, ...], str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors
