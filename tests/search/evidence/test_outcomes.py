"""What outcomes say of the best value."""

from __future__ import annotations

import numpy as np
import pytest

from search.evidence.outcomes import candidates, evidence, labelled_right
from search.records import Outcome, State
from search.settings.values import Cycle
from search.space.axis import BATCH_SIZE, ETA_MAX, HIDDEN, LAM, Axis, Value
from search.space.points import Space
from tests.search.builders import LAMBDAS, outcome, result, trial


def test_a_value_that_did_not_complete_is_no_candidate() -> None:
    """One diverged or failed replicate takes its value out, as it does in choosing the winner."""
    found = candidates(
        [
            outcome(1e-3, 0.5),
            outcome(1e-2, 0.6),
            outcome(1e-2, 0.6, replicate=1, state=State.FAILED),
        ],
        LAMBDAS,
    )
    assert [each.point for each in found] == [(1e-3,)]
    assert evidence([outcome(1e-2, 0.6, state=State.FAILED)], LAMBDAS) is None


def test_replicates_are_in_their_own_order() -> None:
    """Whatever the order of arrival, rows are replicates 0, 1, …, so that values stay paired."""
    (found,) = candidates([outcome(1e-2, 0.7, replicate=1), outcome(1e-2, 0.4)], LAMBDAS)
    assert list(found.correct.mean(axis=1)) == pytest.approx([0.4, 0.7])


def test_runs_that_did_not_learn_are_left_out() -> None:
    """The others keep their replicates' numbers; a value with none of them is no candidate."""
    runs = [outcome(1e-2, 0.5, replicate=r)._replace(learned=r != 1) for r in range(3)]
    (found,) = candidates([*runs, outcome(1e-3, 0.1)._replace(learned=False)], LAMBDAS)
    assert (found.point, found.runs, found.replicates) == ((1e-2,), 2, (0, 2))


def test_the_bits_are_the_accuracy() -> None:
    """As many images are marked right as the accuracy says."""
    right = labelled_right(result(trial(), 0.37))
    assert right is not None
    assert (right.sum(), right.size, right.dtype) == (37, 100, np.dtype(bool))


def test_the_order_of_outcomes_does_not_matter() -> None:
    """A replayed study compares as it did when it ran."""
    outcomes = [outcome(lam, 0.5 + lam, replicate=r) for lam in (1e-3, 1e-2, 1e-1) for r in (0, 1)]
    assert evidence(outcomes, LAMBDAS) == evidence(outcomes[::-1], LAMBDAS)


def test_a_comparison_is_worked_out_once() -> None:
    """Plan, replays and report ask for the same one, which takes long where values are many.

    One of other results, or of another seed, is another one.
    """

    def outcomes(seed: int = 0, least: float = 0.5) -> list[Outcome]:
        of = [trial(10.0**-k, seed=seed) for k in range(1, 4)]
        return [Outcome(each, result(each, least + each.lam)) for each in of]

    first = evidence(outcomes(), LAMBDAS)
    assert evidence(outcomes()[::-1], LAMBDAS) is first
    assert evidence(outcomes(seed=1), LAMBDAS) not in (first, None)
    assert evidence(outcomes(least=0.4), LAMBDAS) not in (first, None)


def test_a_small_but_certain_difference_is_told() -> None:
    """Runs that differ on few images, all in favour of one, are told apart; others are not."""
    found = evidence([outcome(1e-3, 0.5), outcome(1e-2, 0.8), outcome(1e-1, 0.79)], LAMBDAS)
    assert found is not None
    assert (found.winner, found.ties) == ((1e-2,), ((1e-1,),))


def test_points_share_seeds_where_weights_and_batches_agree() -> None:
    """λ and η do not change them; widths change the weights, and a batch size the batches."""

    def shared(axis: Axis, values: tuple[Value, ...]) -> bool:
        space = Space((axis,), Cycle(10, "epochs"))
        of = [space.put(trial(), (value,)) for value in values]
        found = evidence([Outcome(each, result(each, 0.5)) for each in of], space)
        assert found is not None
        return found.shares_seeds

    assert shared(LAM, (1e-3, 1e-2))
    assert shared(ETA_MAX, (0.1, 1.0))
    assert not shared(HIDDEN, ((5,), (6,)))
    assert not shared(BATCH_SIZE, (50, 100))
