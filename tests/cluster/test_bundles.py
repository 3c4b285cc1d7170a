"""How many tasks a bundle has, with made-up queues."""

from __future__ import annotations

import math

import pytest

from cluster.bundles import BUNDLE_SECONDS, bundle_size


@pytest.mark.parametrize(
    ("waiting", "slots", "seconds", "size"),
    [
        (10_000, 2, math.inf, 1),
        (10_000, 2, 0.0, 1_000),
        (10_000, 2, 1.0, 30),
        (1_200, 100, 4.0, 6),
        (10_000, 100, 4.0, 7),
        (1_500_000, 10_000, 4.0, 24),
        (10_000, 2, 60.0, 1),
        (7, 2, 0.1, 1),
        (0, 2, 0.1, 1),
    ],
)
def test_a_bundle_takes_half_a_minute_where_there_are_many(
    waiting: int, slots: int, seconds: float, size: int
) -> None:
    """Of tasks whose time is known; those that are long, or few, go alone.

    On a large cluster, where messages are rare, it takes longer.
    """
    assert bundle_size(waiting=waiting, slots=slots, seconds=seconds) == size


@pytest.mark.parametrize("slots", [1, 8, 100])
@pytest.mark.parametrize("seconds", [0.01, 2.0])
def test_slots_end_together(slots: int, seconds: float) -> None:
    """The last bundles are of one task, so that no slot works on when all others have ended."""
    waiting, ends = 200 * slots, [0.0] * slots
    while waiting:
        size = bundle_size(waiting=waiting, slots=slots, seconds=seconds)
        assert size * seconds <= BUNDLE_SECONDS
        slot = ends.index(min(ends))
        ends[slot] += size * seconds
        waiting -= size
    assert max(ends) - min(ends) <= seconds * 1.001
