"""Comparisons with the winner, held against simulated searches whose truth is known."""

from __future__ import annotations

import math
from statistics import fmean

import numpy as np
import pytest

from search.evidence.compare import DRAWS, FEWEST_DRAWS, Difference, compare, enough_draws
from search.evidence.look import Standing
from search.evidence.marks import Candidate, marks
from search.evidence.pairs import levels
from search.space.points import only
from tests.search.simulated import Search, World, at, at_most, simulate

SEARCHES = 250
ALIKE, APART = (0.6,) * 5, (0.6, 0.59, 0.57, 0.5, 0.4)


def missed(search: Search, lam: float, truth: dict[float, float]) -> bool:
    """Say whether a value's interval misses its true difference to the winner."""
    rows = {only(row.point): row for row in search.found.rows}
    if lam not in rows:  # it is the winner
        return False
    difference = truth[lam] - truth[only(search.found.winner)]
    return not rows[lam].low <= difference <= rows[lam].high


def best_left_out(search: Search) -> bool:
    """Say whether the truly best value is neither the winner nor tied with it."""
    best = max(search.truth, key=search.truth.__getitem__)
    return (best,) not in (search.found.winner, *search.found.ties)


EVERYDAY = {
    "one run": World(APART),
    "one run, all alike": World(ALIKE),
    "replicates": World(APART, runs=3, seeds=0.02, shared=0.02),
    "replicates, all alike": World(ALIKE, runs=3, seeds=0.01, shared=0.02),
    "replicates of some": World(ALIKE, runs=(3, 3, 3, 1, 1), seeds=0.01),
    "some did not learn": World(
        ALIKE, runs=3, seeds=0.01, shared=0.03, unlearned=((0, 0), (1, 2), (2, 0), (2, 1))
    ),
    "families": World((0.6,) * 6, runs=3, seeds=0.01, shared=0.03, families=(0, 0, 0, 1, 1, 1)),
}
THOROUGH = {
    "one run, few images, nearly all right": World((0.95,) * 4, images=150),
    "two replicates": World(ALIKE, runs=2, seeds=0.02),
    "two replicates, no noise of seeds": World(ALIKE, runs=2),
    "three replicates, images that suit a value": World(
        ALIKE, runs=3, seeds=0.01, difficulty=(0.4, 0.1, 0.2)
    ),
    "five replicates, seeds above all": World(APART, runs=5, seeds=0.05, shared=0.05),
    "many images": World((0.5,) * 10, runs=(3,) * 3 + (1,) * 7, images=5_000, seeds=0.003),
    "a pair": World((0.6, 0.6), runs=3, seeds=0.02),
    "each its own family": World(ALIKE, runs=3, seeds=0.01, shared=0.02, families=(0, 1, 2, 3, 4)),
    "families apart": World(APART, runs=3, shared=0.03, families=(0, 0, 1, 1, 1)),
    "families, one of noisier seeds": World(
        (0.6,) * 6, runs=3, seeds=(0.04,) * 3 + (0.005,) * 3, families=(0, 0, 0, 1, 1, 1)
    ),
    "families, replicates of some": World(
        (0.6,) * 6, runs=(3, 3, 1, 3, 1, 1), seeds=0.01, shared=0.02, families=(0, 0, 0, 1, 1, 1)
    ),
}


@pytest.mark.parametrize(
    ("world", "searches"),
    [pytest.param(world, SEARCHES, id=name) for name, world in EVERYDAY.items()]
    + [
        pytest.param(world, 2_000, id=name, marks=[pytest.mark.slow, pytest.mark.timeout(1200)])
        for name, world in (EVERYDAY | THOROUGH).items()
    ],
)
def test_statements_hold_at_their_rate(world: World, searches: int) -> None:
    """Each value's interval covers its true difference to whichever value won in 95 % of searches.

    The winner and its ties hold the truly best value in 95 %; where all are alike, one value
    alone is named as the best in 5 % at most.
    """
    found = simulate(world, searches)
    for lam in found[0].truth:
        assert at_most(0.05, [missed(each, lam, each.truth) for each in found])
    assert at_most(0.05, [best_left_out(each) for each in found])
    if len(set(world.accuracy)) == 1:
        assert at_most(0.05, [not each.found.ties for each in found])


