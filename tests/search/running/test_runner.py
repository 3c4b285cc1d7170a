"""The runner over a fake pool: order, resumption, failures, shared pools."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster import SerialPool
from kbn.epoch import EpochRecord
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.plan import Choice, Plan, Stage
from search.records import Result, State
from search.running.runner import Notice, run_plans
from search.space.narrow import Factors
from search.store.sealed import sealing
from search.store.store import Store
from search.training.checkpoint import Item, Start
from search.training.packing import packs
from search.trial import Trial
from tests.search.builders import (
    BASE,
    FakePool,
    Trainer,
    checkpoint,
    epoch,
    fake_training,
    result,
    trial,
)

SEARCH = LambdaSearch(
    coarse=(1e-3, 1e-2, 1e-1),
    fine=Factors((0.5, 1.0, 2.0)),
    lambda_bounds="off",
    replicate_top="off",
    fresh=0,
)


def accuracy(lam: float) -> float:
    """Return a made-up accuracy with its peak at 1e-2."""
    return 0.5 - abs(math.log10(lam) + 2) / 10


def run(
    folder: Path,
    *,
    train: Trainer | None = None,
    seed: int = 0,
    interrupt_after: float = np.inf,
    notices: list[Notice] | None = None,
) -> FakePool:
    """Run the search over a fake pool; return the pool."""
    pool = FakePool(
        train or fake_training(accuracy),
        rng=np.random.default_rng(seed),
        interrupt_after=interrupt_after,
    )
    with Store(folder / "study.db") as store:
        run_plans(
            {"lambda": SEARCH.plan(BASE)},
            pool=lambda: pool,
            store=store,
            observe=(notices if notices is not None else []).append,
        )
    return pool


def contents(folder: Path) -> dict[str, tuple[object, ...]]:
    """Return what a store holds of every trial, arrays as bytes."""
    with Store(folder / "study.db") as store:
        held: dict[str, tuple[object, ...]] = {}
        for trial in store.trials():
            result = store.result(trial.id)
            assert result is not None
            arrays = {name: array.tobytes() for name, array in result.arrays.items()}
            plain = (result.state, result.train, result.validation, result.test)
            held[trial.id] = (trial, *plain, arrays, store.history(trial.id))
        return held


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[object, ...]]:
    """Return the contents of a study that ran through."""
    folder = tmp_path_factory.mktemp("whole")
    run(folder)
    return contents(folder)


def test_each_trial_is_trained_once(tmp_path: Path) -> None:
    """Three coarse, two new fine ones, one final; the shared value is not submitted again."""
    pool = run(tmp_path)
    assert len(pool.submitted) == 3 + 2 + 1


@given(st.integers(0, 2**32), st.integers(0, 40))
@settings(max_examples=25)
def test_order_and_interruption_change_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    uninterrupted: dict[str, tuple[object, ...]],
    seed: int,
    interrupt_after: int,
) -> None:
    """Whatever order events come in, and wherever a run is cut off, the store ends equal."""
    folder = tmp_path_factory.mktemp("cut")
    try:
        run(folder, seed=seed, interrupt_after=interrupt_after)
    except KeyboardInterrupt:
        run(folder, seed=seed + 1)
    assert contents(folder) == uninterrupted


def test_a_finished_study_starts_no_pool(tmp_path: Path) -> None:
    """Running again trains nothing: the pool is not even opened."""
    run(tmp_path)

    def no_pool() -> FakePool:
        raise AssertionError

    with Store(tmp_path / "study.db") as store:
        progress = run_plans({"lambda": SEARCH.plan(BASE)}, pool=no_pool, store=store)
    assert progress["lambda"].choice is not None


def test_what_the_store_held_is_told_once_and_as_such(tmp_path: Path) -> None:
    """An observer of a resumed study sees every trial of it; of a finished one, nothing else."""
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, interrupt_after=75)
    with Store(tmp_path / "study.db") as store:
        held = {each.id for each in store.trials() if store.result(each.id)}
    assert 0 < len(held) < 6
    resumed: list[Notice] = []
    run(tmp_path, notices=resumed)
    kept = [notice.trial.id for notice in resumed if notice.kept]
    ended = [notice.trial.id for notice in resumed if notice.state is State.COMPLETED]
    assert sorted(kept) == sorted(held)
    assert len(ended) == len(set(ended)) == 6
    again: list[Notice] = []
    run(tmp_path, notices=again)
    assert sorted(notice.trial.id for notice in again if notice.kept) == sorted(ended)
    assert len(again) == 6


def test_a_stage_that_is_known_whole_is_told_too(tmp_path: Path) -> None:
    """An earlier run that lost a value went on without it: what it trained then is not new."""

    def failing(of: Trial) -> Iterator[EpochRecord | Result]:
        if of.lam == 1e-3:
            raise RuntimeError("no luck")
        yield from fake_training(accuracy)(of)

    run(tmp_path, train=failing)
    notices: list[Notice] = []
    run(tmp_path, notices=notices)
    trained = [each.trial for each in notices if each.result is not None and not each.kept]
    assert [each.lam for each in trained] == [1e-3]
    assert [each.stage for each in notices if each.kept][-1] == "final"
    assert sum(notice.kept for notice in notices) == 5


def test_two_plans_share_a_pool_and_their_trials(tmp_path: Path) -> None:
    """A trial that two plans ask for is trained once, and both plans end."""
    pool = FakePool(fake_training(accuracy), rng=np.random.default_rng(0))
    with Store(tmp_path / "study.db") as store:
        progress = run_plans(
            {"one": SEARCH.plan(BASE), "two": SEARCH.plan(BASE)}, pool=lambda: pool, store=store
        )
    assert len(pool.submitted) == 6
    assert progress["one"].choice == progress["two"].choice


def test_a_failing_trial_is_kept_apart_and_tried_again(tmp_path: Path) -> None:
    """A trial that always raises ends failed, the others finish, and the next run tries it."""

    def failing(of: Trial) -> Iterator[EpochRecord | Result]:
        if of.lam == 1e-1:
            yield epoch(1)
            raise RuntimeError("no luck")
        yield from fake_training(accuracy)(of)

    notices: list[Notice] = []
    run(tmp_path, train=failing, notices=notices)
    (failed,) = (notice for notice in notices if notice.state is State.FAILED)
    assert failed.trial.lam == 1e-1
    assert failed.failure is not None
    assert failed.failure.message == "no luck"
    with Store(tmp_path / "study.db") as store:
        attempts = store.attempts(failed.trial.id)
        assert [attempt.number for attempt in attempts] == [1, 2]
        assert store.result(failed.trial.id) is None
        assert store.history(failed.trial.id) == ()

    again = run(tmp_path)
    assert again.submitted == [failed.trial.id]
    with Store(tmp_path / "study.db") as store:
        assert store.result(failed.trial.id) is not None
        assert [attempt.failure is None for attempt in store.attempts(failed.trial.id)] == [
            False,
            False,
            True,
        ]


def test_a_retried_trial_keeps_one_attempts_epochs(tmp_path: Path) -> None:
    """Epochs of an attempt that failed do not mix with those of the one that succeeded."""
    tries: dict[str, int] = {}

    def once_failing(of: Trial) -> Iterator[EpochRecord | Result]:
        tries[of.id] = tries.get(of.id, 0) + 1
        if tries[of.id] == 1:
            yield epoch(1, accuracy=0.123)
            raise RuntimeError("first try")
        yield from fake_training(accuracy)(of)

    run(tmp_path, train=once_failing)
    with Store(tmp_path / "study.db") as store:
        for trial in store.trials():
            history = store.history(trial.id)
            assert [record.epoch for record in history] == list(range(1, trial.epochs + 1))
            assert all(record.validation_accuracy != 0.123 for record in history)


Stumbling = Callable[[object, tuple[Start, ...]], Iterator[tuple[str, Item]]]


def stumbling(stumbles: dict[str, int], begun: list[tuple[str, int]]) -> Stumbling:
    """Return a task that keeps a checkpoint after two epochs and raises after three, so often."""

    def task(_: object, starts: tuple[Start, ...]) -> Iterator[tuple[str, Item]]:
        for of, kept in starts:
            done = kept.state.epoch if kept else 0
            begun.append((of.id, done))
            for number in range(done + 1, of.epochs + 1):
                yield of.id, epoch(number, accuracy(of.lam))
                if number == 2:
                    yield of.id, checkpoint(2)
                if number == 3 and stumbles.setdefault(of.id, 1):
                    stumbles[of.id] -= 1
                    raise RuntimeError("stumbled")
            yield of.id, result(of, accuracy(of.lam))

    return task


@pytest.mark.parametrize("size", [1, 2])
def test_what_is_tried_again_starts_at_its_checkpoint(tmp_path: Path, size: int) -> None:
    """Alone or in a pack, of which those go on alone that have no result; epochs stay whole.

    Of the epoch that a checkpoint is made after is told once.
    """
    begun: list[tuple[str, int]] = []
    told: list[tuple[str, int]] = []

    def observe(notice: Notice) -> None:
        if notice.record is not None:
            told.append((notice.trial.id, notice.record.epoch))

    with (
        Store(tmp_path / "study.db") as store,
        SerialPool(partial(sealing, stumbling({}, begun)), None) as pool,
    ):
        run_plans(
            {"lambda": SEARCH.plan(BASE)},
            pool=lambda: pool,
            store=store,
            observe=observe,
            packing=lambda trials: [
                tuple(trials[i : i + size]) for i in range(0, len(trials), size)
            ],
        )
        for of in store.trials():
            assert [e.epoch for e in store.history(of.id)] == list(range(1, of.epochs + 1))
            assert store.checkpoint(of.id) is None
            assert (of.id, 2) in begun
            assert told.count((of.id, 2)) == 1


def test_the_next_run_starts_at_checkpoints(tmp_path: Path) -> None:
    """Those that stand level share a pack; whoever has no checkpoint is in another."""
    begun: list[tuple[str, int]] = []
    packed: list[int] = []
    with Store(tmp_path / "study.db") as store:
        with SerialPool(partial(sealing, stumbling({}, begun)), None, retries=0) as pool:
            run_plans({"lambda": SEARCH.plan(BASE)}, pool=lambda: pool, store=store)
        left = [of for of in store.trials() if store.result(of.id) is None]
        assert len(left) == 3
        assert all(store.checkpoint(of.id) is not None for of in left)
        store._db.execute("DELETE FROM checkpoints WHERE trial_id = ?", (left[1].id,))

        def packing(trials: Sequence[Trial]) -> list[tuple[Trial, ...]]:
            packed.append(len(trials))
            return [(trial,) for trial in trials]

        begun.clear()
        steady = {of.id: 0 for of in left}
        with SerialPool(partial(sealing, stumbling(steady, begun)), None) as pool:
            run_plans(
                {"lambda": SEARCH.plan(BASE)}, pool=lambda: pool, store=store, packing=packing
            )
        assert packed[:2] == [2, 1]
        assert begun[:3] == [(left[0].id, 2), (left[2].id, 2), (left[1].id, 0)]
        for of in left:
            assert [e.epoch for e in store.history(of.id)] == list(range(1, of.epochs + 1))


def test_a_checkpoint_may_go_unused(tmp_path: Path) -> None:
    """A worker that cannot use it starts at the first epoch, and the epochs stay whole."""
    begun: list[tuple[str, int]] = []
    task = stumbling({}, begun)

    def elsewhere(shared: object, starts: tuple[Start, ...]) -> Iterator[tuple[str, Item]]:
        return task(shared, tuple(Start(of) for of, _ in starts))

    with (
        Store(tmp_path / "study.db") as store,
        SerialPool(partial(sealing, elsewhere), None) as pool,
    ):
        run_plans({"lambda": SEARCH.plan(BASE)}, pool=lambda: pool, store=store)
        for of in store.trials():
            assert [e.epoch for e in store.history(of.id)] == list(range(1, of.epochs + 1))


def test_observers_hear_of_every_step(tmp_path: Path) -> None:
    """A trial goes from waiting over running, with each epoch, to its end."""
    notices: list[Notice] = []
    run(tmp_path, notices=notices)
    first = notices[0].trial
    heard = [notice for notice in notices if notice.trial == first]
    assert [notice.state for notice in heard] == [
        State.WAITING,
        State.RUNNING,
        *[State.RUNNING] * first.epochs,
        State.COMPLETED,
    ]
    assert [notice.record.epoch for notice in heard if notice.record] == list(
        range(1, first.epochs + 1)
    )


def test_what_a_plan_waits_for_goes_ahead(tmp_path: Path) -> None:
    """Its first stage queues up; later ones, from which more follows, go before what waits."""
    pool = run(tmp_path)
    assert pool.ahead[:3] == [False] * 3
    assert all(pool.ahead[3:])
    assert len(pool.ahead) > 3


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (1, [(3,), (1,), (6,), (5,), (5,), (2,)]),
        (2, [(3,), (1,), (5, 5), (6,), (2,)]),
    ],
)
def test_the_first_plan_goes_first_then_what_takes_long(
    tmp_path: Path, size: int, expected: list[tuple[int, ...]]
) -> None:
    """The others' tasks are sorted by their epochs, a pack's members counted."""

    def plan(*epochs: int) -> Plan:
        asked = tuple(trial(0.1 * k, epochs=epochs) for k, epochs in enumerate(epochs, 1))
        yield Stage("only", asked, reason="asked for")
        return Choice(None, reason="none was to be chosen")

    pool = FakePool(fake_training(accuracy), rng=np.random.default_rng(0))
    with Store(tmp_path / "study.db") as store:
        run_plans(
            {"long chain": plan(1, 3), "other": plan(2, 6, 5, 5)},
            pool=lambda: pool,
            store=store,
            packing=lambda new: packs(new, size=size, slots=1),
        )
        held = {one.id: one.epochs for one in store.trials()}
    order = [tuple(held[key] for key in task.split("+")) for task in pool.submitted]
    assert order == expected


def test_a_run_that_is_to_stop_lets_trials_end_and_starts_no_others(tmp_path: Path) -> None:
    """What had begun is kept whole, what waited has left its name alone; the next run ends."""
    pool = FakePool(fake_training(accuracy), rng=np.random.default_rng(3))
    begun: list[str] = []

    def observe(notice: Notice) -> None:
        if notice.state is State.RUNNING and notice.trial.id not in begun:
            begun.append(notice.trial.id)

    with Store(tmp_path / "study.db") as store:
        with pytest.raises(KeyboardInterrupt):
            run_plans(
                {"search": SEARCH.plan(BASE)},
                pool=lambda: pool,
                store=store,
                observe=observe,
                stop=lambda: len(begun) == 2,
            )
        asked = store.trials()
        assert len(asked) == 3
        assert [t.id for t in asked if store.result(t.id)] == [t.id for t in asked if t.id in begun]
        assert len(begun) == 2
        assert not pool.busy
        rest = FakePool(fake_training(accuracy), rng=np.random.default_rng(3))
        run_plans({"search": SEARCH.plan(BASE)}, pool=lambda: rest, store=store)
        assert set(begun).isdisjoint(rest.submitted)


def test_a_run_that_is_to_stop_at_its_last_trial_has_ended(tmp_path: Path) -> None:
    """There is nothing left that it could leave out."""
    pool = FakePool(fake_training(accuracy), rng=np.random.default_rng(3))
    roles: list[str] = []
    with Store(tmp_path / "study.db") as store:
        found = run_plans(
            {"search": SEARCH.plan(BASE)},
            pool=lambda: pool,
            store=store,
            observe=lambda notice: roles.append(notice.stage),
            stop=lambda: roles.count("final") >= 2,
        )
    assert found["search"].choice
