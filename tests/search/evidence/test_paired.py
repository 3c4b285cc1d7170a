"""Two networks on the same images."""

from __future__ import annotations

import numpy as np
import pytest

from search.evidence.paired import paired


def test_a_table_from_the_source() -> None:
    """Of 1,600 people 944 approve at first, 880 later, 794 both times: A. Agresti's example."""
    first = np.arange(1_600) < 944
    second = (np.arange(1_600) < 794) | ((np.arange(1_600) >= 944) & (np.arange(1_600) < 944 + 86))
    found = paired(second, first)
    assert found.difference == pytest.approx(-0.04)
    assert (found.low, found.high) == pytest.approx((-0.0590, -0.0208), abs=1e-3)


def test_networks_that_agree_need_not_agree_on_all() -> None:
    """Half an image in each cell leaves an interval, around 0."""
    same = np.arange(50) < 40
    found = paired(same, same)
    assert found.difference == 0
    assert found.low == -found.high < 0


def test_intervals_cover() -> None:
    """Of samples from a known table about 95 % have the true difference in their interval."""
    rng, hits = np.random.default_rng(0), 0
    for _ in range(2_000):
        cell = rng.choice(4, size=120, p=[0.7, 0.12, 0.06, 0.12])
        found = paired((cell == 0) | (cell == 1), (cell == 0) | (cell == 2))
        hits += found.low <= 0.06 <= found.high
    assert 0.94 < hits / 2_000 < 0.97
