"""When a network counts as one that has learned: never by naming one class, seldom by guessing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from search.evidence.chance import LEVEL, chance_of, largest_share, learned

SIZES = [100, 144, 5_000]


def labels_of(n: int, *, seed: int) -> np.ndarray:
    """Return the labels of n images of a random split of ten equal classes."""
    return np.random.default_rng(seed).integers(0, 10, n)


@pytest.mark.parametrize("n", SIZES)
def test_no_constant_answer_has_learned(n: int) -> None:
    """Whichever class is named throughout, on whichever random split: in none of 500."""
    for seed in range(500):
        labels = labels_of(n, seed=seed)
        share = largest_share(labels)
        for right in np.bincount(labels, minlength=10) / n:
            assert not learned(right, share=share, n=n)


def test_the_share_is_of_the_images_measured() -> None:
    """It is the largest there, whatever class that is."""
    assert largest_share(np.array([2, 0, 2, 1, 2])) == 0.6
    assert largest_share(np.array([1, 1])) == 1.0


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("skew", [0.0, 0.5, 1.0])
def test_guessing_seldom_passes_for_learning(n: int, skew: float) -> None:
    """Guesses in any proportions pass as often as `LEVEL` says, at most.

    Of 20,000 networks that guess, a rate of `LEVEL` gives more than the bound in 1 of 10,000 cases.
    """
    rng = np.random.default_rng(n)
    labels = labels_of(n, seed=1)
    counts = np.bincount(labels, minlength=10)
    named = np.full(10, (1 - skew) / 10)
    named[counts.argmax()] += skew
    networks = 20_000
    right = rng.binomial(counts, named, size=(networks, 10)).sum(axis=1)
    share = largest_share(labels)
    passed = sum(learned(each / n, share=share, n=n) for each in right)
    assert passed <= binom.isf(1e-4, networks, LEVEL)


@pytest.mark.parametrize(("n", "accuracy"), [(144, 0.3), (5_000, 0.13)])
def test_a_network_that_learned_is_seen_to(n: int, accuracy: float) -> None:
    """One well above chance passes, on few images too."""
    share = largest_share(labels_of(n, seed=0))
    assert learned(accuracy, share=share, n=n)
    assert learned(1.0, share=share, n=n)
    assert not learned(0.0, share=share, n=n)


@given(st.integers(1, 200), st.data())
def test_it_is_the_exact_binomial_test(n: int, data: st.DataObject) -> None:
    """An independent computation of the same tail, for any count and any share."""
    right, share = data.draw(st.integers(0, n)), data.draw(st.floats(0.01, 0.99))
    exact = binomtest(right, n, share, alternative="greater").pvalue
    assert chance_of(right / n, share=share, n=n) == pytest.approx(exact, abs=1e-12)


def test_where_all_images_are_of_one_class_nothing_is_learned() -> None:
    """Naming that class is right every time."""
    assert not learned(1.0, share=1.0, n=500)


def test_a_mean_of_runs_is_judged_as_one_run() -> None:
    """What no single count gives is rounded down to one that is."""
    assert chance_of(20.5 / 100, share=0.1, n=100) == chance_of(0.2, share=0.1, n=100)
