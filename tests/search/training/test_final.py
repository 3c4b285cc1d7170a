"""The final model's further images, and its ensemble."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kbn import data
from kbn.errors import InputError
from kbn.inference import predict, predict_proba
from kbn.model import load
from kbn.network import Network
from search import LambdaSearch, Study, run
from search.records import ENSEMBLE_CORRECT, TEST_CORRECT, Result, TrialRecord
from search.store.store import IN_MEMORY, Store
from search.study.final_model import further_networks
from search.study.kept import kept
from search.training.checkpoint import Checkpoint, Start
from search.training.final import split_of
from search.training.problem import prepare
from search.training.trainer import Shared, train_trial, train_trials
from tests.search.studies import SMALL

LAST = replace(SMALL, validation=200, final_validation=40, ensemble=2)


def study(spec: LambdaSearch, out: Path) -> Study:
    """Run a small study."""
    return run(spec, out=out, serial=True, quiet=True)


def final_of(of: Study) -> TrialRecord:
    """Return a study's final trial."""
    assert of.best is not None
    assert of.best.result is not None
    return of.best


@pytest.mark.parametrize("stratified", [True, False])
def test_the_final_model_trains_on_all_but_a_few(*, stratified: bool) -> None:
    """Its images are those of the search and all that validate there but so many; no others."""
    problem = prepare(replace(LAST, stratified=stratified), data_dir=None, say=print)
    split, base = problem.shared.split, problem.base
    (trial,) = replace(LAST, stratified=stratified).final(base, (1e-3,))
    assert (trial.train_size, trial.validation_size) == (base.train_size + 160, 40)
    own = split_of(split, trial)
    assert len(own.y_validation) == 40
    before = np.concatenate([split.X_train, split.X_validation])
    after = np.concatenate([own.X_train, own.X_validation])
    assert sorted(row.tobytes() for row in before) == sorted(row.tobytes() for row in after)
    np.testing.assert_array_equal(own.X_test, split.X_test)
    if stratified:
        shares = np.bincount(split.y_validation) / 5
        assert np.all(np.abs(np.bincount(own.y_validation, minlength=10) - shares) <= 1)


def test_other_trials_see_the_searchs_images() -> None:
    """Whatever else is varied, those of the search have its split."""
    problem = prepare(LAST, data_dir=None, say=print)
    split = problem.shared.split
    assert split_of(split, problem.base) is split


def test_trials_of_the_search_are_what_they_were(tmp_path: Path) -> None:
    """Only the final trial is another one: where both are unused, it is not either."""
    plain = study(replace(LAST, final_validation=None, ensemble=1), tmp_path / "a")
    last = study(LAST, tmp_path / "b")
    ids = [[each.trial.id for each in of.record.trials] for of in (plain, last)]
    assert ids[0][:-1] == ids[1][:-1]
    assert ids[0][-1] != ids[1][-1]
    assert "ensemble" not in final_of(plain).trial.to_json()
    unused = replace(LAST, final_validation=None, ensemble=1).plain()
    assert not {"ensemble", "final_validation"} & unused.keys()


def test_the_report_says_so(tmp_path: Path) -> None:
    """The number of images, the ensemble's accuracy and its interval are in the report."""
    done = study(LAST, tmp_path)
    report = (done.folder / "report.md").read_text()
    final = final_of(done)
    assert final.result is not None
    assert final.result.test is not None
    n, train = final.result.test.n, f"{final.trial.train_size:,}"
    right = np.unpackbits(final.result.arrays[ENSEMBLE_CORRECT], count=n)
    alone = np.unpackbits(final.result.arrays[TEST_CORRECT], count=n)
    assert f"It is trained on {train} images: on those of the search and 160 that" in " ".join(
        report.split()
    )
    assert f"cycle ends, averaged, label {right.mean():.4f}" in " ".join(report.split())
    assert alone.mean() == final.result.test.accuracy
    assert "--final-validation 40 --ensemble 2" in done.record.command


