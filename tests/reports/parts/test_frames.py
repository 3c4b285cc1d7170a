"""Records as frames, and as the CSV files that hold them."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from reports.parts.frames import history_frame, layers_frame, trials_frame
from reports.write import Report
from search import Study, run
from search.records import State, StudyRecord
from tests.reports.records import (
    DIVERGED,
    DIVERGED_AT_ONCE,
    FAILED,
    WAITING,
    Ending,
    by_lambda,
    study,
)
from tests.search.conftest import sketches
from tests.search.studies import SMALL

PARTS = [
    f"{part}_{name}" for part in ("train", "validation") for name in ("accuracy", "loss", "cost")
]
TEST = ["test_accuracy", "test_loss", "test_cost"]
TEXT = ("state", "params_hidden", "params_schedule", "experiment", "stage", "trial_id", "host")
WHOLE = (
    "number",
    "params_epochs",
    "params_batch_size",
    "replicate",
    "seed",
    "epochs",
    "attempts",
    "epoch",
    "step",
    "layer",
)
YES_NO = ("params_batch_norm",)


def row(frame: pd.DataFrame, number: int) -> pd.Series:
    """Return the row of a trial."""
    (found,) = [one for _, one in frame.iterrows() if one["number"] == number]
    return found


def test_one_row_a_trial_in_plan_order(any_study: StudyRecord) -> None:
    """Numbers count up from 0 without a gap, whatever came of the trials."""
    frame = trials_frame(any_study)
    assert list(frame["number"]) == list(range(len(any_study.trials)))
    assert list(frame["trial_id"]) == [each.trial.id for each in any_study.trials]
    assert list(frame["state"]) == [each.state for each in any_study.trials]


def test_one_row_an_epoch_in_plan_order(any_study: StudyRecord) -> None:
    """Trials in plan order, within each the epochs from 1 to the last it trained."""
    expected = [
        (each.number, epoch)
        for each in any_study.trials
        for epoch in range(1, (each.result.epochs if each.result else 0) + 1)
    ]
    frame = history_frame(any_study)
    assert list(zip(frame["number"], frame["epoch"], strict=True)) == expected


def test_the_columns_of_trials(any_study: StudyRecord) -> None:
    """The same columns in any study; those that vary from run to run come last."""
    assert list(trials_frame(any_study)) == [
        *("number", "state", "value", "params_lam", "params_epochs", "params_alpha"),
        *("params_hidden", "params_batch_norm", "params_sigma", "params_eta_min"),
        *("params_eta_max", "params_cycle", "params_batch_size", "params_schedule"),
        *("experiment", "stage"),
        *("replicate", "seed", "trial_id", "epochs"),
        *(*PARTS, *TEST),
        *("attempts", "duration", "host"),
    ]


def test_the_columns_of_history(any_study: StudyRecord) -> None:
    """The same columns in any study, also where no epoch was trained; times come last."""
    assert list(history_frame(any_study)) == [
        *("number", "trial_id", "experiment", "stage", "params_lam", "replicate"),
        *("epoch", "step", "eta"),
        *("train_cost", "train_loss", "train_accuracy"),
        *("validation_cost", "validation_loss", "validation_accuracy", "seconds"),
    ]


def test_one_row_a_hidden_layer(any_study: StudyRecord) -> None:
    """The same columns in any study; each epoch has a row a layer, its scales as recorded."""
    frame = layers_frame(any_study)
    assert list(frame) == [
        *("number", "trial_id", "experiment", "stage", "epoch", "layer"),
        *("activation_std", "gradient_std"),
    ]
    scales = [
        (each.number, epoch.epoch, 1 + layer, *values)
        for each in any_study.trials
        for epoch in each.history
        for layer, values in enumerate(zip(epoch.activation_std, epoch.gradient_std, strict=True))
    ]
    rows = frame[["number", "epoch", "layer", "activation_std", "gradient_std"]]
    assert list(rows.itertuples(index=False, name=None)) == scales


def kind(name: str) -> str:
    """Return what a column of numbers should hold."""
    return "bool" if name in YES_NO else "int64" if name in WHOLE else "float64"


def test_the_types_of_columns(any_study: StudyRecord) -> None:
    """Counts are whole, figures are floats, however far the study has come."""
    for frame in (trials_frame(any_study), history_frame(any_study), layers_frame(any_study)):
        types = {str(name): str(dtype) for name, dtype in frame.dtypes.items() if name not in TEXT}
        assert types == {name: kind(name) for name in types}


def test_a_completed_trial(tmp_path: Path) -> None:
    """Settings, figures and times stand in their columns, with no bit lost."""
    accuracy = 0.1 + 0.2
    frame = trials_frame(study(tmp_path, by_lambda({1e-3: Ending(accuracy, failures=("lost",))})))
    first = row(frame, 0)
    assert first["state"] == "completed"
    assert (first["value"], first["validation_accuracy"]) == (accuracy, accuracy)
    assert (first["params_lam"], first["params_epochs"], first["epochs"]) == (1e-3, 3, 3)
    assert (first["params_hidden"], first["params_batch_norm"]) == ("8", True)
    assert (first["train_loss"], first["train_cost"]) == (2.5 / 3, 2.5 / 3 + 1e-3)
    assert (first["attempts"], first["host"]) == (2, "here")
    assert first["duration"] == 0.1 + 0.2 * 3


def test_only_the_final_model_has_test_figures(tmp_path: Path) -> None:
    """Searching never shows the test set; the final model's figures are there."""
    frame = trials_frame(study(tmp_path))
    final = frame["stage"] == "final"
    assert frame.loc[~final, TEST].isna().all(axis=None)
    assert frame.loc[final, TEST].to_numpy(float).tolist() == [[0.9 - 1 / 64, 1.2, 1.25]]
    assert frame.loc[final, "params_epochs"].tolist() == [6]


