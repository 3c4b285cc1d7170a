"""The plan of the λ search, driven with made-up accuracies."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from kbn.errors import InputError
from search.lambda_search import LambdaSearch
from search.narrow import Outcome, Zoom
from search.plan import Progress, replay
from search.records import State
from search.trial import Purpose, Trial
from search.values import Cycle
from tests.search.builders import BASE, result

REFERENCE = {
    1e-5: 0.5264, 1e-4: 0.5002, 1e-3: 0.5128, 1e-2: 0.5401, 1e-1: 0.3834,
    4e-3: 0.5150, 8e-3: 0.5413, 2e-2: 0.5239, 4e-2: 0.4135, 8e-2: 0.3653,
}  # fmt: skip


def follow(search: LambdaSearch, accuracy: Callable[[float], float]) -> Progress:
    """Run a search's plan to its end on made-up accuracies."""
    return replay(
        search.plan(BASE), lambda trial: Outcome(trial, result(trial, accuracy(trial.lam)))
    )


def test_the_reference_search_is_followed() -> None:
    """On the reference's accuracies the plan takes the reference's decisions."""
    progress = follow(LambdaSearch(), REFERENCE.__getitem__)
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
    coarse, fine, _ = follow(LambdaSearch(), REFERENCE.__getitem__).stages
    assert len({trial.id for trial in coarse.trials + fine.trials}) == 10


def test_only_the_final_model_opens_the_test_set() -> None:
    """No trial of a grid sees the test set."""
    *grids, final = follow(LambdaSearch(), REFERENCE.__getitem__).stages
    assert not any(trial.with_test for stage in grids for trial in stage.trials)
    assert [trial.with_test for trial in final.trials] == [True]


def test_presets_differ_in_the_final_model_alone() -> None:
    """`standard` ends on a whole cycle, `paper` trains as the reference did."""
    standard, paper = (
        follow(LambdaSearch(preset=preset), REFERENCE.__getitem__).stages
        for preset in ("standard", "paper")
    )
    assert standard[:2] == paper[:2]
    assert (standard[2].trials[0].epochs, standard[2].trials[0].alpha) == (30, 0.9)
    assert (paper[2].trials[0].epochs, paper[2].trials[0].alpha) == (32, 0.7)


def test_a_tie_is_told_in_the_decision() -> None:
    """When accuracies tie the larger λ goes on, and the reason says so."""
    _, fine, final = follow(LambdaSearch(coarse=(1e-3, 1e-2)), lambda _: 0.5).stages
    assert "ties go to the larger λ" in fine.reason
    assert final.trials[0].lam == max(trial.lam for trial in fine.trials)


@pytest.mark.parametrize(("slope", "end"), [(1, "largest"), (-1, "smallest")])
def test_a_winner_on_the_edge_is_warned_of(slope: int, end: str) -> None:
    """A best value at the end of the grid may hide a better one beyond it."""
    _, fine, _ = follow(LambdaSearch(), lambda lam: 0.5 + slope * math.log10(lam) / 100).stages
    assert any(end in warning for warning in fine.warnings)


def test_replicates_are_paired() -> None:
    """Each value has all replicates; a replicate's random streams are the same for every value."""
    coarse, *_ = follow(LambdaSearch(replicates=2), REFERENCE.__getitem__).stages
    assert [trial.replicate for trial in coarse.trials] == [0, 1] * 5
    first, second, third, _ = (trial.rng(Purpose.WEIGHTS) for trial in coarse.trials[:4])
    assert first.random() == third.random()
    assert second.random() != third.random()


def test_without_a_completed_value_there_is_no_final_model() -> None:
    """When everything diverges the plan ends and says so."""

    def diverged(trial: Trial) -> Outcome:
        return Outcome(trial, result(trial, 0.1, state=State.DIVERGED))

    progress = replay(LambdaSearch().plan(BASE), diverged)
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


def test_the_outline_counts_what_will_be_trained() -> None:
    """A dry run's numbers are those of the plan that follows."""
    for search in (LambdaSearch(), LambdaSearch(fine=Zoom(4), replicates=2)):
        progress = follow(search, lambda lam: -abs(math.log10(lam) + 2) / 10 + 0.5)
        seen: set[str] = set()
        for outline, stage in zip(search.outline(), progress.stages, strict=True):
            new = {trial.id for trial in stage.trials} - seen
            seen |= new
            assert (outline.name, outline.trials) == (stage.name, len(new))
            assert {trial.epochs for trial in stage.trials} == {outline.epochs}


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
    """In mid-cycle as the reference did, which is the one kept, and on whole cycles."""
    search = LambdaSearch(preset="paper", final_both=True)
    progress = follow(search, REFERENCE.__getitem__)
    final = progress.stages[-1].trials
    assert [(trial.epochs, trial.alpha) for trial in final] == [(32, 0.7), (30, 0.7)]
    assert all(trial.with_test for trial in final)
    assert progress.choice is not None
    assert progress.choice.trial == final[0]
    assert [stage.epochs for stage in search.outline()] == [20, 20, 32, 30]
    assert LambdaSearch(final_both=True).final_lengths() == (30,)
