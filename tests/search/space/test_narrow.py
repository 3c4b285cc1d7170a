"""Where the fine grid lies."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbn.errors import InputError
from search.evidence.scores import best
from search.space.axis import LAM, tidy
from search.space.narrow import Factors, Zoom, check_rule, fine_rule, narrow, on_edge
from search.space.points import only
from tests.search.builders import LAMBDAS, outcome

GRID = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
REFERENCE = {1e-5: 0.5264, 1e-4: 0.5002, 1e-3: 0.5128, 1e-2: 0.5401, 1e-1: 0.3834}


def test_the_reference_grids_follow_from_its_numbers() -> None:
    """The reference report's coarse figures give its winner and its six fine values."""
    winner = best([outcome(lam, accuracy) for lam, accuracy in REFERENCE.items()], LAMBDAS)
    assert winner is not None
    assert winner.point == (1e-2,)
    rule = fine_rule("--fine", "0.4,0.8,1,2,4,8")
    assert narrow(LAM, only(winner.point), GRID, rule) == (4e-3, 8e-3, 1e-2, 2e-2, 4e-2, 8e-2)


@given(st.integers(0, 4), st.integers(1, 9))
def test_zoom_lies_between_the_neighbours(position: int, count: int) -> None:
    """Zoomed values ascend, even on the log axis, strictly between the winner's neighbours."""
    grid = narrow(LAM, GRID[position], GRID, Zoom(count))
    assert len(grid) == count
    assert GRID[position] / 10 < min(grid)
    assert max(grid) < GRID[position] * 10
    ratios = [math.log(b / a) for a, b in pairwise(grid)]
    assert ratios == pytest.approx([math.log(100) / (count + 1)] * (count - 1), rel=1e-4)


def test_zoom_needs_neighbours() -> None:
    """A grid of one value cannot be zoomed into, and the message says what to do."""
    with pytest.raises(InputError, match=r"--fine zoom:3.*at least 2 values.*--coarse"):
        check_rule("--coarse", (1e-2,), Zoom(3))
    check_rule("--coarse", (1e-2,), Factors((0.5, 2.0)))


@pytest.mark.parametrize("text", ["zoom", "zoom:0", "zoom:x", "0.5,0.5", "-1", "", "a,b"])
def test_a_bad_rule_is_refused(text: str) -> None:
    """Each unusable rule is refused by a message that names the flag."""
    with pytest.raises(InputError, match="--fine"):
        fine_rule("--fine", text)


def test_rules_read_back() -> None:
    """A rule's text is what the flag takes."""
    for rule in (Factors((0.4, 1.0, 8.0)), Zoom(5)):
        assert fine_rule("--fine", str(rule)) == rule


def test_products_are_tidied() -> None:
    """Grid values carry no rounding dust, so equal values are equal trials."""
    assert tidy(0.4 * 1e-5) == 4e-6
    assert on_edge(1e-5, GRID)
    assert not on_edge(1e-2, GRID)
