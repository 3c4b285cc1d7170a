"""What the classifier's parameters have to be: said by their names, before training says it."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import numpy as np

from kbn.errors import InputError
from kbn.schedule import ORDINARY


def _whole(value: Any, at_least: int) -> bool:
    return isinstance(value, Integral) and not _truth(value) and int(value) >= at_least


def _truth(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def _number(value: Any) -> bool:
    return isinstance(value, Real) and not _truth(value) and math.isfinite(value)


def _are_widths(value: Any) -> bool:
    widths = value if isinstance(value, tuple | list | np.ndarray) else [value]
    return len(widths) > 0 and all(_whole(width, 1) for width in widths)


_BOUNDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "hidden": ("a width of at least 1 for each layer, as in (50, 50),", _are_widths),
    "lam": ("a number of at least 0", lambda value: _number(value) and value >= 0),
    "alpha": ("a number from 0, below 1,", lambda value: _number(value) and 0 <= value < 1),
    "sigma": ("None or a number above 0", lambda value: value is None or _number(value)),
    "schedule": (f"one of {', '.join(ORDINARY)}", lambda value: value in ORDINARY),
    "eta_min": ("a number above 0", _number),
    "eta_max": ("a number above 0", _number),
    "cycle": ("a whole number of at least 1", lambda value: _whole(value, 1)),
    "epochs": ("a whole number of at least 1", lambda value: _whole(value, 1)),
    "batch_size": ("a whole number of at least 2", lambda value: _whole(value, 2)),
    "validation_fraction": (
        "a share from 0, below 1, or a number of rows",
        lambda value: _number(value) and value >= 0,
    ),
}
"""What parameters have to be, in words and as a test."""


def check_parameters(estimator: object) -> None:
    """Raise `InputError` for the first parameter of an estimator that is out of bounds."""
    for name, (needed, holds) in _BOUNDS.items():
        value = getattr(estimator, name)
        if not holds(value):
            raise InputError(f"{name} {value!r}: {needed} is needed")
