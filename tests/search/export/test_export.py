"""A study in other tools, read back by each tool's own reader."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import optuna
import pandas as pd
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from kbn.errors import InputError
from search import CoarseFine, Study, run
from search.export.contents import Contents
from search.export.export import export
from search.records import State, StudyRecord, TrialRecord
from search.space.vary import vary
from tests.search.studies import SMALL, TRIALS


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Return a small λ search that ran through."""
    return run(SMALL, out=tmp_path_factory.mktemp("runs"), name="s", serial=True, quiet=True)


def changed(record: StudyRecord, **states: State) -> StudyRecord:
    """Return a study in which trials, named by `trial_N`, came to other ends."""

    def end(each: TrialRecord) -> TrialRecord:
        state = states.get(f"trial_{each.number}", each.state)
        if state is State.WAITING:
            return replace(each, state=state, result=None, history=(), attempts=())
        return replace(each, state=state)

    return replace(record, trials=tuple(map(end, record.trials)))


def test_optuna_loads_the_study(study: Study, tmp_path: Path) -> None:
    """Numbers, values, ranges, states, a value an epoch, and what else is known."""
    path = export(
        changed(study.record, trial_1=State.DIVERGED, trial_2=State.WAITING),
        "optuna",
        tmp_path / "optuna.db",
    )
    loaded = optuna.load_study(study_name="s", storage=f"sqlite:///{path}")
    assert loaded.direction is optuna.study.StudyDirection.MAXIMIZE
    assert loaded.user_attrs["command"] == study.record.command
    states = [each.state.name for each in loaded.trials]
    assert states == ["COMPLETE", "FAIL", "WAITING", "COMPLETE"]
    first, kept = loaded.trials[0], study.record.trials[0]
    assert kept.result is not None
    assert kept.result.validation is not None
    assert first.value == kept.result.validation.accuracy
    assert first.params == {"lam": 1e-3}
    assert first.distributions["lam"] == optuna.distributions.FloatDistribution(
        1e-3, 1e-2, log=True
    )
    assert first.intermediate_values == {
        epoch.epoch: epoch.validation_accuracy for epoch in kept.history
    }
    assert first.user_attrs["trial_id"] == kept.trial.id
    assert first.user_attrs["hidden"] == "8"
    assert first.duration is not None
    assert first.duration.total_seconds() == pytest.approx(kept.result.seconds, abs=1e-5)
    assert loaded.trials[-1].user_attrs["test_accuracy"] > 0
    assert loaded.ask().params == {}  # the one that waits; it is handed what waits
    assert loaded.trials[2].system_attrs["fixed_params"] == {"lam": 5e-3}


def test_axes_of_every_kind_are_ranges(tmp_path: Path) -> None:
    """Widths are choices, whole numbers whole, rates on a log scale, as Optuna has them."""
    space = {
        "hidden": "8/8,8",
        "batch_size": "50,100",
        "eta_max": "0.01,0.1",
        "batch_norm": "yes,no",
    }
    spec = CoarseFine(
        **{
            name: getattr(SMALL, name)
            for name in ("data", "cycle", "epochs", "final_epochs", "replicate_top", "fresh")
        },
        vary=vary("--vary", space),
    )
    record = run(spec, out=tmp_path, name="several", serial=True, quiet=True).record
    storage = f"sqlite:///{export(record, 'optuna')}"
    (found,) = optuna.study.get_all_study_names(storage)
    best = optuna.load_study(study_name=found, storage=storage).best_trial
    kinds = optuna.distributions
    assert best.distributions["hidden"] == kinds.CategoricalDistribution(["8", "8-8"])
    assert best.distributions["batch_norm"] == kinds.CategoricalDistribution([False, True])
    assert isinstance(best.distributions["batch_size"], kinds.IntDistribution)
    eta = best.distributions["eta_max"]
    assert isinstance(eta, kinds.FloatDistribution)
    assert eta.log
    assert eta.low <= 0.01
    assert eta.high >= 0.1


def test_zero_has_no_place_on_a_log_range(study: Study, tmp_path: Path) -> None:
    """A trial of λ = 0 has no such parameter, but says it; the others keep their log range."""
    first = study.record.trials[0]
    zero = replace(first, trial=replace(first.trial, lam=0.0))
    record = replace(study.record, trials=(zero, *study.record.trials[1:]))
    storage = f"sqlite:///{export(record, 'optuna', tmp_path / 'optuna.db')}"
    without, *others = optuna.load_study(study_name="s", storage=storage).trials
    assert (without.params, without.user_attrs["lam"]) == ({}, 0.0)
    assert without.state is optuna.trial.TrialState.COMPLETE
    ranges = {each.distributions["lam"] for each in others}
    assert ranges == {optuna.distributions.FloatDistribution(5e-3, 1e-2, log=True)}
    assert all("lam" not in each.user_attrs for each in others)
    assert Contents(record).params(zero) == {"lam": 0.0}


