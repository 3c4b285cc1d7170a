"""Learning rates at the corners of their cycles, and within their bounds everywhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbn.errors import InputError
from kbn.schedule import SCHEDULES, constant, cosine, triangular, triangular2

LOW, HIGH = 1e-3, 0.5
MIDDLE = (LOW + HIGH) / 2
QUARTER = (LOW + MIDDLE) / 2
"""Half of the middle's height above the lowest rate."""


@pytest.mark.parametrize(
    ("schedule", "corners"),
    [
        ("triangular", {0: LOW, 5: MIDDLE, 10: HIGH, 15: MIDDLE}),
        ("triangular", {20: LOW, 25: MIDDLE, 30: HIGH, 40: LOW, 50: HIGH, 60: LOW}),
        ("triangular2", {0: LOW, 5: MIDDLE, 10: HIGH, 15: MIDDLE}),
        ("triangular2", {20: LOW, 25: QUARTER, 30: MIDDLE, 40: LOW, 50: QUARTER, 60: LOW}),
        ("cosine", {0: HIGH, 10: MIDDLE, 20: HIGH, 30: MIDDLE, 40: HIGH}),
        ("constant", {0: HIGH, 5: HIGH, 10: HIGH, 20: HIGH, 10**9: HIGH}),
    ],
)
def test_corners(schedule: str, corners: dict[int, float]) -> None:
    """A cycle of 20 steps has these rates at its start, middle and end, and in later cycles."""
    eta = SCHEDULES[schedule](LOW, HIGH, 20)
    assert {step: eta(step) for step in corners} == pytest.approx(corners, rel=1e-12)


def test_cosine_before_its_restart() -> None:
    """The last rate of a cycle is just above the smallest; quarters are those of a cosine."""
    eta = cosine(LOW, HIGH, 20)
    assert eta(5) == pytest.approx(MIDDLE + (HIGH - LOW) / 2 * math.sqrt(0.5))
    assert eta(15) == pytest.approx(MIDDLE - (HIGH - LOW) / 2 * math.sqrt(0.5))
    last = LOW + (HIGH - LOW) * math.sin(math.pi / 40) ** 2
    assert eta(19) == eta(39) == pytest.approx(last)


RATES = st.tuples(st.floats(1e-8, 10.0), st.floats(1e-8, 10.0)).map(sorted)
CYCLES = st.integers(2, 5_000)


@given(rates=RATES, cycle=CYCLES, step=st.integers(0, 10**6), name=st.sampled_from(list(SCHEDULES)))
def test_rates_stay_within_their_bounds(
    rates: list[float], cycle: int, step: int, name: str
) -> None:
    """No rate lies outside the bounds, rounding aside."""
    low, high = rates
    eta = SCHEDULES[name](low, high, cycle)(step)
    assert low * (1 - 1e-12) <= eta <= high * (1 + 1e-12)


@given(
    rates=RATES,
    cycle=CYCLES,
    step=st.integers(0, 10**5),
    name=st.sampled_from(["triangular", "cosine", "constant"]),
)
def test_cycles_are_alike(rates: list[float], cycle: int, step: int, name: str) -> None:
    """Rates repeat themselves from cycle to cycle."""
    low, high = rates
    eta = SCHEDULES[name](low, high, cycle)
    assert eta(step) == eta(step + cycle) == eta(step % cycle)


@given(rates=RATES, cycle=CYCLES, step=st.integers(0, 10**4))
def test_triangular2_halves_the_height(rates: list[float], cycle: int, step: int) -> None:
    """A cycle later, the rate is half as far above the smallest; the first is `triangular`'s."""
    low, high = rates
    eta = triangular2(low, high, cycle)
    now, later = eta(step) - low, eta(step + cycle) - low
    assert later == pytest.approx(now / 2, abs=1e-14 * high)
    first = step % cycle
    assert eta(first) == triangular(low, high, cycle)(first)


@given(rates=RATES, cycle=CYCLES)
def test_triangular_is_a_polygon(rates: list[float], cycle: int) -> None:
    """A cycle is a line up and a line down, also where its length is odd."""
    low, high = rates
    eta = triangular(low, high, cycle)
    steps = np.arange(min(cycle, 200))
    expected = np.interp(steps, [0, cycle / 2, cycle], [low, high, low])
    np.testing.assert_allclose([eta(int(step)) for step in steps], expected, rtol=1e-9)


def test_the_shortest_cycle() -> None:
    """Two steps are a cycle: the smallest rate, then the largest."""
    assert [triangular(LOW, HIGH, 2)(step) for step in range(4)] == [LOW, HIGH, LOW, HIGH]


@pytest.mark.parametrize("name", SCHEDULES)
def test_equal_rates_are_a_constant(name: str) -> None:
    """With η_min = η_max every schedule is that rate, exactly."""
    eta = SCHEDULES[name](0.1, 0.1, 7)
    assert {eta(step) for step in range(30)} == {0.1}


def test_a_constant_is_the_largest_rate() -> None:
    """The smallest rate has no say in `constant`."""
    assert constant(1e-9, HIGH, 2)(0) == HIGH


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize(
    ("low", "high"),
    [
        (0.0, 0.1),
        (-0.1, 0.1),
        (0.2, 0.1),
        (0.1, math.inf),
        (math.inf, math.inf),
        (math.nan, 0.1),
        (0.1, math.nan),
        (-0.2, -0.1),
    ],
)
def test_rates_that_cannot_be(name: str, low: float, high: float) -> None:
    """Rates are finite, above 0 and in order; the error names them and the bound."""
    with pytest.raises(InputError, match=rf"η from {low} to {high}: 0 < η_min ≤ η_max") as error:
        SCHEDULES[name](low, high, 10)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("cycle", [1, 0, -2])
def test_cycles_that_cannot_be(name: str, cycle: int) -> None:
    """A cycle has at least two steps."""
    with pytest.raises(InputError, match=f"a cycle of {cycle} steps: at least 2 are needed"):
        SCHEDULES[name](LOW, HIGH, cycle)