def test_the_file_answers_as_the_ensemble(tmp_path: Path) -> None:
    """`model.npz` holds the networks of the last cycle ends, and gives their mean."""
    done = study(LAST, tmp_path)
    model, digits = load(done.folder / "model.npz"), data.load("digits")
    result = final_of(done).result
    assert result is not None
    assert result.test is not None
    assert len(model.networks) == 2
    right = np.unpackbits(result.arrays[ENSEMBLE_CORRECT], count=result.test.n).astype(bool)
    np.testing.assert_array_equal(model.predict(digits.X_test) == digits.y_test, right)
    each = [
        predict_proba(network, model._standardised(digits.X_test)) for network in model.networks
    ]
    np.testing.assert_allclose(model.predict_proba(digits.X_test), np.mean(each, axis=0), atol=1e-6)
    again = kept(done.folder)
    assert len(further_networks(again)) == 1


@pytest.mark.parametrize("cycles", [2, 3])
def test_members_are_the_networks_at_cycle_ends(cycles: int) -> None:
    """They are those that shorter trainings end with."""
    problem = prepare(replace(LAST, ensemble=cycles), data_dir=None, say=print)
    shared: Shared = problem.shared
    (trial,) = replace(LAST, ensemble=cycles).final(problem.base, (1e-3,))
    *_, result = train_trial(shared, trial)
    assert isinstance(result, Result)
    for k in range(1, cycles):
        shorter = replace(trial, epochs=trial.epochs - cycles + k, ensemble=1)
        *_, alone = train_trial(shared, shorter)
        assert isinstance(alone, Result)
        for name, array in alone.network.items():
            np.testing.assert_array_equal(result.arrays[f"member{k}/{name}"], array)
    assert result.test is not None
    last = predict(Network.from_arrays(result.network), shared.split.X_test)
    assert np.mean(last == shared.split.y_test) == result.test.accuracy


@pytest.mark.parametrize(("size", "every"), [(2, 1), (3, 1), (4, 1), (3, 2)])
def test_an_interrupted_ensemble_goes_on(size: int, every: int) -> None:
    """From each checkpoint the result has equal bytes: earlier cycle ends are in it."""
    problem = prepare(replace(LAST, final_epochs=5, ensemble=size), data_dir=None, say=print)
    shared = replace(problem.shared, checkpoint_cycles=every)
    (trial,) = replace(LAST, final_epochs=5, ensemble=size).final(problem.base, (1e-3,))
    *items, whole = train_trial(shared, trial)
    checkpoints = [item for item in items if isinstance(item, Checkpoint)]
    assert [each.state.epoch for each in checkpoints] == list(range(every, 5, every))
    with Store(IN_MEMORY) as store:
        store.add_trials([trial])
        for each in checkpoints:
            store.keep_checkpoint(trial.id, each)
            kept = store.checkpoint(trial.id)
            assert kept is not None
            assert len(kept.members) == min(each.state.epoch - 1, size - 2)
            *_, (_, again) = train_trials(shared, (Start(trial, kept),))
            assert isinstance(again, Result)
            assert isinstance(whole, Result)
            assert again.arrays.keys() == whole.arrays.keys()
            for name, array in whole.arrays.items():
                np.testing.assert_array_equal(again.arrays[name], array)


def test_an_ensemble_without_checkpoints_has_its_members() -> None:
    """Its cycle ends are looked at all the same, and none is sent."""
    problem = prepare(replace(LAST, ensemble=2), data_dir=None, say=print)
    (trial,) = replace(LAST, ensemble=2).final(problem.base, (1e-3,))
    *items, result = train_trial(replace(problem.shared, checkpoint_cycles=0), trial)
    assert not any(isinstance(item, Checkpoint) for item in items)
    assert isinstance(result, Result)
    assert "member1/W1" in result.arrays


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ensemble": 4}, r"--ensemble 4: the final model's 3 epochs have 3 cycle ends"),
        ({"schedule": "constant"}, r"--ensemble 2: a constant learning rate has no cycles"),
        ({"cycle": "2epochs"}, r"--ensemble 2: .*3 epochs and cycles of 2epochs are no whole"),
        ({"cycle": "20steps"}, r"--ensemble 2: .*are no whole"),
    ],
)
def test_ensembles_that_cannot_be(changed: dict[str, Any], message: str) -> None:
    """What the final training has no cycle ends for is refused when it is asked for."""
    with pytest.raises(InputError, match=message):
        replace(LAST, **changed)


def test_more_images_than_the_search_validates_on(tmp_path: Path) -> None:
    """They would leave none to train on further; nothing is written."""
    with pytest.raises(InputError, match="--final-validation 200: the search validates on 200"):
        study(replace(LAST, final_validation=200), tmp_path)
    assert not list(tmp_path.iterdir())
