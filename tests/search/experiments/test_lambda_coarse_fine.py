"""The plan of the λ search, driven with made-up accuracies."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from kbn.errors import InputError
from search.evidence.finalists import Top
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.plan import Progress, replay
from search.records import Outcome, State
from search.settings.values import Cycle
from search.space.narrow import Factors, Zoom
from search.trial import Purpose, Trial
from tests.search.builders import BASE, result

REFERENCE = {
    1e-5: 0.5264, 1e-4: 0.5002, 1e-3: 0.5128, 1e-2: 0.5401, 1e-1: 0.3834,
    4e-3: 0.5150, 8e-3: 0.5413, 2e-2: 0.5239, 4e-2: 0.4135, 8e-2: 0.3653,
}  # fmt: skip


PLAIN = LambdaSearch(lambda_bounds="off", replicate_top="off", fresh=0)
"""The reference's search: two grids and the final model."""


MANY = replace(BASE, validation_size=5_000)
"""Enough images to tell a difference of a few points."""


def peak(at: float, height: float = 0.6) -> Callable[[float], float]:
    """Return accuracies that fall off on either side of a λ, given as its power of ten."""
    return lambda lam: height - abs(math.log10(lam) - at) / 10


def names(progress: Progress) -> list[str]:
    """Return the stages' names."""
    return [stage.name for stage in progress.stages]


def follow(search: LambdaSearch, accuracy: Callable[[float], float]) -> Progress:
    """Run a search's plan to its end on made-up accuracies."""
    return replay(
        search.plan(MANY), lambda trial: Outcome(trial, result(trial, accuracy(trial.lam)))
    )


def test_the_reference_search_is_followed() -> None:
    """On the reference's accuracies the plan takes the reference's decisions."""
    progress = follow(PLAIN, REFERENCE.__getitem__)
    coarse, fine, final = progress.stages
    assert [trial.lam for trial in coarse.trials] == [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]
    assert [trial.lam for trial in fine.trials] == [4e-3, 8e-3, 1e-2, 2e-2, 4e-2, 8e-2]
    assert [trial.lam for trial in final.trials] == [8e-3]
    assert progress.choice is not None
    assert progress.choice.trial == final.trials[0]
    assert "1e-2" in fine.reason
    assert "0.5401" in fine.reason
    assert "8e-3" in final.reason


def test_a_value_of_both_grids_is_one_trial() -> None:
    """The coarse winner, met again on the fine grid, has the same id and is not trained twice."""
    coarse, fine, _ = follow(PLAIN, REFERENCE.__getitem__).stages
    assert len({trial.id for trial in coarse.trials + fine.trials}) == 10


def test_only_the_final_model_opens_the_test_set() -> None:
    """No trial of a grid sees the test set."""
    *grids, final = follow(PLAIN, REFERENCE.__getitem__).stages
    assert not any(trial.with_test for stage in grids for trial in stage.trials)
    assert [trial.with_test for trial in final.trials] == [True]


def test_presets_differ_in_the_final_model_alone() -> None:
    """`standard` ends on a whole cycle, `paper` trains as the reference did."""
    standard, paper = (
        follow(
            LambdaSearch(preset=preset, lambda_bounds="off", replicate_top="off", fresh=0),
            REFERENCE.__getitem__,
        ).stages
        for preset in ("standard", "paper")
    )
    assert standard[:2] == paper[:2]
    assert (standard[2].trials[0].epochs, standard[2].trials[0].alpha) == (30, 0.9)
    assert (paper[2].trials[0].epochs, paper[2].trials[0].alpha) == (32, 0.7)


def test_a_tie_is_told_in_the_decision() -> None:
    """When accuracies tie the larger λ goes on, and the reason says so."""
    _, fine, final = follow(replace(PLAIN, coarse=(1e-3, 1e-2)), lambda _: 0.5).stages
    assert "ties go to the larger λ" in fine.reason
    assert final.trials[0].lam == max(trial.lam for trial in fine.trials)


@pytest.mark.parametrize(("slope", "end"), [(1, "largest"), (-1, "smallest")])
def test_a_winner_on_the_edge_is_warned_of(slope: int, end: str) -> None:
    """Where the search may not go on, a better value may lie beyond, and the report says so."""
    search = replace(PLAIN, preset="paper")
    progress = follow(search, lambda lam: 0.5 + slope * math.log10(lam) / 100)
    (warning,) = (warning for stage in progress.stages for warning in stage.warnings)
    assert f"is the {end} of the values tried" in warning


def test_an_edge_that_the_fine_grid_goes_past_is_none() -> None:
    """The best value of the coarse grid was its largest; the fine grid found one within itself."""
    search = replace(PLAIN, preset="paper", coarse=(1e-4, 1e-3))
    progress = follow(search, peak(math.log10(2e-3)))
    assert progress.choice is not None
    assert progress.choice.trial is not None
    assert progress.choice.trial.lam == 2e-3
    assert not any(stage.warnings for stage in progress.stages)


