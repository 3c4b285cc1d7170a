"""Who won, on made-up outcomes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.evidence.scores import best, standing
from search.records import State
from search.space.points import only
from tests.search.builders import LAMBDAS, outcome

GRID = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)


def test_ties_go_to_the_larger_lambda() -> None:
    """Of equal accuracies the larger λ wins, and the others are named."""
    winner = best([outcome(1e-3, 0.5), outcome(1e-1, 0.4), outcome(1e-2, 0.5)], LAMBDAS)
    assert winner is not None
    assert (winner.point, winner.tied_with) == ((1e-2,), ((1e-3,),))


@given(st.dictionaries(st.sampled_from(GRID), st.floats(0, 1), min_size=1))
def test_the_winner_has_the_highest_accuracy(figures: dict[float, float]) -> None:
    """No other value is better than the winner, whatever the order of results."""
    forward = best([outcome(lam, accuracy) for lam, accuracy in figures.items()], LAMBDAS)
    backward = best(
        [outcome(lam, accuracy) for lam, accuracy in reversed(figures.items())], LAMBDAS
    )
    assert forward == backward
    assert forward is not None
    assert forward.accuracy == figures[only(forward.point)] == max(figures.values())


def test_the_mean_over_replicates_decides() -> None:
    """One lucky replicate does not outweigh a better mean."""
    outcomes = [
        outcome(1e-3, 0.50),
        outcome(1e-3, 0.60, replicate=1),
        outcome(1e-2, 0.62),
        outcome(1e-2, 0.40, replicate=1),
    ]
    winner = best(outcomes, LAMBDAS)
    assert winner is not None
    assert winner.point == (1e-3,)
    assert winner.accuracy == pytest.approx(0.55)


def test_a_trial_of_two_stages_counts_once() -> None:
    """A value that is in both grids is one trial, not two replicates."""
    (score,) = standing([outcome(1e-2, 0.5), outcome(1e-2, 0.5)], LAMBDAS).scores
    assert score.accuracies == (0.5,)


def test_a_run_that_did_not_learn_is_left_out() -> None:
    """A value is judged by its other runs, and is as well placed as those with as many seeds."""
    stuck = outcome(1e-2, 0.1)._replace(learned=False)
    known = standing(
        [
            *(stuck, outcome(1e-2, 0.6, replicate=1)),
            *(outcome(1e-3, 0.5), outcome(1e-3, 0.5, replicate=1)),
        ],
        LAMBDAS,
    )
    assert known.best.point == (1e-2,)
    assert known.best.accuracy == pytest.approx(0.6)
    assert [(each.runs, each.unlearned) for each in known.scores] == [(2, 0), (2, 1)]


def test_what_never_learns_cannot_win() -> None:
    """Where others learned; where none did, the best of them is chosen as ever."""
    stuck = outcome(1e-2, 0.1)._replace(learned=False)
    found = best([stuck, outcome(1e-3, 0.2)], LAMBDAS)
    assert found is not None
    assert found.point == (1e-3,)
    alone = best([stuck], LAMBDAS)
    assert alone is not None
    assert alone.point == (1e-2,)


@pytest.mark.parametrize("state", [State.DIVERGED, State.FAILED])
def test_a_run_that_did_not_complete_rules_its_value_out(state: State) -> None:
    """A diverged or failed replicate keeps its λ from winning, however good the others are."""
    winner = best(
        [outcome(1e-2, 0.9), outcome(1e-2, 0.9, replicate=1, state=state), outcome(1e-3, 0.3)],
        LAMBDAS,
    )
    assert winner is not None
    assert winner.point == (1e-3,)
    assert best([outcome(1e-2, 0.9, state=state)], LAMBDAS) is None
