"""The race in a search's plan, with fake trainers whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from search.evidence.race import Ending
from search.experiments.coarse_fine import endings
from search.experiments.coarse_fine.settings import SearchSettings
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.plan import Progress, replay
from search.records import Outcome, Role
from search.space.narrow import Factors
from search.trial import Trial
from tests.search.builders import BASE, result

MANY = replace(BASE, validation_size=2_000)
SEARCH = LambdaSearch(
    lambda_bounds="off", coarse=(1e-4, 1e-3, 1e-2, 1e-1), fine=Factors((0.5, 1.0, 2.0))
)
CALM = 0.001
"""Standard deviation over seeds that is little beside that of images."""


def noisy(accuracy: Callable[[float], float], seeds: float = CALM) -> Callable[[Trial], Outcome]:
    """Return a trainer whose runs label images right by their difficulty, a seed's luck on top."""

    def train(trial: Trial) -> Outcome:
        rng = np.random.default_rng([trial.replicate, round(1e6 * math.log10(trial.lam)) + 10**7])
        fate = np.random.default_rng(0).random(trial.validation_size)
        own = 0.7 * fate + 0.3 * rng.random(trial.validation_size)
        right = own < accuracy(trial.lam) + seeds * rng.standard_normal()
        made = result(trial, float(right.mean()))
        return Outcome(
            trial,
            replace(made, arrays={**made.arrays, "validation_correct": np.packbits(right)}),
        )

    return train


def hill(lam: float) -> float:
    """Return an accuracy that is highest at λ = 1e-2 and falls off on either side."""
    return 0.6 - 0.03 * abs(math.log10(lam) + 2)


def follow(
    search: SearchSettings = SEARCH,
    accuracy: Callable[[float], float] = hill,
    seeds: float = CALM,
) -> Progress:
    """Run a plan to its end."""
    return replay(search.plan(MANY), noisy(accuracy, seeds))


def looks(progress: Progress) -> list[dict[float, int]]:
    """Return the replicates of each value, stage by stage of a race."""
    return [
        {trial.lam: trial.replicate + 1 for trial in stage.trials}
        for stage in progress.stages
        if stage.role is Role.RACE
    ]


def test_a_race_follows_the_grids() -> None:
    """Every value tried begins it; each stage has those that are left, all with as many runs."""
    progress = follow(replace(SEARCH, tolerance=0.0))
    coarse, fine, first, *_ = progress.stages
    assert (coarse.role, fine.role, first.name) == (Role.COARSE, Role.FINE, "race to 3 runs")
    found = looks(progress)
    tried = {trial.lam for stage in (coarse, fine) for trial in stage.trials}
    assert found[0] == dict.fromkeys(sorted(tried), 3)
    for before, after in pairwise(found):
        assert after.keys() <= before.keys()
    assert [set(each.values()) for each in found] == [{3}, {5}, {8}][: len(found)]
    assert progress.choice is not None
    assert progress.choice.trial is not None
    assert progress.choice.trial.lam in found[-1]
    assert "The race is over after" in "".join(stage.reason for stage in progress.stages)


def test_a_tolerance_ends_it_sooner() -> None:
    """What need not be told apart is not trained again."""
    wide, narrow = (follow(replace(SEARCH, tolerance=each)) for each in (0.2, 0.0))
    assert looks(wide) == looks(narrow)[:1]
    assert len(looks(narrow)) > 1
    assert "0.2 is tolerated" in wide.stages[3].reason


def test_it_ends_where_seeds_move_accuracies_too_far() -> None:
    """No seed that may still be asked for would tell, and the reason is not the images."""
    progress = follow(replace(SEARCH, tolerance=0.0), seeds=0.01)
    assert len(looks(progress)) == 1
    assert "since seeds move accuracies too far" in progress.stages[3].reason


def test_hopeless_values_do_not_begin_it() -> None:
    """A value that one run puts far behind is not trained again, and the reason says so."""
    progress = follow(accuracy=lambda lam: 0.1 if lam == 1e-4 else hill(lam))
    assert 1e-4 not in looks(progress)[0]
    assert "1e-4 takes no part" in progress.stages[2].reason


def test_fresh_seeds_come_after_all_that_a_race_may_take() -> None:
    """They are the same whether it ends soon or late."""
    for tolerance in (0.2, 0.0):
        progress = follow(replace(SEARCH, tolerance=tolerance))
        (fresh,) = [stage for stage in progress.stages if stage.role is Role.FRESH]
        assert [trial.replicate for trial in fresh.trials] == [8, 9]