@pytest.mark.parametrize(
    ("ending", "state", "attempts"), [(WAITING, "waiting", 0), (FAILED, "failed", 2)]
)
def test_a_trial_without_a_result_has_settings_only(
    tmp_path: Path, ending: Ending, state: str, attempts: int
) -> None:
    """What was asked for and tried is there; what a result would tell is missing, not 0."""
    record = study(tmp_path, by_lambda({1e-3: ending}))
    found = row(trials_frame(record), 0)
    assert (found["state"], found["params_lam"], found["attempts"]) == (state, 1e-3, attempts)
    assert found["epochs"] == 0
    assert found[["value", "duration", "host", *PARTS, *TEST]].isna().all()
    assert 0 not in set(history_frame(record)["number"])


@pytest.mark.parametrize(("ending", "epochs"), [(DIVERGED, 1), (DIVERGED_AT_ONCE, 0)])
def test_a_diverged_trial_keeps_the_epochs_it_had(
    tmp_path: Path, ending: Ending, epochs: int
) -> None:
    """Figures are those of the last whole epoch; without one they are missing."""
    record = study(tmp_path, by_lambda({1e-1: ending}))
    found = row(trials_frame(record), 2)
    assert (found["state"], found["epochs"]) == (State.DIVERGED, epochs)
    assert found[["value", *PARTS]].isna().all() == (epochs == 0)
    assert found[TEST].isna().all()
    assert not pd.isna(found["duration"])
    assert list(history_frame(record)["number"]).count(2) == epochs


def test_a_trial_on_both_grids_is_listed_once(tmp_path: Path) -> None:
    """The coarse winner, factor 1 of the fine grid, has one row, under its first stage."""
    frame = trials_frame(study(tmp_path))
    assert frame["trial_id"].is_unique
    assert list(frame["stage"]) == ["coarse"] * 3 + ["fine"] * 2 + ["final"]
    assert list(frame["params_lam"]) == [1e-3, 1e-2, 1e-1, 5e-3, 2e-2, 1e-2]


def same(path: Path, frame: pd.DataFrame) -> None:
    """Assert that pandas reads a frame back from its CSV file."""
    back = pd.read_csv(path, dtype={"params_hidden": str})
    pd.testing.assert_frame_equal(back, frame.astype(back.dtypes), rtol=1e-15, atol=0)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Return a small study that ran through, its figures unpainted."""
    with sketches():
        return run(SMALL, out=tmp_path_factory.mktemp("runs"), serial=True, quiet=True)


def test_csv_files_hold_the_frames(sketched: tuple[StudyRecord, Report]) -> None:
    """Read back with pandas, every value is the same, and what was missing is missing."""
    record, report = sketched
    same(report.trials, trials_frame(record))
    same(report.history, history_frame(record))
    same(report.layers, layers_frame(record))


def test_csv_files_of_a_real_study(real: Study) -> None:
    """What the study left on disk is what its frames show."""
    same(real.folder / "trials.csv", real.trials())
    same(real.folder / "history.csv", real.history())
    last = real.history().groupby("number")["validation_accuracy"].last()
    assert list(last) == list(real.trials()["value"])


def test_csv_files_lose_no_bit(real: Study) -> None:
    """Every float of a real history is written so that it reads back as itself."""
    frame = real.history()
    with (real.folder / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for name in ("eta", "train_cost", "validation_loss", "validation_accuracy", "seconds"):
        assert [float(row[name]) for row in rows] == list(frame[name])


def test_csv_files_are_plain(sketched: tuple[StudyRecord, Report]) -> None:
    """UTF-8, Unix line ends, one header line, no index: the same bytes on every system."""
    record, report = sketched
    epochs = sum(len(each.history) for each in record.trials)
    for path, rows in ((report.trials, len(record.trials)), (report.history, epochs)):
        content = path.read_bytes()
        assert b"\r" not in content
        assert content.count(b"\n") == rows + 1
        assert content.startswith(b"number,")
