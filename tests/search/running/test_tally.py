"""How far a study is: what is counted, what is expected, and the time left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.experiments.lambda_coarse_fine import LambdaSearch
from search.records import Failure, State
from search.running.runner import Notice, run_plans
from search.running.tally import Tally, to_come
from search.settings.spec import StageOutline
from search.space.narrow import Factors
from search.store.store import Store
from search.trial import Trial
from tests.search.builders import BASE, FakePool, by_lam, epoch, fake_training, result, trial

COARSE = StageOutline("coarse", 2, 4, "two values of λ")
FINE = StageOutline("fine", 3, 4, "three values around the winner")
FINAL = StageOutline("final", 1, 10, "the chosen λ")
FIRST, SECOND, THIRD = trial(1e-3), trial(1e-2), trial(1e-1)
LOST = Failure("WorkerCrashedError", "the worker died", "", lost=True)


class Clock:
    """Seconds that pass when they are told to."""

    now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def notice(of: Trial, state: State, *, stage: str = "coarse", **what: Any) -> Notice:
    """Return a notice."""
    return Notice(of, stage, by_lam(of), state, **what)


def ended(of: Trial, *, stage: str = "coarse", kept: bool = False) -> Notice:
    """Return a notice of a result."""
    return notice(of, State.COMPLETED, stage=stage, result=result(of, 0.5), kept=kept)


def counts(tally: Tally) -> tuple[int, int, int, int]:
    """Return trials and epochs, each ended and expected."""
    return tally.trials_ended, tally.trials, tally.epochs_ended, tally.epochs


def test_the_outline_is_expected_until_more_is_known() -> None:
    """Trials that were asked for, and the stages of the outline that are still to come."""
    tally = Tally([[COARSE, FINE, FINAL]])
    assert counts(tally) == (0, 6, 0, 30)
    for of in (FIRST, SECOND, THIRD):  # one more than the outline said
        tally(notice(of, State.WAITING))
    assert counts(tally) == (0, 7, 0, 34)
    tally(notice(FIRST, State.RUNNING, record=epoch(1)))
    assert counts(tally) == (0, 7, 1, 34)
    tally(ended(FIRST))
    assert counts(tally) == (1, 7, 4, 34)
    tally(notice(trial(2e-2, epochs=10), State.WAITING, stage="final"))  # no fine grid, after all
    assert counts(tally) == (1, 4, 4, 22)


def test_what_ended_need_not_be_waited_for() -> None:
    """A trial that diverged early or failed for good counts whole; one to be tried again not."""
    tally = Tally([[COARSE]])
    tally(notice(FIRST, State.RUNNING, record=epoch(2)))
    tally(notice(FIRST, State.WAITING, failure=LOST))
    assert counts(tally) == (0, 1, 0, 4)
    tally(notice(FIRST, State.FAILED, failure=LOST))
    tally(notice(SECOND, State.RUNNING, record=epoch(1)))
    diverged = result(SECOND, 0.5, state=State.DIVERGED)
    tally(notice(SECOND, State.DIVERGED, result=diverged))
    assert counts(tally) == (2, 2, 8, 8)
    assert tally.seconds_left == 0.0


def test_stages_to_come_lie_behind_the_last_that_was_asked_for() -> None:
    """Stages that a plan passed over are expected no more; names of its own change nothing."""
    outline = (COARSE, FINE, FINAL)
    assert to_come(outline, set()) == outline
    assert to_come(outline, {"coarse"}) == (FINE, FINAL)
    assert to_come(outline, {"coarse", "round 2", "fine"}) == (FINAL,)
    assert to_come(outline, {"final"}) == ()
    assert to_come((COARSE, FINAL, FINAL), {"final"}) == ()


@given(st.integers(0, 2**32), st.integers(0, 40))
@settings(max_examples=25)
def test_every_run_of_a_study_comes_to_its_end(
    tmp_path_factory: pytest.TempPathFactory, seed: int, interrupt_after: int
) -> None:
    """Interrupted and resumed, finished and run again: all that was expected has ended."""
    search = LambdaSearch(
        coarse=(1e-3, 1e-2, 1e-1), fine=Factors((0.5, 1.0, 2.0)), replicate_top="off", fresh=0
    )

    def run(**how: Any) -> Tally:
        tally = Tally([search.outline()])
        pool = FakePool(fake_training(lambda lam: min(lam, 0.9)), **how)
        with Store(folder / "study.db") as store:
            run_plans({"lambda": search.plan(BASE)}, pool=lambda: pool, store=store, observe=tally)
        return tally

    folder: Path = tmp_path_factory.mktemp("cut")
    interrupted = False
    try:
        run(rng=np.random.default_rng(seed), interrupt_after=interrupt_after)
    except KeyboardInterrupt:
        interrupted = True
    resumed = counts(run(rng=np.random.default_rng(seed + interrupted)))
    assert resumed == counts(run(rng=np.random.default_rng(seed)))
    trials, expected, epochs, expected_epochs = resumed
    assert trials == expected > search.outline()[0].trials
    assert epochs == expected_epochs


def test_the_time_left_follows_the_pace() -> None:
    """Nothing before the first epoch; then epochs left at the pace since the first trial began."""
    clock = Clock()
    tally = Tally([[COARSE, FINE, FINAL]], clock=clock)
    for of in (FIRST, SECOND):
        tally(notice(of, State.WAITING))
    clock.now += 60.0  # for a worker
    tally(notice(FIRST, State.RUNNING))
    assert tally.seconds_left is None
    for number in (1, 2):
        clock.now += 5.0
        tally(notice(FIRST, State.RUNNING, record=epoch(number)))
    assert tally.seconds_left == pytest.approx(28 * 5.0)
    clock.now += 10.0  # no news for a while
    assert tally.seconds_left == pytest.approx(28 * 10.0)


def test_only_what_this_run_trains_makes_its_pace() -> None:
    """What the store held, and the epochs before a checkpoint, took none of its time."""
    clock = Clock()
    tally = Tally([[COARSE, FINAL]], clock=clock)
    tally(ended(FIRST, kept=True))
    tally(notice(SECOND, State.WAITING))
    tally(notice(SECOND, State.RUNNING))
    clock.now += 7.0
    tally(notice(SECOND, State.RUNNING, record=epoch(3)))  # after a checkpoint at two
    assert counts(tally) == (1, 3, 7, 18)
    assert tally.seconds_left == pytest.approx(11 * 7.0)


def test_many_cores_do_not_shorten_what_follows_each_other() -> None:
    """A final model of ten epochs takes ten times what an epoch takes, whatever ran before it."""
    clock = Clock()
    tally = Tally([[COARSE, FINAL]], clock=clock)
    many = [trial(10.0**-k) for k in range(1, 41)]
    for of in many:
        tally(notice(of, State.RUNNING))
    clock.now += 2.0
    for of in many:
        tally(notice(of, State.RUNNING, record=epoch(4)))
        tally(ended(of))
    assert epoch(4).seconds > 0
    assert tally.seconds_left == pytest.approx(10 * epoch(4).seconds)
