"""Measuring in blocks: whose turn it is, what a ratio is of, and when one has moved."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.blocks import (
    OURS,
    TWIN,
    Change,
    Turn,
    change,
    contestants,
    in_blocks,
    noise,
    quartiles,
    ratios,
    values,
)


def turns() -> list[Turn]:
    """Return two blocks of a case and one of another, in which the peer had no turn."""
    return [
        {"case": "a", "block": 0, "who": "peer", "ms": 2.0},
        {"case": "a", "block": 0, "who": OURS, "ms": 1.0},
        {"case": "a", "block": 0, "who": TWIN, "ms": 1.1},
        {"case": "a", "block": 1, "who": TWIN, "ms": 3.6},
        {"case": "a", "block": 1, "who": OURS, "ms": 4.0},
        {"case": "a", "block": 1, "who": "peer", "ms": 4.0},
        {"case": "b", "block": 0, "who": OURS, "ms": 7.0},
    ]


def test_each_has_a_turn_a_block_and_another_one_begins_each_block() -> None:
    """What else runs meets all alike; blocks that warm up are not kept."""
    order: list[str] = []

    def contestant(name: str) -> dict[str, float]:
        order.append(name)
        return {"ms": float(len(order))}

    names = ("x", "y", "z")
    blocks = {name: lambda name=name: contestant(name) for name in names}
    found = in_blocks(blocks, 2, warm=1, case="a")
    assert order == [*"zxy", *"xyz", *"yzx"]
    assert [(each["block"], each["who"]) for each in found] == [
        *((0, name) for name in "xyz"),
        *((1, name) for name in "yzx"),
    ]
    assert values(found, "x", "ms", "a").tolist() == [4.0, 9.0]


def test_ratios_are_of_turns_of_one_block() -> None:
    """Ours comes first, the twin tells of noise alone, and who had no turn has no ratio."""
    assert ratios(turns(), "peer", OURS, "ms", "a").tolist() == [2.0, 1.0]
    assert ratios(turns(), "peer", OURS, "ms", "b").size == 0
    assert noise(turns(), "ms") == pytest.approx([1.1, 0.9])
    assert contestants(turns()) == [OURS, "peer"]


def of_two_runs(rng: np.random.Generator, *, slower: float, spread: float, blocks: int) -> Change:
    """Return the change between two runs of the same blocks, the second of code that is slower."""

    def run(factor: float) -> tuple[np.ndarray, np.ndarray]:
        ours, twin, base = np.exp(spread * rng.standard_normal((3, blocks)))
        return factor * ours / base, twin / ours

    (before, twin_before), (now, twin_now) = run(1.0), run(slower)
    return change("ours / base", before, now, (twin_before, twin_now))


@pytest.mark.parametrize(("spread", "blocks"), [(0.02, 4), (0.05, 16), (0.15, 16)])
def test_noise_alone_moves_no_ratio(spread: float, blocks: int) -> None:
    """Of 500 comparisons of code with itself hardly one says that a ratio moved."""
    rng = np.random.default_rng(0)
    found = [of_two_runs(rng, slower=1.0, spread=spread, blocks=blocks) for _ in range(500)]
    assert sum(each.moved for each in found) <= 10


@pytest.mark.parametrize(("spread", "blocks", "slower"), [(0.02, 4, 1.25), (0.05, 16, 1.25)])
def test_a_planted_regression_is_seen(spread: float, blocks: int, slower: float) -> None:
    """Code that got slower by a quarter is found nine times in ten."""
    rng = np.random.default_rng(0)
    found = [of_two_runs(rng, slower=slower, spread=spread, blocks=blocks) for _ in range(500)]
    assert sum(each.moved for each in found) >= 450


def test_blocks_that_happen_to_agree_are_not_held_for_certain() -> None:
    """Their noise is then that of the twin."""
    same, twin = np.array([1.0, 1.0]), np.array([0.8, 1.25])
    assert not change("", same, 1.2 * same, (twin, twin)).moved
    assert change("", same, 1.2 * same, (same, same)).moved


def test_a_median_stands_with_its_quartiles_where_there_are_any() -> None:
    """One value has none, and what was not measured is a dash."""
    assert quartiles(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), ".1f") == "3.0 (2.0 to 4.0)"
    assert quartiles(np.array([2.0]), ".1f") == "2.0"
    assert quartiles(np.empty(0)) == "–"