@pytest.mark.parametrize(("replicates", "expected"), [(2, (2, 3, 5, 8)), (4, (4, 5, 8)), (9, (9,))])
def test_replicates_that_all_have_are_the_first_look(
    replicates: int, expected: tuple[int, ...]
) -> None:
    """More than one of each value are looked at before any other is asked for."""
    search = replace(SEARCH, replicates=replicates)
    assert search.rule is not None
    assert search.rule.looks == expected
    assert search.most_replicates == expected[-1]
    wanted = [min(each.values()) for each in looks(follow(search))]
    assert all(each in expected[1:] for each in wanted)


def test_a_budget_cuts_it_short() -> None:
    """No look is taken that would need more runs in all, those after the race included."""
    search = replace(SEARCH, tolerance=0.0, runs_at_most=26)
    progress = follow(search)
    trials = {trial.id for stage in progress.stages for trial in stage.trials}
    assert len(trials) <= 26
    assert len(looks(progress)) == 1
    assert "more than --runs-at-most 26 allows" in "".join(s.reason for s in progress.stages)
    long = follow(replace(SEARCH, tolerance=0.0))
    assert progress.stages[:3] == long.stages[:3]


def test_minutes_are_those_that_results_say() -> None:
    """A replay decides as the study did, since times are kept with results."""
    seconds = result(replace(MANY, lam=1e-2), 0.5).seconds
    search = replace(SEARCH, tolerance=0.0, minutes=30 * seconds / 60)
    assert looks(follow(search)) == looks(follow(replace(search, minutes=None, runs_at_most=30)))
    assert [s.name for s in follow(search).stages] == [s.name for s in follow(search).stages]


def test_a_race_is_replayed_as_it_was() -> None:
    """A plan that is told one outcome after the other asks for the same stages."""
    search = replace(SEARCH, tolerance=0.0)
    whole, train = follow(search), noisy(hill)
    known: dict[str, Outcome] = {}
    progress = replay(search.plan(MANY), lambda trial: known.get(trial.id))
    while progress.choice is None:
        for trial in progress.stages[-1].trials:
            known.setdefault(trial.id, train(trial))
        progress = replay(search.plan(MANY), lambda trial: known.get(trial.id))
    assert progress.stages == whole.stages


def test_the_outline_bounds_what_a_race_takes() -> None:
    """At least the grids and what follows; at most every value at the last look."""
    for tolerance in (0.2, 0.0):
        search = replace(SEARCH, tolerance=tolerance)
        progress = follow(search)
        trials = {trial.id for stage in progress.stages for trial in stage.trials}
        parts = search.outline()
        least = sum(part.trials if part.least is None else part.least for part in parts)
        most = sum(part.trials if part.most is None else part.most for part in parts)
        assert (least, most) == (6 + 3, 6 * 8 + 3)
        assert least <= len(trials) <= most
        assert {stage.name for stage in progress.stages} <= {part.name for part in parts}
    assert sum(part.most or 0 for part in replace(SEARCH, runs_at_most=30).outline()) == 30 - 9


def test_the_race_of_a_plan_can_be_asked_for() -> None:
    """What a report says of it is worked out from outcomes as the plan did."""
    train, search = noisy(hill), replace(SEARCH, tolerance=0.0)
    tried = [
        train(trial)
        for stage in follow(search).stages
        if stage.role.chooses
        for trial in stage.trials
    ]
    found = search.race_of(tried)
    assert found.ending in (Ending.ONE_LEFT, Ending.IMAGES, Ending.REPLICATES)
    assert found.spent == len({outcome.trial.id for outcome in tried})


def test_what_more_would_cost_is_in_runs_minutes_and_images() -> None:
    """Of a race that did not end alike: seeds with their time, or images, whichever would do."""
    train, search = noisy(hill, 0.02), replace(SEARCH, race=(2, 3), tolerance=1e-3)
    tried = [
        train(trial)
        for stage in replay(search.plan(MANY), train).stages
        if stage.role.chooses
        for trial in stage.trials
    ]
    race = search.race_of(tried)
    found = endings.needed(race, seconds=30.0)
    assert race.last is not None
    assert found.replicates is not None
    runs = (found.replicates - race.last.runs) * len(race.left)
    assert found.seconds == pytest.approx(30.0 * runs)
    text = endings.more(search, race, replace(found, images=12_000))
    assert f"about {found.replicates} runs of each of the {len(race.left)} that are left" in text
    assert f"({runs / 2:,.0f} minutes more of training, on one core)" in text
    assert "or about 12,000 validation images" in text
    assert "(50 seconds more" in endings.more(search, race, replace(found, seconds=50.0))