@pytest.mark.parametrize(
    "searches", [150, pytest.param(1_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
def test_one_noisy_value_does_not_make_others_sure(searches: int) -> None:
    """Where seeds move the best value ten times as far as the others, it is held all the same.

    All intervals cover at their rate, its own as well, of which three runs tell hardly anything.
    """
    world = World((0.62, *ALIKE), runs=3, images=1_000, seeds=(0.05, *[0.005] * 5))
    found = simulate(world, searches)
    assert at_most(0.05, [best_left_out(each) for each in found])
    for lam in found[0].truth:
        assert at_most(0.05, [missed(each, lam, each.truth) for each in found])


@pytest.mark.parametrize(
    "world",
    [
        World((0.6, 0.6)),
        World((0.6, 0.6), runs=3, seeds=0.02, shared=0.02),
        World((0.6, 0.6), runs=3),
    ],
    ids=["one run", "replicates", "replicates, no noise of seeds"],
)
def test_of_two_alike_one_is_named_at_the_stated_rate(world: World) -> None:
    """The rate of false winners is not only kept but met: intervals are no wider than they must."""
    found = simulate(world, 2 * SEARCHES)
    assert at(0.05, [not each.found.ties for each in found])
    assert at(0.05, [each.found.rows[0].p <= 0.05 for each in found])


def test_one_run_speaks_of_networks_and_not_of_values() -> None:
    """Without replicates the interval covers the two networks' difference; seeds are not in it.

    Where seeds matter it covers the values' difference far less often than stated, which is why
    `knows_seeds` is there to be reported.
    """
    found = simulate(World((0.6, 0.6), seeds=0.05), SEARCHES)
    assert not any(each.found.knows_seeds for each in found)
    for lam in found[0].truth:
        assert at_most(0.05, [missed(each, lam, each.networks) for each in found])
    assert not at_most(0.1, [missed(each, 1.0, each.truth) for each in found])


@pytest.mark.parametrize("runs", [1, 3])
def test_the_winners_optimism_is_estimated(runs: int) -> None:
    """What the best of equal values scores too high, on average, is what is said; within a fifth.

    A clear winner is not lucky, and its estimate is small.
    """
    alike = simulate(World(ALIKE, runs=runs, seeds=0.01 * (runs > 1)), SEARCHES)
    truth = fmean(each.winner_score - 0.6 for each in alike)
    assert fmean(each.found.optimism for each in alike) == pytest.approx(truth, rel=0.2)
    clear = simulate(World((0.8, 0.5, 0.5), runs=runs), 50)
    assert max(each.found.optimism for each in clear) == 0.0


def right(*rows: list[int]) -> np.ndarray:
    """Return runs that label the images right where there is a 1."""
    return np.array(rows, dtype=bool)


def test_a_pair_of_runs_has_the_known_variance() -> None:
    """With one run the error is that of paired shares: √((b + c − (b − c)²∕n) ∕ n(n − 1)).

    Half an image is added for each run; two values need no more than the two-sided normal
    quantile.
    """
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 1, 1_000)) < [[[0.6]], [[0.5]]]
    b, c, n = np.sum(first & ~second), np.sum(second & ~first), 1_000
    variance = (b + c - (b - c) ** 2 / n) / (n * (n - 1)) + 1 / n**2
    found = compare(
        [Candidate((1.0,), first), Candidate((0.1,), second)],
        (1.0,),
        simplicity=only,
        rng=rng,
        draws=200_000,
    )
    (row,) = found.rows
    assert row.difference == pytest.approx((c - b) / n)
    assert (row.high - row.low) / 2 == pytest.approx(1.96 * math.sqrt(variance), rel=0.01)


def test_replicates_have_the_variance_of_crossed_factors() -> None:
    """With R replicates of a pair it is (MS images + MS seeds − MS rest) ∕ nR, as in an ANOVA.

    The critical value lies between Student's t for R − 1 degrees of freedom and the normal one.
    """
    rng = np.random.default_rng(1)
    world = World((0.6, 0.55), runs=4, images=2_000, seeds=0.02, difficulty=(0.4, 0.1, 0.3))
    (first, second), _ = world.sample(rng)
    d = first.correct.astype(float) - second.correct
    r, n = d.shape
    seeds, images = d.mean(axis=1, keepdims=True), d.mean(axis=0, keepdims=True)
    ms_seeds = n * np.sum((seeds - d.mean()) ** 2) / (r - 1)
    ms_images = r * np.sum((images - d.mean()) ** 2) / (n - 1)
    ms_rest = np.sum((d - seeds - images + d.mean()) ** 2) / ((r - 1) * (n - 1))
    error = math.sqrt((ms_images + ms_seeds - ms_rest) / (n * r))
    (row,) = compare([first, second], (1.0,), simplicity=only, rng=rng, draws=200_000).rows
    assert 1.96 < (row.high - row.low) / 2 / error < 3.18
    variance = (row.high - row.low) ** 2
    more_images = [Candidate(each.point, np.tile(each.correct, 4)) for each in (first, second)]
    (wide,) = compare(more_images, (1.0,), simplicity=only, rng=rng, draws=200_000).rows
    assert (wide.high - wide.low) ** 2 > variance / 4  # images do not lessen the noise of seeds


def test_equal_data_give_equal_comparisons() -> None:
    """The order of candidates does not matter, and the generator's state is all the chance."""
    candidates, _ = World(APART, runs=3, seeds=0.02).sample(np.random.default_rng(3))
    forward = compare(candidates, (1.0,), simplicity=only, rng=np.random.default_rng(0), draws=500)
    backward = compare(
        candidates[::-1], (1.0,), simplicity=only, rng=np.random.default_rng(0), draws=500
    )
    assert forward == backward
    assert [row.point for row in forward.rows] == sorted(row.point for row in forward.rows)


def test_runs_that_agree_on_every_image_are_tied() -> None:
    """No difference was seen, which is not to know that there is none."""
    same = right([1] * 30 + [0] * 20)
    found = compare(
        [Candidate((1e-2,), same), Candidate((1e-3,), same)],
        (1e-2,),
        simplicity=only,
        rng=np.random.default_rng(0),
    )
    (row,) = found.rows
    assert (row.difference, row.p, found.ties) == (0.0, 1.0, ((1e-3,),))
    assert row.low < 0.0 < row.high


def test_one_candidate_has_nothing_to_be_compared_with() -> None:
    """A search of one value has a winner, no ties and no optimism."""
    found = compare(
        [Candidate((1e-2,), right([1, 0, 1, 1]))],
        (1e-2,),
        simplicity=only,
        rng=np.random.default_rng(0),
    )
    assert (found.rows, found.ties, found.one_se, found.optimism) == ((), (), (1e-2,), 0.0)
    assert found.errors[1e-2,] == pytest.approx(math.sqrt(0.75 * 0.25 / 4))


def test_the_one_standard_error_choice_is_the_largest_within() -> None:
    """It is the most regularised value whose accuracy is within one error of the winner's."""

    def share(lam: float, count: int) -> Candidate:
        return Candidate((lam,), right([1] * count + [0] * (100 - count)))

    candidates = [share(1e-4, 56), share(1e-3, 60), share(1e-2, 56), share(1e-1, 50)]
    found = compare(candidates, (1e-3,), simplicity=only, rng=np.random.default_rng(0))
    assert found.errors[1e-3,] == pytest.approx(0.049, abs=1e-3)
    assert found.one_se == (1e-2,)


def test_the_one_standard_error_choice_was_trained_as_often_as_the_winner() -> None:
    """A value with fewer runs, or one that is told from the winner, is not taken for simpler."""
    rng = np.random.default_rng(0)

    def runs(lam: float, accuracy: float, number: int) -> Candidate:
        return Candidate((lam,), rng.random((number, 2_000)) < accuracy)

    candidates = [runs(1e-4, 0.5, 3), runs(1e-3, 0.5, 3), runs(1e-2, 0.5, 1), runs(1e-1, 0.4, 3)]
    best = max(candidates[:2], key=lambda each: each.accuracy)
    found = compare(candidates, best.point, simplicity=only, rng=rng)
    assert set(found.ties) == {(1e-4,), (1e-3,), (1e-2,)} - {best.point}
    assert found.one_se == (1e-3,)


def test_only_common_replicates_are_compared() -> None:
    """A value trained once meets the winner's first run alone."""
    first, second = right([1, 1, 1, 0], [0, 0, 0, 0]), right([1, 1, 0, 0])
    found = compare(
        [Candidate((1.0,), first), Candidate((0.1,), second)],
        (1.0,),
        simplicity=only,
        rng=np.random.default_rng(0),
    )
    (row,) = found.rows
    assert (row.runs, row.difference) == (1, -0.25)


def test_the_noise_of_seeds_is_measured() -> None:
    """φ is 1 on average where seeds add nothing, and grows with what they add."""
    rng = np.random.default_rng(5)

    def dispersions(seeds: float) -> list[float]:
        world = World(ALIKE, runs=3, seeds=seeds)
        return [marks(world.sample(rng)[0]).seeds.dispersion for _ in range(SEARCHES)]

    still = dispersions(0.0)
    error = float(np.std(still)) / math.sqrt(SEARCHES)
    assert fmean(still) == pytest.approx(1.0, abs=4 * error)
    assert fmean(dispersions(0.03)) > 2.0
    assert marks(World(ALIKE, runs=3).sample(rng)[0]).seeds.freedom == 8


def test_many_values_take_fewer_draws() -> None:
    """Up to 500 values there are 10,000, beyond them fewer, so that time does not run away."""
    draws = {values: enough_draws(values) for values in (1, 10, 500, 1_000, 5_000)}
    assert draws == {1: DRAWS, 10: DRAWS, 500: DRAWS, 1_000: 2_500, 5_000: FEWEST_DRAWS}
    candidates, _ = World(ALIKE).sample(np.random.default_rng(0))
    assert compare(candidates, (1.0,), simplicity=only, rng=np.random.default_rng(0)).draws == DRAWS


def test_after_a_race_those_that_are_left_are_tied() -> None:
    """Its boundary makes intervals as wide as several looks ask for, and what is out is worse.

    How much worse at least is said by the pair's own runs alone; that it is, by the race.
    """
    accuracies = (0.62, 0.61, 0.56, 0.2)
    world = World(accuracies, runs=3, images=3_000, seeds=0.004, shared=0.01)
    candidates, _ = world.sample(np.random.default_rng(6))

    def found(raced: tuple[Standing, ...]) -> dict[float, Difference]:
        rng = np.random.default_rng(0)
        rows = compare(candidates, (1.0,), simplicity=only, rng=rng, raced=raced, draws=2_000).rows
        return {only(row.point): row for row in rows}

    def stood(k: int, lead: float, boundary: float) -> Standing:
        return Standing((10.0**-k,), accuracies[k], lead, boundary, loses=0.0)

    before = found(())
    after = found((stood(0, 0.0, 9.0), stood(1, 3.0, 9.0), stood(2, 9.0, 2.0), stood(3, 30.0, 2.0)))
    assert [row.tied for row in after.values()] == [False, False, True]
    left = after[0.1]
    assert left.low < before[0.1].low
    assert left.p > before[0.1].p
    assert left.high - left.difference == pytest.approx(left.difference - left.low)
    (level,) = levels(marks(sorted(candidates, key=lambda each: each.point)))
    alone = dict(zip((1e-3, 1e-2, 1e-1, 1.0), level.alone(3, 0.95), strict=True))
    reach = {lam: row.difference - row.low for lam, row in after.items()}
    for lam in (1e-2, 1e-3):
        wide = after[lam].difference + max(reach[lam], alone[lam])
        assert after[lam].high == pytest.approx(min(0.0, wide))
    assert alone[1e-3] > reach[1e-3]
