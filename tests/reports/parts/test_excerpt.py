"""Which of many values are shown."""

from __future__ import annotations

import math

from reports.parts.excerpt import MOST, SHOWN, excerpt


def test_few_values_are_all_shown() -> None:
    """Up to the bound nothing is left out, whatever the scores."""
    scores = {float(k): math.nan for k in range(MOST, 0, -1)}
    found = excerpt(scores, keep=(0.5,))
    assert (found.shown, found.left_out) == (tuple(sorted(scores)), ())


def test_of_many_the_best_are_shown() -> None:
    """The highest scores and the ones to keep, in the values' order; the rest is counted."""
    scores = {float(k): -abs(k - 500.0) for k in range(1, 1_001)} | {500.0: math.nan}
    found = excerpt(scores, keep=(1.0, None, 5_000.0))
    half = SHOWN // 2
    near = [float(k) for k in range(500 - half, 501 + half) if k != 500]
    assert found.shown == (1.0, *near)
    assert len(found.left_out) == 1_000 - SHOWN - 1
    assert list(found.left_out) == sorted(set(scores) - set(found.shown))
