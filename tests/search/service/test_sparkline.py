"""A curve in a word's room."""

from __future__ import annotations

import pytest

from search.service.sparkline import EDGE, HEIGHT, WIDTH, sparkline


def test_the_ends_of_the_curve_are_those_of_the_picture() -> None:
    """Across from the smallest value to the largest, up from the lowest accuracy to the highest."""
    line = sparkline([(1e-4, 0.3), (1e-3, 0.5), (1e-2, 0.4)], symbol="λ", logarithmic=True)
    assert line is not None
    first, second, last = line.points
    assert first == pytest.approx((EDGE, HEIGHT - EDGE))
    assert second == pytest.approx((WIDTH / 2, EDGE))
    assert last[0] == WIDTH - EDGE
    assert line.best == second
    assert line.words == "validation accuracy 0.300 to 0.500 along λ from 1e-4 to 1e-2"


def test_an_even_scale_is_even() -> None:
    """Values of a linear axis lie as far apart as they are."""
    line = sparkline([(0, 0.3), (1, 0.4), (4, 0.5)], symbol="α", logarithmic=False)
    assert line is not None
    assert line.points[1][0] == EDGE + (WIDTH - 2 * EDGE) / 4


def test_equal_accuracies_lie_in_the_middle() -> None:
    """A flat curve is a line, not a division by zero."""
    line = sparkline([(1.0, 0.5), (2.0, 0.5)], symbol="α", logarithmic=False)
    assert line is not None
    assert {y for _, y in line.points} == {HEIGHT / 2}


@pytest.mark.parametrize("curve", [[], [(1.0, 0.5)]])
def test_one_point_is_no_curve(curve: list[tuple[float, float]]) -> None:
    """There is nothing to draw."""
    assert sparkline(curve, symbol="λ", logarithmic=True) is None
