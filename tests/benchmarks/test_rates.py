"""What a search says holds at its rate, over worlds whose truth is known, by the whole procedure.

The bounds catch a true rate of 8 %: at most so many searches may err that a test is passed with it
in 5 % of cases (of 36 none, of 200 nine). Searches are the same at each run, and so is what
is counted.
"""

from __future__ import annotations

import json
from functools import cache

import pytest
from scipy.stats import binom

from benchmarks import race_peers
from benchmarks import rates as commands
from benchmarks.rates import PLANS, kept
from benchmarks.searches import Rates, Search, rates, search
from benchmarks.worlds import WORLDS, World, flat
from search.evidence.finalists import Top
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.space.points import only
from tests.test_documents import ROOT

EVERYDAY, RACES, THOROUGH, ADAPTIVE = 36, 60, 100, 200
CAUGHT = 0.08
SLOW = [pytest.mark.slow, pytest.mark.timeout(1800)]
RACED = (
    *("CIFAR-like", "all alike, seeds do nothing", "alike, seeds smooth in λ, 0.004"),
    *("seeds grow with λ", "best value's seeds 4 times the others'", "seeds of Student's t(3)"),
    *("images that suit a λ", "144 images, accuracy 0.98", "144 images, accuracy 0.6"),
)
"""Worlds of which races are simulated: they take longer. docs/statistics.md has the others."""
AGAIN = tuple(world for world, each in WORLDS.items() if each.images == 5_000)
"""Worlds of which searches are that train the best three again."""
STATISTICS = ROOT / "docs" / "statistics.md"


def most(searches: int) -> int:
    """Return how many searches may err."""
    return int(binom.ppf(0.05, searches, CAUGHT)) - 1


@cache
def found(plan: str, world: str, searches: int) -> tuple[Search, ...]:
    """Return searches of a world."""
    return tuple(search(WORLDS[world], PLANS[plan], seed) for seed in range(searches))


def test_the_bounds_catch_what_they_say() -> None:
    """With a true rate of 8 % a test is passed by chance in 5 % of cases at most."""
    for searches in (EVERYDAY, RACES, THOROUGH, ADAPTIVE):
        assert binom.cdf(most(searches), searches, CAUGHT) <= 0.05
        assert binom.cdf(most(searches) + 1, searches, CAUGHT) > 0.05


@pytest.mark.parametrize(
    ("plan", "world", "searches"),
    [("best three", "CIFAR-like", EVERYDAY)]
    + [pytest.param("best three", world, THOROUGH, marks=SLOW) for world in AGAIN]
    + [pytest.param("race", world, RACES, marks=SLOW) for world in RACED],
)
def test_the_best_value_is_held(plan: str, world: str, searches: int) -> None:
    """The winner and its ties hold the best value; a chosen one loses no more than is said."""
    ran = found(plan, world, searches)
    assert sum(each.left_out for each in ran) <= most(searches)
    assert sum(each.dropped for each in ran) <= most(searches)
    assert sum(each.broken for each in ran) <= most(searches)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_race_keeps_its_rate_after_grids_that_depend_on_data() -> None:
    """The best of the values tried is another one where the search was extended further."""
    ran = found("race", "best value beyond the grid", ADAPTIVE)
    assert len({each.top for each in ran}) > 1
    assert sum(each.dropped for each in ran) <= most(ADAPTIVE)
    assert sum(each.broken for each in ran) <= most(ADAPTIVE)


@pytest.mark.parametrize(
    ("plan", "searches"),
    [("best three", EVERYDAY), pytest.param("race", RACES, marks=SLOW)],
)
def test_of_alike_values_none_is_named_alone(plan: str, searches: int) -> None:
    """Where all are as good, others may always be the best, too."""
    ran = found(plan, "all alike, seeds 0.002", searches)
    assert sum(not each.best.ties for each in ran) <= most(searches)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("world", AGAIN)
def test_optimism_is_a_lower_bound(world: str) -> None:
    """What the report says that the winner's score is too high by is no more than it is, or so."""
    seen = rates(found("best three", world, THOROUGH))
    assert seen.told <= 1.25 * seen.optimism + 3e-4


def test_sentences_say_what_was_found() -> None:
    """The values that a sentence names are those that are held; single runs are of networks."""
    once = LambdaSearch(preset="paper")
    for seed in range(3):
        ran = search(World(flat(0.5), seeds=flat(0.002)), once, seed)
        assert "cannot be told from it by a paired comparison" in ran.summary
        assert f"networks is among these {len(ran.held)} (95% confidence)" in ran.summary
        assert ran.spent == len(ran.truth)
    again = LambdaSearch(replicate_top=Top(3, 3))
    ran = search(WORLDS["CIFAR-like"], again, 0)
    assert (
        "the best of the 3 values trained more than once and of the networks of the others is "
        f"among these {len(ran.held)} (95% confidence)"
    ) in ran.summary
    assert f"{len(ran.held) - 1} of the others cannot be told from it" in ran.verdict


def test_a_collapsed_run_leaves_the_others_as_they_were() -> None:
    """Intervals stay as narrow as without it, and what did not learn is named."""
    again = LambdaSearch(replicate_top=Top(3, 3))
    found = [search(WORLDS["10 % of runs collapse"], again, seed) for seed in range(4)]
    calm = [search(WORLDS["CIFAR-like"], again, seed) for seed in range(4)]
    assert max(each.best.dispersion for each in found) < 10.0
    assert max(each.best.error for each in found) < 2 * max(each.best.error for each in calm)
    assert all(only(row.point) in each.truth for each in found for row in each.best.others)


def test_the_page_has_what_was_kept() -> None:
    """The tables of docs/statistics.md are those that the commands beside them printed."""
    page = STATISTICS.read_text(encoding="utf-8")
    found = kept(commands.NAME, Rates)
    assert set(found) == set(PLANS)
    for each in found.values():
        assert commands.table(each) in page
    assert race_peers.table(kept(race_peers.NAME, race_peers.Spent)) in page
    races = json.loads((commands.FOLDER / "agreement-race.json").read_text(encoding="utf-8"))
    assert all(table in page for table in races["tables"])
