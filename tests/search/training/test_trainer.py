"""The task that trains a trial: real training on a small set."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from kbn.epoch import EpochRecord
from kbn.inference import predict
from kbn.network import Network
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.records import (
    LOSSES,
    TEST_CORRECT,
    TRAIN_FALL,
    VALIDATION_LOSSES,
    Result,
    State,
)
from search.settings.values import Cycle
from search.training.checkpoint import Checkpoint, Start
from search.training.packing import can_share
from search.training.problem import Problem, prepare
from search.training.trainer import Shared, train_trial, train_trials
from search.trial import Trial


@pytest.fixture(scope="module")
def problem() -> Problem:
    """Return the digits with a small network."""
    spec = LambdaSearch(data="digits", hidden=(8,), epochs=3, cycle=Cycle(3, "epochs"))
    return prepare(spec, data_dir=None, say=lambda _: None)


def run(problem: Problem, trial: Trial) -> tuple[list[EpochRecord], Result]:
    """Train a trial; return its records and its result."""
    *records, result = train_trial(problem.shared, trial)
    assert isinstance(result, Result)
    return [record for record in records if isinstance(record, EpochRecord)], result


def test_records_come_first_and_the_result_last(problem: Problem) -> None:
    """A trial gives a record an epoch, then its result, with the last epoch's figures."""
    trial = replace(problem.base, lam=1e-3)
    records, result = run(problem, trial)
    assert [record.epoch for record in records] == [1, 2, 3]
    assert (result.trial_id, result.state, result.epochs) == (trial.id, State.COMPLETED, 3)
    assert result.validation is not None
    assert result.validation.accuracy == records[-1].validation_accuracy
    assert result.validation.n == problem.record.validation_size
    assert result.test is None


def test_which_images_were_right_is_kept(problem: Problem) -> None:
    """The kept bits are as many as validation images, and their share is the accuracy."""
    _, result = run(problem, replace(problem.base, lam=1e-3))
    n = problem.record.validation_size
    bits = np.unpackbits(result.arrays["validation_correct"])[:n]
    assert result.validation is not None
    assert bits.mean() == result.validation.accuracy


def test_chance_is_the_largest_share_of_the_images_measured() -> None:
    """On a random split some class is more frequent among them than the one most so in training."""
    spec = LambdaSearch(data="digits", hidden=(8,), epochs=3, cycle=Cycle(3, "epochs"))
    for seed in range(20):
        made = prepare(replace(spec, seed=seed), data_dir=None, say=lambda _: None)
        counts = np.bincount(made.shared.split.y_validation)
        assert made.record.chance == counts.max() / made.record.validation_size


def test_the_final_model_keeps_its_network_and_opens_the_test_set(problem: Problem) -> None:
    """Test figures, confusion matrix and weights belong together."""
    _, result = run(problem, replace(problem.base, lam=1e-3, with_test=True))
    network = Network.from_arrays(result.network)
    split = problem.shared.split
    accuracy = np.mean(predict(network, split.X_test) == split.y_test)
    confusion = result.arrays["confusion"]
    assert result.test is not None
    assert result.test.accuracy == accuracy
    assert confusion.sum() == len(split.y_test)
    assert np.trace(confusion) == round(accuracy * len(split.y_test))
    marks = np.unpackbits(result.arrays[TEST_CORRECT], count=len(split.y_test))
    np.testing.assert_array_equal(marks, predict(network, split.X_test) == split.y_test)


def test_equal_trials_give_equal_bytes(problem: Problem) -> None:
    """Training twice gives the same records and arrays; another replicate others."""
    trial = replace(problem.base, lam=1e-3, with_test=True)
    (first, one), (second, two) = run(problem, trial), run(problem, trial)
    for a, b in zip(first, second, strict=True):
        assert replace(a, seconds=0.0) == replace(b, seconds=0.0)
    assert {k: v.tobytes() for k, v in one.arrays.items()} == {
        k: v.tobytes() for k, v in two.arrays.items()
    }
    _, other = run(problem, replace(trial, replicate=1))
    assert other.arrays["network/W1"].tobytes() != one.arrays["network/W1"].tobytes()


def test_lambda_alone_does_not_change_the_start(problem: Problem) -> None:
    """With a vanishing learning rate two values of λ give the same network: paired seeds."""
    slow = replace(problem.base, eta_min=1e-300, eta_max=1e-300, with_test=True, epochs=1)
    (_, one), (_, two) = (run(problem, replace(slow, lam=lam)) for lam in (1e-5, 1e-1))
    assert one.arrays["network/W1"].tobytes() == two.arrays["network/W1"].tobytes()


