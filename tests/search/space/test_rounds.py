"""Where further rounds lie, and when they end."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbn.errors import InputError
from search.experiments.coarse_fine.words import too_fine
from search.space.axis import LAM
from search.space.rounds import around, rounds

TRIED = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)


def test_a_lone_winner_is_zoomed_into() -> None:
    """Between its neighbours, even on the log axis, the winner itself in the middle."""
    grid = around(LAM, (1e-3,), TRIED, 3)
    assert grid.values == pytest.approx((10**-3.5, 1e-3, 10**-2.5), rel=1e-5)
    assert grid.alike == (1e-3, 1e-3)
    assert not grid.too_fine


def test_the_grid_is_around_all_ties() -> None:
    """It reaches from the neighbour below the smallest tie to that above the largest."""
    grid = around(LAM, (1e-3, 1e-4), TRIED, 5)
    assert 1e-5 < min(grid.values) < 1e-4
    assert 1e-3 < max(grid.values) < 1e-2
    assert grid.alike == (1e-4, 1e-3)
    assert grid.step == pytest.approx(math.sqrt(10))


@given(
    st.sampled_from(TRIED),
    st.sets(st.sampled_from(TRIED)),
    st.integers(1, 9),
)
def test_values_are_between_what_was_tried(best: float, ties: set[float], count: int) -> None:
    """None lies outside, and neighbours are no closer than the step."""
    grid = around(LAM, (best, *ties), TRIED, count)
    assert all(min(TRIED) < value < max(TRIED) for value in grid.values)
    assert all(b / a >= grid.step * (1 - 1e-4) for a, b in pairwise(grid.values))


def test_a_grid_finer_than_the_data_is_known() -> None:
    """Where values further apart than its neighbours are tied, it could tell nothing new."""
    grid = around(LAM, (1e-3, 1e-4, 1e-2), TRIED, 5)
    assert grid.too_fine
    assert "1e-4 and 1e-2 cannot be told" in too_fine(2, (grid,))


def test_where_all_are_tied_the_grid_stays_within() -> None:
    """What lies beyond the ends is for the edges to decide."""
    grid = around(LAM, TRIED, TRIED, 4)
    assert min(TRIED) < min(grid.values)
    assert max(grid.values) < max(TRIED)


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", ""])
def test_bad_rounds_are_refused(text: str) -> None:
    """Each is refused by a message that names the flag."""
    with pytest.raises(InputError, match="--rounds"):
        rounds("--rounds", text)
