"""Axes: what lies between, beyond and evenly spaced on each scale."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.space.axis import (
    ALPHA,
    AXES,
    BATCH_NORM,
    BATCH_SIZE,
    ETA_MAX,
    HIDDEN,
    LAM,
    SCHEDULE,
    Axis,
    Value,
    tidy,
)

NUMBERS = [axis for axis in AXES.values() if axis.ordered]


def ends(axis: Axis, first: float, second: float) -> tuple[float, float]:
    """Return two values of an axis, ascending, from two shares of a wide range."""
    low, high = (0.0, 0.99) if axis is ALPHA else (1.0, 1e4) if axis.whole else (1e-6, 10.0)
    found = sorted((axis.along(low, high, first), axis.along(low, high, second)))
    return found[0], found[1]


@given(st.sampled_from(NUMBERS), st.floats(0, 1), st.floats(0, 1), st.integers(1, 9))
def test_values_between_are_inside_and_ascend(
    axis: Axis, first: float, second: float, count: int
) -> None:
    """Distinct values between two, each one that there can be, on every scale."""
    low, high = ends(axis, first, second)
    found = axis.between(low, high, count)
    assert all(a < b for a, b in pairwise(found))
    assert all(low <= value <= high for value in found)
    assert all(isinstance(value, int) for value in found) == axis.whole


def test_scales_are_even_in_their_own_way() -> None:
    """By a factor on a log axis, by a difference on a linear one; whole where values are."""
    assert LAM.even(1e-5, 1e-1, 5) == (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    assert ALPHA.even(0.5, 0.9, 5) == (0.5, 0.6, 0.7, 0.8, 0.9)
    assert BATCH_SIZE.even(25, 400, 5) == (25, 50, 100, 200, 400)
    assert BATCH_SIZE.even(2, 4, 9) == (2, 3, 4)  # no more than there are


def test_beyond_an_end_is_as_far_as_within() -> None:
    """The step of the grid goes on, and stops at what there can be."""
    assert LAM.beyond(1e-1, 1e-2) == 1.0
    assert ALPHA.beyond(0.8, 0.7) == 0.9
    assert ALPHA.beyond(0.9, 0.5) == ALPHA.high
    assert BATCH_SIZE.beyond(50, 100) == 25


def test_simpler_is_what_the_axis_says() -> None:
    """A larger λ or batch, fewer units, no batch norm; of schedules neither."""
    assert LAM.simplicity(1e-2) > LAM.simplicity(1e-3)
    assert BATCH_SIZE.simplicity(200) > BATCH_SIZE.simplicity(100)
    assert HIDDEN.simplicity((50,)) > HIDDEN.simplicity((50, 50))
    assert BATCH_NORM.simplicity(value=False) > BATCH_NORM.simplicity(value=True)
    assert SCHEDULE.simplicity("cosine") == SCHEDULE.simplicity("triangular")
    assert ETA_MAX.simplicity(0.1) == ETA_MAX.simplicity(1.0)


@pytest.mark.parametrize("axis", AXES.values(), ids=AXES)
def test_values_read_back_as_shown(axis: Axis) -> None:
    """What is shown of a value is what its flag takes."""
    values: dict[str, Value] = {
        "hidden": (50, 20),
        "batch_norm": False,
        "schedule": "cosine",
        "alpha": 0.7,
        "cycle": 5,
        "batch_size": 64,
        "epochs": 30,
    }
    value = values.get(axis.name, 3e-3)
    assert axis.read(axis.name, axis.show(value)) == value
    assert axis.label(value) == f"{axis.symbol}={axis.show(value)}"


@given(st.floats(1e-300, 1e300))
def test_tidied_values_stay_as_they_are(value: float) -> None:
    """Rounding twice is rounding once, so that equal values are equal trials."""
    assert tidy(tidy(value)) == tidy(value)
    assert math.isclose(tidy(value), value, rel_tol=1e-5)