def test_a_diverging_run_is_a_result(problem: Problem) -> None:
    """A cost that is not finite ends the run with its state and no figures of that epoch."""
    records, result = run(
        problem, replace(problem.base, lam=1e-3, eta_min=1e30, eta_max=1e30, with_test=True)
    )
    assert result.state is State.DIVERGED
    assert result.epochs == len(records) == 0
    assert result.validation is None
    assert result.test is None
    assert not result.arrays


def test_one_blas_thread_and_then_as_before(problem: Problem) -> None:
    """A trial trains with one BLAS thread whatever the process had, and gives it back."""
    before = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    training = train_trial(problem.shared, replace(problem.base, lam=1e-3))
    next(training)
    during = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    *_, result = training
    assert isinstance(result, Result)
    after = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert set(during) == {1}
    assert result.environment.blas_threads == 1
    assert after == before


# Checkpoints


def every_epoch(problem: Problem) -> tuple[Shared, Trial]:
    """Return what workers share when each epoch is a cycle, and a trial of four."""
    cycle = problem.base.train_size // problem.base.batch_size
    shared = replace(problem.shared, checkpoint_cycles=1)
    return shared, replace(problem.base, epochs=4, cycle_steps=cycle, with_test=True)


def without_times(item: Any) -> Any:
    """Return a record or result without what differs from run to run, arrays as bytes."""
    if not isinstance(item, Result):
        return replace(item, seconds=0.0)
    arrays = {name: array.tobytes() for name, array in item.arrays.items()}
    return {**vars(item), "seconds": 0.0, "arrays": arrays}


def test_a_trial_goes_on_from_its_checkpoints(problem: Problem) -> None:
    """From each of them the rest of the records and the result are equal, bytes included."""
    shared, base = every_epoch(problem)
    trials = (replace(base, lam=1e-3), replace(base, lam=1e-1))
    whole = list(train_trials(shared, tuple(map(Start, trials))))
    ends = {key: item for key, item in whole if isinstance(item, Result)}
    for epoch in (1, 2, 3):
        starts = tuple(
            Start(trial, item)
            for trial in trials
            for key, item in whole
            if key == trial.id and isinstance(item, Checkpoint) and item.state.epoch == epoch
        )
        assert len(starts) == 2
        for begun in (starts, starts[:1]):
            *items, _ = resumed = list(train_trials(shared, begun))
            records = [item.epoch for _, item in items if isinstance(item, EpochRecord)]
            assert min(records) == epoch + 1
            for key, item in resumed:
                if isinstance(item, Result):
                    assert without_times(item) == without_times(ends[key])
                    assert item.seconds > max(c.seconds for _, c in begun if c)


def test_no_checkpoint_is_made_unasked_nor_at_the_end(problem: Problem) -> None:
    """Every second cycle; and after the last epoch there is nothing to go on with."""
    shared, trial = every_epoch(problem)
    for cycles, expected in ((0, []), (1, [1, 2, 3]), (2, [2]), (3, [3]), (4, [])):
        items = train_trials(replace(shared, checkpoint_cycles=cycles), (Start(trial),))
        made = [item.state.epoch for _, item in items if isinstance(item, Checkpoint)]
        assert made == expected


def test_a_checkpoint_of_another_environment_is_not_used(problem: Problem) -> None:
    """A result is of one BLAS and CPU: the trial starts anew. Hosts and Ray do not matter."""
    shared, trial = every_epoch(problem)
    items = [item for _, item in train_trials(shared, (Start(trial),))]
    made = next(item for item in items if isinstance(item, Checkpoint))
    cpu = replace(made.environment, cpu="another")
    host = replace(made.environment, host="another", ray="2.0")
    for there, first in ((cpu, 1), (host, 2)):
        start = Start(trial, replace(made, environment=there))
        again = [item for _, item in train_trials(shared, (start,))]
        assert isinstance(again[0], EpochRecord)
        assert again[0].epoch == first
        assert without_times(again[-1]) == without_times(items[-1])


# The losses of single images


def test_losses_are_kept_where_they_are_asked_for(problem: Problem) -> None:
    """Half precision of the validation images' last losses, and of how training ones fell."""
    shared, base = every_epoch(problem)
    trial = replace(base, lam=1e-3)
    (bare,), (whole,) = (
        [each for each in train_trial(one, trial) if isinstance(each, Result)]
        for one in (shared, replace(shared, losses=True))
    )
    assert not set(LOSSES) & set(bare.arrays)
    assert set(whole.arrays) == {*bare.arrays, *LOSSES}
    records = [e for e in train_trial(shared, trial) if isinstance(e, EpochRecord)]
    n = problem.record.validation_size
    assert whole.validation is not None
    for name, mean in (
        (VALIDATION_LOSSES, whole.validation.loss),
        (TRAIN_FALL, records[-2].train_loss - records[-1].train_loss),
    ):
        assert whole.arrays[name].dtype == np.float16
        assert whole.arrays[name].shape == (n,)
        assert whole.arrays[name].mean(dtype=float) == pytest.approx(mean, abs=1e-3)
    last = whole.arrays[VALIDATION_LOSSES].astype(float)
    assert last.std() / np.sqrt(n) == pytest.approx(whole.validation.loss_error, rel=1e-3)


