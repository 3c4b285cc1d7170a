"""Points drawn in a box."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.space.points import Point
from search.space.sample import box_around, sample
from search.space.vary import vary

BOX = vary(
    "--vary", ["lam=random:1e-5:1e-1", "batch_size=random:20:200", "schedule=cosine,constant"]
)


def drawn(count: int, seed: int = 0) -> tuple[Point, ...]:
    """Return points of the box."""
    return sample(BOX, count, rng=np.random.default_rng(seed))


@given(st.integers(2, 200), st.integers(0, 10))
def test_points_lie_in_the_box(count: int, seed: int) -> None:
    """Distinct, each value between its axis's ends or one of its list; whole where it must be."""
    points = drawn(count, seed)
    assert len(set(points)) == len(points) <= count
    for lam, batch, schedule in points:
        assert isinstance(lam, float)
        assert isinstance(batch, int)
        assert 1e-5 <= lam <= 1e-1
        assert 20 <= batch <= 200
        assert schedule in ("cosine", "constant")


def test_equal_seeds_draw_equal_points() -> None:
    """A resumed search asks for the same trials."""
    assert drawn(20) == drawn(20) != drawn(20, seed=1)


def test_a_sample_is_spread_evenly() -> None:
    """Of 64 points each quarter of a log axis has 16: a Sobol sequence, not chance."""
    decades = np.log10([float(lam) for lam, *_ in drawn(64)])  # type: ignore[arg-type]
    counts, _ = np.histogram(decades, bins=4, range=(-5, -1))
    assert counts.tolist() == [16] * 4
    assert sum(schedule == "cosine" for *_, schedule in drawn(64)) == 32


def test_the_closer_box_is_that_of_the_best() -> None:
    """The best quarter's smallest and largest; of a list the values that it has."""
    points = [(10.0**-k, 20 * k, "cosine") for k in range(1, 9)]
    lam, batch, schedule = box_around(BOX, points)
    assert (lam.values, lam.drawn) == ((1e-2, 1e-1), True)
    assert batch.values == (20, 40)
    assert (schedule.values, schedule.drawn) == (("cosine",), False)


@pytest.mark.parametrize("count", [2, 3, 7])
def test_two_points_span_the_least_box(count: int) -> None:
    """An axis on which the best agree keeps what it had: a box has to have an inside."""
    points = [(1e-3, 20 * k, "cosine") for k in range(1, count + 1)]
    lam, batch, _ = box_around(BOX, points)
    assert lam.values == (1e-5, 1e-1)
    assert batch.values == (20, 40)


@pytest.mark.parametrize("count", [2, 4, 7, 8, 24, 64])
@pytest.mark.parametrize("others", [[], ["eta_max=random:0.01:1"]], ids=["alone", "two axes"])
def test_a_baseline_is_drawn(others: list[str], count: int) -> None:
    """λ = 0 is one point where it is the only axis, and about one in eight of several, at least."""
    box = vary("--vary", ["lam=0,random:1e-5:1e-1", *others])
    points = sample(box, count, rng=np.random.default_rng(count))
    without = [point for point in points if point[0] == 0]
    assert len(without) == 1 if not others else 1 <= len(without) <= max(2, 1 + count // 8)
    assert all(1e-5 <= point[0] <= 1e-1 for point in points if point[0])  # type: ignore[operator]
    assert len(points) >= count - 1


def test_a_closer_box_keeps_its_baseline() -> None:
    """Nothing is narrowed towards λ = 0, and where it alone did well the box stays."""
    (drawn,) = vary("--vary", "lam=0,random:1e-5:1e-1")
    (closer,) = box_around([drawn], [(0.0,), (1e-3,), (1e-2,)] + [(1e-4,)] * 9)
    assert closer.values == (0.0, 1e-3, 1e-2)
    (listed,) = vary("--vary", "lam=0,1e-4,1e-3,1e-2")
    (closer,) = box_around([listed], [(1e-3,), (1e-4,)])
    assert closer.values == (0.0, 1e-4, 1e-3)
    assert box_around([drawn], [(0.0,), (0.0,)]) == (drawn,)
