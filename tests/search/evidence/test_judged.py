"""Which networks learned, and what plans and comparisons make of those that did not."""

from __future__ import annotations

from dataclasses import replace

from search.evidence.judged import compared, informed, judged
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.plan import replay
from search.records import Outcome, State
from search.trial import Trial
from tests.reports.records import DIGITS
from tests.search.builders import BASE, outcome, result


def test_a_run_at_chance_did_not_learn() -> None:
    """One well above it did; one that gave no result is not judged."""
    assert judged(outcome(1e-2, 0.5), DIGITS).learned
    assert not judged(outcome(1e-2, 0.1), DIGITS).learned
    assert judged(outcome(1e-2, 0.1, state=State.FAILED), DIGITS).learned


def test_where_no_network_learned_all_are_compared() -> None:
    """There is nothing better to choose from; one that learned is better than all that did not."""
    none = [judged(outcome(lam, 0.1), DIGITS) for lam in (1e-3, 1e-2)]
    assert all(each.learned for each in compared(none))
    one = judged(outcome(1e-1, 0.5), DIGITS)
    assert [each.learned for each in compared([*none, one])] == [False, False, True]
    gone = one._replace(result=None)
    assert all(each.learned for each in compared([*none, gone]))


def test_a_collapsed_run_does_not_steer_a_search() -> None:
    """A value that did not learn once is one that was not tried: the next best lead the search.

    As a finalist it is compared by the runs whose networks learned; the same stages are asked for
    whoever runs the plan.
    """

    def ending(collapsed: set[tuple[float, int]]) -> tuple[list[tuple[str, list[float]]], float]:
        def lookup(trial: Trial) -> Outcome:
            stuck = (trial.lam, trial.replicate) in collapsed
            good = 0.6 - 0.01 * abs(trial.lam - 1e-2)
            return Outcome(trial, result(trial, 0.1 if stuck else good))

        data = replace(DIGITS, validation_size=5_000)
        base = replace(BASE, validation_size=5_000)
        progress = replay(informed(LambdaSearch().plan(base), data), lookup)
        assert progress.choice is not None
        assert progress.choice.trial is not None
        stages = [(each.name, [t.lam for t in each.trials]) for each in progress.stages]
        return stages, progress.choice.trial.lam

    stages, chosen = ending(set())
    assert chosen == 1e-2
    assert ending({(1e-2, 1)}) == (stages, chosen)
    assert ending({(1e-2, 1), (1e-2, 2)}) == (stages, chosen)
    assert ending({(1e-2, 0)})[1] == 8e-3
