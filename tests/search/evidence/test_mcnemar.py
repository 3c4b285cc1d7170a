"""McNemar's test and Holm's correction, against figures computed by hand."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from search.evidence.mcnemar import exact, exact_pairs, holm


@pytest.mark.parametrize(("b", "c"), [(10, 2), (2, 10), (7, 7), (0, 5), (1, 0), (0, 0)])
def test_it_is_the_binomial_test_of_discordant_images(b: int, c: int) -> None:
    """Twice the smaller tail of Binomial(b + c, ½); images both got right play no part."""
    first = np.array([True] * b + [False] * c + [True] * 20)
    second = np.array([False] * b + [True] * c + [True] * 20)
    tail = sum(comb(b + c, i) for i in range(min(b, c) + 1)) / 2 ** (b + c)
    assert exact(first, second) == pytest.approx(min(1.0, 2 * tail))


def test_all_pairs_are_tested_at_once() -> None:
    """The table of all pairs holds what each pair has alone."""
    right = np.random.default_rng(0).random((4, 60)) < [[0.5], [0.6], [0.7], [0.7]]
    pairs = exact_pairs(right)
    for i, first in enumerate(right):
        assert pairs[i] == pytest.approx([exact(first, second) for second in right], rel=1e-12)


def test_holm_steps_down() -> None:
    """The smallest is multiplied by the number of tests, the next by one less, never falling."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]).size == 0
