"""Which learning rates a range test suggests, on made-up curves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.evidence.learning_rates import Measured, suggest

ETAS = tuple(10.0**k for k in range(-5, 2))
N = 5_000


def curve(*accuracies: float) -> list[Measured]:
    """Return measurements at rising learning rates."""
    return [Measured(eta, a, 2.0 - a, 1) for eta, a in zip(ETAS, accuracies, strict=False)]


def test_the_range_is_from_the_rise_to_the_top() -> None:
    """η_min is the last before a clear rise, η_max that of the highest accuracy."""
    found = suggest(curve(0.1, 0.1, 0.105, 0.3, 0.45, 0.5, 0.2), N)
    assert found is not None
    assert (found.eta_min, found.eta_max) == (1e-3, 1.0)
    assert found.rises
    assert found.falls


def test_what_was_not_seen_is_said() -> None:
    """A rise from the lowest η on has no seen beginning, one up to the highest no seen end."""
    found = suggest(curve(0.1, 0.3, 0.4, 0.5), N)
    assert found is not None
    assert (found.eta_min, found.eta_max) == (1e-5, 1e-2)
    assert not found.rises
    assert not found.falls


@pytest.mark.parametrize("accuracies", [(), (0.5,), (0.1, 0.1, 0.1), (0.1, 0.105, 0.1, 0.09)])
def test_where_nothing_is_learned_nothing_is_suggested(accuracies: tuple[float, ...]) -> None:
    """Accuracies that differ by no more than their noise suggest nothing."""
    assert suggest(curve(*accuracies), N) is None


def test_fewer_images_want_a_larger_rise() -> None:
    """What is clear on 5,000 images need not be on 50."""
    assert suggest(curve(0.1, 0.15), N) is not None
    assert suggest(curve(0.1, 0.15), 50) is None


@given(st.lists(st.floats(0, 1), min_size=2, max_size=len(ETAS)))
def test_the_lower_bound_is_below_the_upper_one(accuracies: list[float]) -> None:
    """Whatever the curve, a suggestion is a range of learning rates that were tried."""
    found = suggest(curve(*accuracies), N)
    if found is not None:
        assert found.eta_min < found.eta_max
        assert {found.eta_min, found.eta_max} <= set(ETAS)


def test_chance_alone_is_seldom_taken_for_a_rise() -> None:
    """Of curves that stay at chance few are suggested from: six later points at two errors each."""
    rng = np.random.default_rng(0)
    shares = rng.binomial(N, 0.1, size=(400, len(ETAS))) / N
    found = sum(suggest(curve(*each), N) is not None for each in shares)
    assert found <= 0.15 * len(shares)
