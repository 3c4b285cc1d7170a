"""Means over runs on the same images: their errors, and how often a side is called wrongly."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import Float
from scipy.stats import binom, norm, t

from search.evidence.means import Mean, Runs, shares
from search.evidence.sides import RATE

numbers = st.floats(-1e3, 1e3)
errors = st.floats(1e-3, 1e3)
FORMER = {2: 0.24, 3: 0.17, 5: 0.12}
"""Rates of false verdicts where the larger of images' and runs' error counted 1.96 times."""


def false_at_most(searches: int, rate: float = RATE) -> float:
    """Return the most false verdicts that a true rate gives, but for 1 of 10,000 cases."""
    return float(binom.isf(1e-4, searches, rate))


# --- errors ---------------------------------------------------------------------------


def test_the_error_of_one_run_is_that_of_its_images() -> None:
    """The standard deviation over images over the root of their number."""
    single = np.random.default_rng(0).gamma(2.0, size=300)
    mean = Runs([single.mean()], [9.0], [single]).mean()
    assert mean.error == pytest.approx(single.std(ddof=1) / math.sqrt(300))
    assert mean.paired


@given(numbers, errors, numbers, errors)
def test_errors_add_as_those_of_unpaired_numbers_do(a: float, e: float, b: float, f: float) -> None:
    """Where single images are not kept: the root of the summed squares, in either order."""
    difference = (Runs([a], [e**2]) - Runs([b], [f**2])).mean()
    assert difference.value == a - b
    assert difference.error == pytest.approx(math.hypot(e, f))
    assert not difference.paired


def test_what_images_have_in_common_cancels() -> None:
    """Image by image the error is that of the differences, however unlike the images are."""
    rng = np.random.default_rng(1)
    hard = rng.gamma(1.0, size=400)
    one, other = hard + rng.normal(0, 0.1, 400), hard + rng.normal(0, 0.1, 400)
    first, second = (Runs([x.mean()], [x.var() / 400], [x]) for x in (one, other))
    paired, unpaired = (
        (first - second).mean(),
        (Runs(first.values, first.variances) - second).mean(),
    )
    assert paired.error == pytest.approx((one - other).std(ddof=1) / 20)
    assert unpaired.error > 5 * paired.error


@pytest.mark.parametrize("runs", [2, 3, 5])
def test_the_two_parts_are_found_apart(runs: int) -> None:
    """On average the images' part is that which runs share, and the rest that of runs."""
    rng, n = np.random.default_rng(runs), 400
    found = []
    for _ in range(400):
        single = (
            rng.normal(0, 1.0, n) + rng.normal(0, 2.0, (runs, n)) + rng.normal(0, 0.1, (runs, 1))
        )
        found.append(Runs(single.mean(axis=1).tolist(), [1.0] * runs, list(single)).mean())
    assert np.mean([each.images for each in found]) == pytest.approx(1 / n, rel=0.1)
    apart = (4 / n + 0.01) / runs
    assert np.mean([each.runs for each in found]) == pytest.approx(apart, rel=0.2)
    assert {each.freedom for each in found} == {runs - 1}


# --- sides ----------------------------------------------------------------------------


def test_a_part_alone_has_its_own_distribution() -> None:
    """Images' alone is normal, runs' alone Student's t; between them lies what has both."""
    assert Mean(1.0, 0.25).tail() == pytest.approx(norm.sf(2))
    assert Mean(1.0, 0.0, 0.25, 2).tail() == pytest.approx(t.sf(2, 2))
    assert norm.sf(2) < Mean(1.0, 0.125, 0.125, 2).tail() < t.sf(2, 2)


@given(numbers, errors, st.floats(0, 1e3), st.integers(1, 4), numbers)
def test_sides_are_each_others_rest(
    value: float, images: float, runs: float, freedom: int, bound: float
) -> None:
    """What is surely above a bound has its mirror image surely below the mirrored one."""
    tail = Mean(value, images, runs, freedom).tail(bound)
    assert 0.0 <= tail <= 1.0
    assert Mean(-value, images, runs, freedom).tail(-bound) == pytest.approx(1 - tail)
    assert tail <= 0.5 or value <= bound


def test_the_ends_of_the_scale() -> None:
    """Nothing varies, or the bound is beyond all that numbers hold."""
    assert Mean(1.0, 0.0).tail() == 0.0
    assert Mean(0.0, 0.0).tail() == 0.5
    assert Mean(-1.0, 0.0).tail() == 1.0
    assert Mean(1e6, 1e-12, 1e-12, 4).tail() < 1e-20
    assert Mean(1e9, 1e-12, 0.0, 4).tail() == 0.0


def test_a_share_of_all_images_is_not_certain() -> None:
    """144 of 144 do not show that 0.99 is exceeded; Wilson's interval of them begins lower."""
    assert shares([1.0], 144, at=0.99).tail(0.99) > 0.05
    assert shares([1.0], 144, at=0.9).tail(0.9) < 0.001
    assert shares([0.0], 144, at=0.01).tail(0.01) < 0.95
    low = (1 + 1.96**2 / (2 * 144) - 1.96 * math.sqrt(1.96**2 / (4 * 144**2))) / (1 + 1.96**2 / 144)
    assert shares([1.0], 144, at=low).tail(low) == pytest.approx(0.025, rel=1e-3)


def _world(
    rng: np.random.Generator, *, runs: int, own: float, seeds: float, n: int = 200
) -> Float[np.ndarray, "r n"]:
    """Return the differences of two kinds of network that are equally good, image by image."""
    shared = rng.exponential(1.0, n) - 1.0
    return shared + rng.normal(0, own, (runs, n)) + rng.normal(0, seeds, (runs, 1))


def _false(searches: int, *, runs: int, own: float, seeds: float, paired: bool = True) -> int:
    rng = np.random.default_rng(runs)
    wrong = 0
    for _ in range(searches):
        single = _world(rng, runs=runs, own=own, seeds=seeds)
        variances = single.var(axis=1) / single.shape[1]
        kept = list(single) if paired else None
        tail = Runs(single.mean(axis=1).tolist(), variances.tolist(), kept).mean().tail()
        wrong += 2 * min(tail, 1 - tail) < RATE
    return wrong


def test_few_verdicts_on_one_network_are_wrong() -> None:
    """Of its own images' noise 5 % lead to a verdict, and no more."""
    assert _false(2_000, runs=1, own=1.0, seeds=0.0) <= false_at_most(2_000)


@pytest.mark.parametrize("runs", [2, 3, 5])
def test_few_verdicts_on_runs_are_wrong(runs: int) -> None:
    """Where seeds outweigh images, and the former rule erred in 12 to 24 % of cases."""
    bound = false_at_most(1_500)
    assert binom.cdf(bound, 1_500, FORMER[runs]) < 1e-4
    assert _false(1_500, runs=runs, own=0.5, seeds=0.3) <= bound


@pytest.mark.slow
@pytest.mark.parametrize("runs", [2, 3, 5])
@pytest.mark.parametrize("own", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("seeds", [0.0, 0.03, 0.07, 0.15, 0.5])
@pytest.mark.parametrize("paired", [True, False])
def test_few_verdicts_are_wrong_anywhere(
    runs: int, own: float, seeds: float, *, paired: bool
) -> None:
    """Whatever share of the variance is the images', the runs' or the seeds'."""
    searches = 4_000
    bound = false_at_most(searches)
    assert binom.cdf(bound, searches, 0.08) < 1e-4
    assert _false(searches, runs=runs, own=own, seeds=seeds, paired=paired) <= bound