def test_replicates_are_paired() -> None:
    """Each value has all replicates; a replicate's random streams are the same for every value."""
    coarse, *_ = follow(replace(PLAIN, replicates=2), REFERENCE.__getitem__).stages
    assert [trial.replicate for trial in coarse.trials] == [0, 1] * 5
    first, second, third, _ = (trial.rng(Purpose.WEIGHTS) for trial in coarse.trials[:4])
    assert first.random() == third.random()
    assert second.random() != third.random()


def test_without_a_completed_value_there_is_no_final_model() -> None:
    """When everything diverges the plan ends and says so."""

    def diverged(trial: Trial) -> Outcome:
        return Outcome(trial, result(trial, 0.1, state=State.DIVERGED))

    progress = replay(PLAIN.plan(BASE), diverged)
    assert progress.choice is not None
    assert progress.choice.trial is None
    assert len(progress.stages) == 1


def test_a_replay_stops_where_knowledge_ends() -> None:
    """Nothing is decided before the whole stage is known."""
    search = LambdaSearch()

    def all_but_one(trial: Trial) -> Outcome | None:
        return None if trial.lam == 1e-5 else Outcome(trial, result(trial, 0.5))

    progress = replay(search.plan(BASE), all_but_one)
    assert [stage.name for stage in progress.stages] == ["coarse"]
    assert progress.choice is None


@pytest.mark.parametrize(
    "search",
    [
        LambdaSearch(race="off"),
        PLAIN,
        LambdaSearch(race="off", fine=Zoom(4), replicates=2),
        LambdaSearch(rounds=2, fine=Zoom(4), replicate_top=Top(2, 4), fresh=1),
        LambdaSearch(preset="paper", final_both=True),
    ],
)
def test_the_outline_counts_what_will_be_trained(search: LambdaSearch) -> None:
    """A dry run's numbers are those of the plan that follows, where no edge is the best."""
    progress = follow(search, peak(-2.1))
    new: dict[str, list[Trial]] = {}
    seen: set[str] = set()
    for stage in progress.stages:
        new[stage.name] = [trial for trial in stage.trials if trial.id not in seen]
        seen |= {trial.id for trial in stage.trials}
    outlined: dict[str, int] = {}
    for part in search.outline():
        outlined[part.name] = outlined.get(part.name, 0) + part.trials
        lengths = {trial.epochs for trial in new.get(part.name, [])}
        assert not lengths or part.epochs in lengths
    assert outlined.pop("extend", 0) == 0
    assert outlined == {name: len(trials) for name, trials in new.items()}


def test_a_shorter_cycle_moves_the_ends_of_runs() -> None:
    """Default lengths are whole cycles whatever the cycle."""
    search = LambdaSearch(cycle=Cycle(6, "epochs"))
    assert (search.epochs, search.final_epochs) == (18, 30)
    assert LambdaSearch(cycle=Cycle(50, "epochs")).epochs == 50


def test_zoom_on_one_coarse_value_is_refused_at_once() -> None:
    """The contradiction is found when the specification is made, before any training."""
    with pytest.raises(InputError, match="--coarse"):
        LambdaSearch(coarse=(1e-3,), fine=Zoom(3))


def test_the_final_model_can_end_in_both_ways() -> None:
    """In mid-cycle as the reference did, and on whole cycles, which is the one kept."""
    search = LambdaSearch(preset="paper", final_both=True)
    progress = follow(search, REFERENCE.__getitem__)
    final = progress.stages[-1].trials
    assert [(trial.epochs, trial.alpha) for trial in final] == [(32, 0.7), (30, 0.7)]
    assert all(trial.with_test for trial in final)
    assert progress.choice is not None
    assert progress.choice.trial == final[-1]
    assert [stage.epochs for stage in search.outline()] == [20, 20, 32, 30]
    assert LambdaSearch(final_both=True).final_lengths() == (30,)


# --- edges ----------------------------------------------------------------------------


def test_a_best_value_at_the_end_extends_the_grid() -> None:
    """Outward, one value at a time, until the best is interior; each step says why."""
    progress = follow(LambdaSearch(coarse=(1e-4, 1e-3), lambda_bounds=(1e-7, 10.0)), peak(-1.1))
    assert names(progress)[:4] == ["coarse", "extend", "extend", "extend"]
    assert [stage.trials[0].lam for stage in progress.stages[1:4]] == [1e-2, 1e-1, 1.0]
    assert "1e-3" in progress.stages[1].reason
    assert "largest tried" in progress.stages[1].reason
    assert progress.stages[4].name == "fine"
    assert {trial.lam for trial in progress.stages[4].trials} >= {0.1, 0.2, 0.4, 0.8}
    assert not any(stage.warnings for stage in progress.stages)


def test_a_bound_ends_the_extension_and_is_warned_of() -> None:
    """The bound is tried itself; a best value there may not be the best there is."""
    search = LambdaSearch(coarse=(1e-4, 1e-3), fine=Zoom(2), lambda_bounds=(1e-7, 5e-3))
    progress = follow(search, peak(2))
    assert names(progress)[:2] == ["coarse", "extend"]
    assert progress.stages[1].trials[0].lam == 5e-3
    final = progress.stages[-1]
    assert any("--lambda-bounds" in warning for warning in final.warnings)