def test_a_store_is_shared_and_never_written_twice(study: Study, tmp_path: Path) -> None:
    """Another study joins those that are there; one that is there already is refused."""
    path = tmp_path / "all.db"
    export(study.record, "optuna", path)
    export(replace(study.record, name="t"), "optuna", path)
    names = optuna.study.get_all_study_names(f"sqlite:///{path}")
    assert sorted(names) == ["s", "t"]
    with pytest.raises(InputError, match="holds a study s already"):
        export(study.record, "optuna", path)


def test_tensorboard_reads_the_runs(study: Study, tmp_path: Path) -> None:
    """A run a trial: an epoch's figures as scalars, and what was varied as hyperparameters."""
    path = export(study.record, "tensorboard", tmp_path / "tb")
    runs = sorted(path.iterdir())
    assert [each.name for each in runs][:2] == ["000-coarse-λ=1e-3", "001-coarse-λ=1e-2"]
    assert len(runs) == TRIALS
    for folder, kept in zip(runs, study.record.trials, strict=True):
        reader = EventAccumulator(str(folder))
        reader.Reload()
        curve = reader.Scalars("validation_accuracy")
        assert [each.step for each in curve] == [epoch.epoch for epoch in kept.history]
        assert [each.value for each in curve] == [
            np.float32(epoch.validation_accuracy) for epoch in kept.history
        ]
        held = plugin_data_pb2.HParamsPluginData.FromString(
            reader.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        )
        assert held.session_start_info.hparams["lam"].number_value == kept.trial.lam
    assert reader.Scalars("last/test_accuracy")


def test_csv_files_are_those_of_the_report(study: Study, tmp_path: Path) -> None:
    """The same bytes, in a folder of the user's."""
    path = export(study.record, "csv", tmp_path / "tables")
    assert sorted(each.name for each in path.iterdir()) == [
        *("history.csv", "layers.csv", "trials.csv")
    ]
    for each in path.iterdir():
        assert each.read_bytes() == (study.folder / each.name).read_bytes()
    assert len(pd.read_csv(path / "trials.csv")) == TRIALS


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of SQLAlchemy's, for what MLflow calls
def test_mlflow_reads_the_runs(study: Study, tmp_path: Path) -> None:
    """A parent run with the final model's figures and files; trials nested in it."""
    from mlflow import MlflowClient  # noqa: PLC0415 - it takes seconds

    path = export(changed(study.record, trial_1=State.DIVERGED), "mlflow", tmp_path / "mlflow.db")
    client = MlflowClient(tracking_uri=f"sqlite:///{path}")
    experiment = client.get_experiment_by_name("s")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    (parent,) = (each for each in runs if "mlflow.parentRunId" not in each.data.tags)
    nested = [each for each in runs if each is not parent]
    assert len(nested) == TRIALS
    assert {each.data.tags["mlflow.parentRunId"] for each in nested} == {parent.info.run_id}
    best = study.best
    assert best is not None
    assert best.result is not None
    assert best.result.test is not None
    assert parent.data.metrics["test_accuracy"] == best.result.test.accuracy
    assert parent.data.params == {"lam": str(best.trial.lam)}
    assert {each.path for each in client.list_artifacts(parent.info.run_id)} == {
        *("report.html", "report.json", "model.npz")
    }
    by_name = {each.info.run_name: each for each in nested}
    first, kept = by_name["0 coarse λ=1e-3"], study.record.trials[0]
    curve = client.get_metric_history(first.info.run_id, "validation_loss")
    assert [each.value for each in curve] == [epoch.validation_loss for epoch in kept.history]
    assert first.data.tags["trial_id"] == kept.trial.id
    assert by_name["1 coarse λ=1e-2"].info.status == "FAILED"
    assert math.isclose(first.data.metrics["validation_accuracy"], curve_end(kept))
    with pytest.raises(InputError, match="holds an experiment s already"):
        export(study.record, "mlflow", path)


def curve_end(kept: TrialRecord) -> float:
    """Return a trial's last validation accuracy."""
    return kept.history[-1].validation_accuracy


BAD: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "tool": ("weka", lambda _: None, "choose one of optuna, mlflow, tensorboard, csv"),
    "no store": ("optuna", lambda path: path.write_text("mine" * 300), "cannot be added to"),
    "runs": ("tensorboard", lambda path: path.mkdir(), "name a new folder"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_places(name: str, study: Study, tmp_path: Path) -> None:
    """One line says what is there, and what is there stays."""
    to, prepare, message = BAD[name]
    path = tmp_path / "there"
    prepare(path)
    before = path.read_text() if path.is_file() else None
    with pytest.raises(InputError, match=message):
        export(study.record, to, path)
    assert (path.read_text() if path.is_file() else None) == before
