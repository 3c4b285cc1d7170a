"""What was run, in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from numpy.random import default_rng

from kbn.initialise import he, initialise
from reports.coarse_fine.settings import own_settings
from reports.parts.settings import parameters, settings_table
from search.records import StudyRecord
from search.settings.values import Cycle, Init
from tests.reports.records import CIFAR10, DIGITS, REFERENCE, SEARCH, study


def table_of(record: StudyRecord) -> pd.DataFrame:
    """Return the table of settings as the report of a λ search shows it."""
    return settings_table(record, own_settings(record))


def words(folder: Path, change: dict[str, Any]) -> dict[str, str]:
    """Return the table of a search that differs from the small one as asked."""
    table = table_of(study(folder, search=replace(SEARCH, **change)))
    return dict(zip(table[""], table["setting"], strict=True))


def test_the_reference_in_words(tmp_path: Path) -> None:
    """Every setting of the default search on CIFAR-10 is said, with its unit."""
    table = table_of(study(tmp_path, search=REFERENCE, data=CIFAR10))
    said = dict(zip(table[""], table["setting"], strict=True))
    assert said["data"].startswith("CIFAR-10, 3,072 inputs, 10 classes; ")
    assert said["split"] == (
        "45,000 training, 5,000 validation, 10,000 test images; random, seed 0"
    )
    assert said["network"] == (
        "2 hidden layers of 50 and 50 units, ReLU, softmax; initial weights He; 156,810 parameters"
    )
    assert said["batch normalisation"] == "on; moving averages with α = 0.9"
    assert said["optimiser"] == "mini-batch gradient descent, 100 images a batch"
    assert said["learning rate"] == (
        "triangular, η from 1e-5 to 0.1; a cycle is 4,500 steps (10 epochs)"
    )
    assert said["epochs"] == "20 in the search, 30 for the final model (α = 0.9)"
    assert said["runs of each value"].startswith("1; ")


@pytest.mark.parametrize(
    ("change", "row", "text"),
    [
        ({"hidden": (8,)}, "network", "1 hidden layer of 8 units"),
        ({"hidden": (9, 8, 7)}, "network", "3 hidden layers of 9, 8 and 7 units"),
        ({"init": Init("normal", 1e-3)}, "network", "N(0, σ²) with σ = 1e-3"),
        ({"batch_norm": False}, "batch normalisation", "off"),
        ({"alpha": 0.99}, "batch normalisation", "α = 0.99"),
        ({"schedule": "constant", "eta_max": 0.01}, "learning rate", "constant, η = 1e-2"),
        ({"cycle": Cycle(40, "steps")}, "learning rate", "40 steps (4.444 epochs)"),
        ({"seed": 7}, "split", "random, seed 7"),
        ({"replicates": 4}, "runs of each value", "4; "),
        ({"final_alpha": 0.7, "final_epochs": 32}, "epochs", "32 for the final model (α = 0.7)"),
    ],
    ids=str,
)
def test_a_setting_shows(tmp_path: Path, change: dict[str, Any], row: str, text: str) -> None:
    """A setting that was changed is said in the row that a reader looks for."""
    assert text in words(tmp_path, change)[row]


@pytest.mark.parametrize(
    "network", [{"hidden": (8,)}, {"hidden": (9, 8, 7)}, {"batch_norm": False}]
)
def test_parameters_are_those_that_training_changes(
    tmp_path: Path, network: dict[str, Any]
) -> None:
    """Counted in a network of that form; a hidden layer's b has no effect beside β."""
    trial = study(tmp_path, search=replace(SEARCH, **network)).trials[0].trial
    made = initialise(
        inputs=64,
        hidden=trial.hidden,
        classes=10,
        batch_norm=trial.batch_norm,
        init=he(),
        rng=default_rng(0),
    )
    trained = [*made.W, *made.gamma, *made.beta, *(made.b[-1:] if made.batch_norm else made.b)]
    assert parameters(DIGITS, trial) == sum(each.size for each in trained)


def test_the_data_s_fingerprint_is_there(tmp_path: Path) -> None:
    """What tells these images from any others, whatever their file is called."""
    assert words(tmp_path, {})["data fingerprint"] == DIGITS.fingerprint


def test_a_constant_learning_rate_has_no_cycle(tmp_path: Path) -> None:
    """What has no effect is not named."""
    assert "cycle" not in words(tmp_path, {"schedule": "constant"})["learning rate"]


def test_a_stratified_split_is_named(tmp_path: Path) -> None:
    """How the validation images were drawn is a part of the split."""
    table = table_of(study(tmp_path, data=replace(DIGITS, stratified=True)))
    assert "stratified, seed 0" in table["setting"][1]


def test_a_title_cannot_break_the_table(tmp_path: Path) -> None:
    """Data sets of a user's own have names of a user's own."""
    table = table_of(study(tmp_path, data=replace(DIGITS, title="a|b\nc")))
    assert table["setting"][0].startswith("a\\|b c, 64 inputs")