def test_an_extension_that_diverges_ends_it() -> None:
    """What cannot be trained is not the best, and the best is interior then."""

    def diverged_above(trial: Trial) -> Outcome:
        state = State.DIVERGED if trial.lam > 0.1 else State.COMPLETED
        return Outcome(trial, result(trial, peak(0)(trial.lam), state=state))

    progress = replay(LambdaSearch().plan(BASE), diverged_above)
    assert names(progress).count("extend") == 1
    assert progress.choice is not None
    assert progress.choice.trial is not None
    assert progress.choice.trial.lam == 0.1


# --- rounds ---------------------------------------------------------------------------


def test_further_rounds_lie_around_the_ties() -> None:
    """Each narrows between the neighbours of what cannot be told from the best."""
    progress = follow(replace(PLAIN, rounds=3, fine=Zoom(3)), peak(-2.2))
    assert names(progress) == ["coarse", "fine", "round 2", "round 3", "final"]
    spans = [
        math.log10(stage.trials[-1].lam / stage.trials[0].lam) for stage in progress.stages[:4]
    ]
    assert spans == sorted(spans, reverse=True)


def test_auto_ends_where_the_data_can_tell_no_more() -> None:
    """A flat top is not searched further, and the decision says why."""
    flat = follow(replace(PLAIN, rounds="auto", fine=Zoom(3)), lambda lam: 0.5)
    assert names(flat) == ["coarse", "fine", "final"]
    assert "There is no round 2" in flat.stages[-1].reason
    assert "cannot be told" in flat.stages[-1].reason
    steep = follow(replace(PLAIN, rounds="auto", fine=Zoom(3)), peak(-2.2, height=0.9))
    assert "round 2" in names(steep)
    assert "There is no round" in steep.stages[-1].reason


# --- replicates and fresh seeds -------------------------------------------------------


def test_the_best_few_are_trained_again() -> None:
    """Without a race three of them, until each has three replicates; the others stay at one."""
    progress = follow(LambdaSearch(race="off"), REFERENCE.__getitem__)
    assert names(progress) == ["coarse", "fine", "replicates", "fresh", "final"]
    again = progress.stages[2]
    assert {trial.lam for trial in again.trials} == {8e-3, 1e-2, 1e-5}
    assert [trial.replicate for trial in again.trials] == [0, 1, 2] * 3
    assert "8e-3 (0.5413)" in again.reason


def test_a_value_that_was_trained_once_cannot_beat_the_replicated() -> None:
    """Where the finalists' luck does not last, one of them is chosen all the same."""

    def accuracy(trial: Trial) -> float:
        return 0.4 if trial.replicate else REFERENCE[trial.lam]

    search = replace(PLAIN, replicate_top=Top(2, 3))
    progress = replay(
        search.plan(BASE), lambda trial: Outcome(trial, result(trial, accuracy(trial)))
    )
    assert progress.choice is not None
    assert progress.choice.trial is not None
    assert progress.choice.trial.lam == 8e-3
    assert "of the 2 values with 3 replicates" in progress.choice.reason


def test_fresh_seeds_took_no_part_in_the_choice() -> None:
    """Their replicates come after all that any value was chosen with."""
    plain = LambdaSearch(race="off")
    for search in (plain, replace(plain, replicates=5), replace(PLAIN, fresh=1)):
        *before, fresh, final = follow(search, REFERENCE.__getitem__).stages
        used = {trial.replicate for stage in before for trial in stage.trials}
        assert fresh.name == "fresh"
        assert min(trial.replicate for trial in fresh.trials) == max(used) + 1
        assert {trial.lam for trial in fresh.trials} == {final.trials[0].lam}
        assert len(fresh.trials) == search.fresh


def test_enough_replicates_need_no_more() -> None:
    """With three or more of every value there is no stage of replicates."""
    search = LambdaSearch(race="off", replicates=3)
    assert "replicates" not in names(follow(search, REFERENCE.__getitem__))


def test_the_paper_preset_trains_everything_once() -> None:
    """As the reference did: no replicates, no fresh seeds, nothing beyond the grids."""
    progress = follow(LambdaSearch(preset="paper"), peak(0))
    assert names(progress) == ["coarse", "fine", "final"]
    assert {trial.replicate for stage in progress.stages for trial in stage.trials} == {0}


def test_the_one_standard_error_choice_can_be_taken() -> None:
    """--select 1se trains the final model with the largest λ within one error of the best."""
    near = {1e-4: 0.50, 1e-3: 0.55, 1e-2: 0.5496, 1e-1: 0.40}  # 2 images of 5,000: a tie
    search = replace(PLAIN, coarse=tuple(near), fine=Factors((1.0,)), select="1se", final_epochs=30)
    progress = follow(search, near.__getitem__)
    assert progress.stages[-1].trials[0].lam == 1e-2
    assert "one standard error" in progress.stages[-1].reason
    assert follow(replace(search, select="best"), near.__getitem__).stages[-1].trials[0].lam == 1e-3
