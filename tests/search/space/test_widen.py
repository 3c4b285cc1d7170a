"""Where a search goes on when the best value is at an end."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbn.errors import InputError
from search.space.axis import LAM
from search.space.widen import beyond, bounds

GRID = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)


def test_a_grid_goes_on_by_its_own_ratio() -> None:
    """The next value is as far out, on the log axis, as the value within."""
    assert beyond(LAM, 1e-5, GRID, (1e-9, 10.0)) == 1e-6
    assert beyond(LAM, 1e-1, GRID, (1e-9, 10.0)) == 1.0
    assert beyond(LAM, 8e-2, (1e-2, 4e-2, 8e-2), (1e-9, 10.0)) == 0.16


def test_an_interior_value_has_nothing_beyond() -> None:
    """Neighbours on both sides were tried already."""
    assert beyond(LAM, 1e-3, GRID, (1e-9, 10.0)) is None


def test_bounds_are_reached_and_not_passed() -> None:
    """The last value is the bound itself; from there, and from beyond it, nothing follows."""
    assert beyond(LAM, 1e-1, GRID, (1e-7, 0.5)) == 0.5
    assert beyond(LAM, 0.5, (*GRID, 0.5), (1e-7, 0.5)) is None
    assert beyond(LAM, 1e-1, GRID, (1e-7, 1e-2)) is None
    assert beyond(LAM, 1e-5, GRID, (1e-4, 1.0)) is None


def test_one_value_has_no_ratio() -> None:
    """A grid of one value says nothing of how far to go."""
    assert beyond(LAM, 1e-3, (1e-3,), (1e-9, 10.0)) is None


@given(
    st.lists(st.sampled_from(GRID), min_size=2, max_size=5, unique=True),
    st.sampled_from([min, max]),
)
def test_going_on_comes_to_an_end(
    grid: list[float], end_of: Callable[[Iterable[float]], float]
) -> None:
    """Were each new value the best, the bound is reached after a few steps."""
    tried, limits = set(grid), (1e-7, 1.0)
    for _ in range(20):
        end = end_of(tried)
        new = beyond(LAM, end, tuple(tried), limits)
        if new is None:
            break
        assert limits[0] <= new <= limits[1]
        assert new not in tried
        tried.add(new)
    assert end_of(tried) == end_of(limits)


@pytest.mark.parametrize("text", ["1", "1,1e-3", "0,1", "a,b", "1e-7,1,2", "", "on"])
def test_bad_bounds_are_refused(text: str) -> None:
    """Each is refused by a message that names the flag."""
    with pytest.raises(InputError, match="--lambda-bounds"):
        bounds("--lambda-bounds", text)


def test_bounds_read_back() -> None:
    """A pair, from text or as numbers, or off."""
    assert bounds("--lambda-bounds", "1e-7, 1") == bounds("--lambda-bounds", [1e-7, 1.0])
    assert bounds("--lambda-bounds", "off") == "off"
