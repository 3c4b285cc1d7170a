"""What a search says holds at its rate, over worlds whose truth is known, by the whole procedure.

Of every world and either plan 300 searches or more are kept (`python -m benchmarks.rates --keep`);
the tables of docs/statistics.md are theirs. So many of them may err that a true rate of 8 % passes
in 5 % of cases: 16 of 300. A true rate of 5 % passes in 67 %, one of 4 % in 90 %. So all worlds
are held, and none is chosen for how it came out.

Whether the code still does what was kept is asked of all worlds again, each day of two, else in
the slow suite: of the first 36 to 150 of the same searches, as few as the same rule allows as many
errors in as all that were kept have. Where more than six of these err, no more of 150 may. Searches
are the same at each run, and so is what is counted.
"""

from __future__ import annotations

import json
from functools import cache

import pytest
from scipy.stats import binom

from benchmarks import race_peers
from benchmarks import rates as commands
from benchmarks.rates import PLANS, kept
from benchmarks.searches import Rates, Search, search
from benchmarks.worlds import WORLDS, World, flat
from search.evidence.finalists import Top
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.space.points import only
from tests.test_documents import ROOT

CAUGHT, PASSED = 0.08, 0.05
"""A true rate that is caught, and the chance that it is not."""
WHOLE = 300
"""Searches of a world that are kept, at least."""
LENGTHS = (36, 60, 100, 150)
"""Those that are simulated again: as few as a rate needs."""
KEPT = kept(commands.NAME, Rates)
ALIKE = tuple(
    name
    for name, each in WORLDS.items()
    if len({each.truth(lam) for lam in race_peers.LAMBDAS}) == 1
)
LARGE = tuple(name for name, each in WORLDS.items() if each.images == 5_000)
EVERYDAY = (("race", "CIFAR-like"), ("best three", "best value's seeds 10 times the others'"))
SLOW = [pytest.mark.slow, pytest.mark.timeout(1800)]
STATISTICS = ROOT / "docs" / "statistics.md"


def most(searches: int) -> int:
    """Return how many searches may err."""
    return int(binom.ppf(PASSED, searches, CAUGHT)) - 1


def asked(plan: str, world: str) -> tuple[int, int]:
    """Return how many searches of a world are simulated again, and how many of them may err.

    They are the first of those that were kept, so no more of them err than of all.
    """
    each = KEPT[plan][world]
    alone = each.alone if world in ALIKE else 0.0
    worst = max(each.left_out, each.dropped or 0.0, each.broken, alone)
    erred = round(worst * each.searches)
    searches = next((few for few in LENGTHS if most(few) >= erred), LENGTHS[-1])
    return searches, max(most(searches), erred)


@cache
def found(plan: str, world: str, searches: int) -> tuple[Search, ...]:
    """Return searches of a world."""
    return tuple(search(WORLDS[world], PLANS[plan], seed) for seed in range(searches))


def test_the_bounds_catch_what_they_say() -> None:
    """With a true rate of 8 % a test is passed by chance in 5 % of cases at most."""
    for searches in (*LENGTHS, WHOLE):
        assert binom.cdf(most(searches), searches, CAUGHT) <= PASSED
        assert binom.cdf(most(searches) + 1, searches, CAUGHT) > PASSED
    assert binom.cdf(most(WHOLE), WHOLE, 0.04) > 0.9


@pytest.mark.parametrize("plan", PLANS)
def test_every_world_was_kept_at_its_rate(plan: str) -> None:
    """The best value is held, and kept in the race; the chosen one loses no more than is said.

    Of alike values none is named alone, and no value's own interval misses in more than 8 %.
    """
    assert set(KEPT[plan]) == set(WORLDS)
    for world, each in KEPT[plan].items():
        assert each.searches >= WHOLE, world
        allowed = most(each.searches) / each.searches
        assert max(each.left_out, each.dropped or 0.0, each.broken) <= allowed, world
        assert world not in ALIKE or each.alone <= allowed, world
        assert each.worst_row <= CAUGHT, world


@pytest.mark.parametrize(
    ("plan", "world"),
    [
        pytest.param(plan, world, marks=() if (plan, world) in EVERYDAY else SLOW)
        for plan in PLANS
        for world in WORLDS
    ],
)
def test_the_best_value_is_held(plan: str, world: str) -> None:
    """The winner and its ties hold it, a race keeps it; a chosen one loses no more than is said.

    Where all values are alike, none is named alone.
    """
    searches, allowed = asked(plan, world)
    ran = found(plan, world, searches)
    assert sum(each.left_out for each in ran) <= allowed
    assert sum(each.dropped for each in ran) <= allowed
    assert sum(each.broken for each in ran) <= allowed
    assert world not in ALIKE or sum(not each.best.ties for each in ran) <= allowed


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_race_is_held_to_its_rate_after_grids_that_depend_on_data() -> None:
    """The best of the values tried is another one where the search was extended further."""
    world = "best value beyond the grid"
    searches, _ = asked("race", world)
    assert len({each.top for each in found("race", world, searches)}) > 1


@pytest.mark.parametrize("world", LARGE)
def test_optimism_is_a_lower_bound(world: str) -> None:
    """What the report says that the winner's score is too high by is no more than it is, or so."""
    seen = KEPT["best three"][world]
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
    assert set(KEPT) == set(PLANS)
    for each in KEPT.values():
        assert commands.table(each) in page
    assert race_peers.table(kept(race_peers.NAME, race_peers.Spent)) in page
    races = json.loads((commands.FOLDER / "agreement-race.json").read_text(encoding="utf-8"))
    assert all(table in page for table in races["tables"])