def test_losses_are_the_same_after_a_checkpoint(problem: Problem) -> None:
    """Also from the one made at the very epoch that the last is compared with."""
    shared, base = every_epoch(problem)
    shared, trial = replace(shared, losses=True), replace(base, lam=1e-3)
    whole = [item for _, item in train_trials(shared, (Start(trial),))]
    for made in (item for item in whole if isinstance(item, Checkpoint)):
        *_, (_, again) = train_trials(shared, (Start(trial, made),))
        assert set(LOSSES) <= set(again.arrays)  # type: ignore[union-attr]
        assert without_times(again) == without_times(whole[-1])


def test_a_run_without_two_cycles_keeps_its_last_losses_alone(problem: Problem) -> None:
    """There is nothing that the training losses fell from."""
    shared = replace(problem.shared, losses=True)
    *_, result = train_trial(shared, replace(problem.base, lam=1e-3))
    assert isinstance(result, Result)
    assert set(LOSSES) & set(result.arrays) == {VALIDATION_LOSSES}


# Packs


def run_pack(
    problem: Problem, trials: tuple[Trial, ...]
) -> tuple[dict[str, list[EpochRecord]], dict[str, Result]]:
    """Train a pack; return each trial's records and its result, which comes last."""
    records: dict[str, list[EpochRecord]] = {trial.id: [] for trial in trials}
    results: dict[str, Result] = {}
    for key, item in train_trials(problem.shared, tuple(map(Start, trials))):
        assert key not in results
        if isinstance(item, Result):
            results[key] = item
        else:
            assert isinstance(item, EpochRecord)
            records[key].append(item)
    return records, results


def test_a_packed_trial_equals_the_same_trial_alone(problem: Problem) -> None:
    """Records, figures and arrays are equal, bytes included, with one that diverges among them."""
    base = problem.base
    trials = (
        replace(base, lam=1e-3, with_test=True),
        replace(base, lam=1e-1),
        replace(base, lam=1e-2, init="normal", sigma=0.1, with_test=True),
        replace(base, lam=1e-2, eta_min=1e30, eta_max=1e30),
        replace(base, lam=0.0, schedule="cosine", eta_max=0.3, cycle_steps=7),
    )
    assert all(can_share(trials[0], other) for other in trials)
    records, results = run_pack(problem, trials)
    assert results[trials[3].id].state is State.DIVERGED
    for trial in trials:
        alone, result = run(problem, trial)
        packed = results[trial.id]
        for a, b in zip(records[trial.id], alone, strict=True):
            assert replace(a, seconds=0.0) == replace(b, seconds=0.0)
        assert replace(packed, seconds=0.0, arrays={}) == replace(result, seconds=0.0, arrays={})
        assert {k: v.tobytes() for k, v in packed.arrays.items()} == {
            k: v.tobytes() for k, v in result.arrays.items()
        }


def test_shares_add_up_to_the_tasks_time(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each moment of a task is divided among the members under way; nothing is lost or doubled."""
    ticks: list[int] = []

    def clock() -> float:
        ticks.append(len(ticks))
        return float(len(ticks))

    monkeypatch.setattr(time, "perf_counter", clock)
    trials = tuple(replace(problem.base, lam=lam) for lam in (1e-4, 1e-3, 1e-2))
    _, results = run_pack(problem, trials)
    shares = [result.seconds for result in results.values()]
    assert min(shares) > 0
    assert sum(shares) == pytest.approx(ticks[-1] - ticks[0])


@pytest.mark.parametrize(
    ("change", "together"),
    [
        ({"lam": 0.5}, True),
        ({"init": "normal", "sigma": 0.1}, True),
        ({"eta_max": 0.5}, True),
        ({"with_test": True}, True),
        ({"hidden": (9,)}, False),
        ({"batch_norm": False}, False),
        ({"epochs": 4}, False),
        ({"batch_size": 50}, False),
        ({"replicate": 1}, False),
        ({"seed": 1}, False),
        ({"alpha": 0.5}, False),
        ({"fingerprint": "0"}, False),
        ({"train_size": 800}, False),
    ],
)
def test_who_can_share(problem: Problem, change: dict[str, Any], *, together: bool) -> None:
    """Trials share a pack when images, shape, batches and epochs are the same."""
    assert can_share(problem.base, replace(problem.base, **change)) is together
