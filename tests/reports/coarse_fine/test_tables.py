"""Tables of the grids and of the final model, against made-up studies."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reports.coarse_fine.facts import Final
from reports.coarse_fine.findings import findings
from reports.coarse_fine.searched import known_of, search_of
from reports.coarse_fine.tables import final_table, grid_table
from reports.parts.tables import (
    markdown,
)
from reports.parts.text import NONE
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.records import DataRecord, StudyRecord
from search.settings.values import Cycle, Init
from search.space.narrow import Factors, Zoom
from search.space.points import only
from search.trial import Trial
from tests.reports.records import (
    CIFAR10,
    DIVERGED,
    DIVERGED_AT_ONCE,
    FAILED,
    REFERENCE,
    SEARCH,
    WAITING,
    Ending,
    by_lambda,
    final,
    good,
    study,
)

COLUMNS = [
    "λ",
    "validation accuracy",
    "standard error",
    "train accuracy",
    "validation loss",
    "seconds a run",
    "state",
]
COMPARED = ["reference", "difference"]


def best_so_far(record: StudyRecord) -> float | None:
    """Return the best λ of a study as it stands."""
    found = known_of(record)
    return only(found.winner) if found else None


def table(record: StudyRecord, name: str) -> pd.DataFrame:
    """Return a grid's table as the report prints it."""
    found = findings(record)
    look = next(each for each in found.looks if each.title == f"{name} grid")
    return grid_table(look, search_of(record).space, chosen=found.chosen)


def rows(frame: pd.DataFrame) -> list[list[str]]:
    """Return a frame's cells, row by row."""
    return [[str(value) for value in row] for row in frame.to_numpy()]


def final_model(record: StudyRecord) -> Final:
    """Return a study's final model."""
    (found,) = findings(record).finals
    return found


def test_the_coarse_grid(tmp_path: Path) -> None:
    """λ ascending, the chosen one bold with its accuracy, and nothing else bold."""
    coarse = table(study(tmp_path), "coarse")
    assert list(coarse) == COLUMNS
    assert rows(coarse) == [
        ["1e-3", "0.8000", "0.0400", "0.8000", "1.000", "0.7", "completed"],
        ["**1e-2**", "**0.9000**", "0.0300", "0.9000", "1.000", "0.7", "completed"],
        ["0.1", "0.8000", "0.0400", "0.8000", "1.000", "0.7", "completed"],
    ]


def test_the_fine_grid_lists_what_the_coarse_grid_trained(tmp_path: Path) -> None:
    """A value on both grids stands in both tables, marked in both where it was chosen."""
    fine = table(study(tmp_path), "fine")
    assert list(fine["λ"]) == ["5e-3", "**1e-2**", "2e-2"]
    assert list(fine["validation accuracy"]) == ["0.8699", "**0.9000**", "0.8699"]


def test_a_winner_of_the_fine_grid_is_marked_there_alone(tmp_path: Path) -> None:
    """The coarse winner that was beaten is not marked."""
    record = study(tmp_path, by_lambda({2e-2: Ending(0.95)}))
    assert list(table(record, "coarse")["λ"]) == ["1e-3", "1e-2", "0.1"]
    assert list(table(record, "fine")["λ"]) == ["5e-3", "1e-2", "**2e-2**"]


@pytest.mark.parametrize("ending", [good, final(WAITING), final(FAILED)])
def test_of_equal_values_the_larger_is_marked(tmp_path: Path, ending: Any) -> None:
    """One row alone is marked, before the final model is there as after it."""
    record = study(tmp_path, lambda of: ending(of) if of.with_test else Ending(0.5))
    assert list(table(record, "coarse")["λ"]) == ["1e-3", "1e-2", "0.1"]
    assert list(table(record, "fine")["λ"]) == ["5e-2", "0.1", "**0.2**"]


def test_best_so_far_breaks_ties_as_the_search_does(tmp_path: Path) -> None:
    """Within an open coarse grid, too, the larger λ of equal ones is the best."""
    record = study(tmp_path, by_lambda({1e-3: Ending(0.9), 1e-2: Ending(0.9), 1e-1: WAITING}))
    assert best_so_far(record) == 1e-2
    assert list(table(record, "coarse")["λ"]) == ["1e-3", "**1e-2**", "0.1"]


def test_nothing_is_marked_where_nothing_completed(tmp_path: Path) -> None:
    """Without an accuracy there is no best λ, and the rows show dashes."""
    record = study(tmp_path, by_lambda({1e-3: FAILED, 1e-2: DIVERGED, 1e-1: DIVERGED_AT_ONCE}))
    assert best_so_far(record) is None
    assert rows(table(record, "coarse")) == [
        ["1e-3", NONE, NONE, NONE, NONE, NONE, "failed"],
        ["1e-2", NONE, NONE, NONE, NONE, NONE, "diverged in epoch 2"],
        ["0.1", NONE, NONE, NONE, NONE, NONE, "diverged in epoch 1"],
    ]


def test_a_grid_under_way(tmp_path: Path) -> None:
    """What waits is there and says so."""
    record = study(tmp_path, by_lambda({2e-2: WAITING}))
    assert rows(table(record, "fine"))[2] == ["2e-2", NONE, NONE, NONE, NONE, NONE, "waiting"]


# --- learning, or not -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("accuracy", "state"),
    [
        (0.0, "completed, did not learn"),
        (0.1, "completed, did not learn"),
        (0.18, "completed, did not learn"),
        (0.2, "completed"),
    ],
)
def test_a_network_at_chance_is_named(tmp_path: Path, accuracy: float, state: str) -> None:
    """Chance is 0.1 and its standard error 0.03 on 100 images: learning starts at 0.19."""
    record = study(tmp_path, by_lambda({1e-3: Ending(accuracy)}))
    assert table(record, "coarse")["state"][0] == state


# --- replicates -----------------------------------------------------------------------

REPLICATED = replace(SEARCH, replicates=3)
SPREAD = (0.50, 0.53, 0.61)


def spread(of: Trial) -> Ending:
    """End the replicates of 1e-2 with different accuracies, the others worse."""
    return Ending(SPREAD[of.replicate]) if of.lam == 1e-2 else Ending(0.4)


def test_replicates_give_a_mean_a_spread_and_its_error(tmp_path: Path) -> None:
    """The error holds the noise of the images, which runs share, and that of the seeds."""
    record = study(tmp_path, spread, search=REPLICATED)
    found = known_of(record)
    assert found is not None
    coarse = table(record, "coarse")
    assert list(coarse) == [*COLUMNS[:3], "replicates", "lowest to highest", *COLUMNS[3:]]
    share = np.mean([np.arange(100) < 100 * accuracy for accuracy in SPREAD], axis=0)
    error = np.sqrt(share.var() / 100 + found.seeds.level / 3)
    assert error > np.sqrt(share.var() / 100)
    assert rows(coarse)[1][:5] == [
        *("**1e-2**", f"**{np.mean(SPREAD):.4f}**"),
        *(f"{error:.4f}", "3", "0.5000 to 0.6100"),
    ]
    assert coarse["state"][1] == "completed"


def test_a_lambda_whose_replicates_differ_in_state(tmp_path: Path) -> None:
    """The counts of each state are named, and the accuracy is of those that completed."""

    def endings(of: Trial) -> Ending:
        return FAILED if (of.lam, of.replicate) == (1e-2, 1) else spread(of)

    record = study(tmp_path, endings, search=REPLICATED)
    coarse = table(record, "coarse")
    assert coarse["state"][1] == "2 completed; 1 failed"
    assert coarse["replicates"][1] == "2"
    assert coarse["validation accuracy"][1] == "0.5550"
    assert best_so_far(record) != 1e-2


def test_replicates_none_of_which_completed(tmp_path: Path) -> None:
    """No range is shown where there is no accuracy."""
    record = study(tmp_path, by_lambda({1e-3: FAILED}), search=REPLICATED)
    assert rows(table(record, "coarse"))[0] == [
        "1e-3",
        NONE,
        NONE,
        "0",
        NONE,
        NONE,
        NONE,
        NONE,
        "failed",
    ]


# --- the reference's column -----------------------------------------------------------

COARSE = {1e-5: 0.5264, 1e-4: 0.5002, 1e-3: 0.5128, 1e-2: 0.5401, 1e-1: 0.3834}
"""The reference report's coarse grid."""


def as_reference(of: Trial) -> Ending:
    """End as the reference did on the coarse grid, worse elsewhere."""
    return Ending(COARSE.get(of.lam, 0.3))


def test_the_reference_stands_beside_its_own_settings(tmp_path: Path) -> None:
    """With the reference's data and settings, each value is compared with its number."""
    record = study(tmp_path, as_reference, search=REFERENCE, data=CIFAR10)
    coarse, fine = table(record, "coarse"), table(record, "fine")
    assert list(coarse) == [*COLUMNS[:3], *COMPARED, *COLUMNS[3:]]
    assert list(coarse["reference"]) == ["0.5264", "0.5002", "0.5128", "0.5401", "0.3834"]
    assert list(coarse["difference"]) == ["+0.0000"] * 5
    assert list(fine["λ"]) == ["4e-3", "8e-3", "**1e-2**", "2e-2", "4e-2", "8e-2"]
    assert list(fine["difference"])[:2] == ["−0.2150", "−0.2413"]
    assert fine["reference"][2] == "0.5381"  # its second run of 1e-2
    assert fine["difference"][2] == "+0.0020"


def test_values_that_the_reference_did_not_train_have_no_number(tmp_path: Path) -> None:
    """Another grid is compared where it meets the reference's, and shows dashes elsewhere."""
    search = replace(REFERENCE, coarse=(1e-3, 3e-3), fine=Zoom(1))
    record = study(tmp_path, as_reference, search=search, data=CIFAR10)
    coarse = table(record, "coarse")
    assert list(coarse["reference"]) == ["0.5128", NONE]
    assert list(coarse["difference"]) == ["+0.0000", NONE]


def test_a_failed_value_has_no_difference(tmp_path: Path) -> None:
    """Its reference is shown all the same."""
    endings = by_lambda({1e-4: FAILED}, otherwise=as_reference)
    coarse = table(study(tmp_path, endings, search=REFERENCE, data=CIFAR10), "coarse")
    assert (coarse["reference"][1], coarse["difference"][1]) == ("0.5002", NONE)


@pytest.mark.parametrize(
    "change",
    [
        {"hidden": (50,)},
        {"batch_norm": False},
        {"init": Init("normal", 0.1)},
        {"schedule": "constant"},
        {"eta_min": 1e-4},
        {"eta_max": 0.2},
        {"cycle": Cycle(5, "epochs")},
        {"batch_size": 50, "cycle": Cycle(4500, "steps"), "epochs": 20, "final_epochs": 30},
        {"epochs": 30},
        {"cycle": Cycle(2, "epochs"), "epochs": 4, "final_epochs": 4},
    ],
    ids=str,
)
def test_other_settings_are_not_compared(tmp_path: Path, change: dict[str, Any]) -> None:
    """A single setting that the reference had otherwise takes its columns away."""
    record = study(tmp_path, as_reference, search=replace(REFERENCE, **change), data=CIFAR10)
    for stage in ("coarse", "fine"):
        assert not set(COMPARED) & set(table(record, stage))


@pytest.mark.parametrize(
    "data",
    [
        replace(CIFAR10, train_size=49_000, validation_size=1_000),
        replace(CIFAR10, name="digits"),
        replace(CIFAR10, name="npz:cifar10.npz"),
        replace(CIFAR10, name="synthetic:50000"),
    ],
    ids=lambda data: f"{data.name} {data.train_size}",
)
def test_other_data_are_not_compared(tmp_path: Path, data: DataRecord) -> None:
    """Neither another set nor another split of the same."""
    search = replace(REFERENCE, cycle=Cycle(4500, "steps"), epochs=20, final_epochs=30)
    record = study(tmp_path, as_reference, search=search, data=data)
    assert not set(COMPARED) & set(table(record, "coarse"))
    assert "reference accuracy" not in final_table(final_model(record))


@pytest.mark.parametrize("change", [{"seed": 7}, {"replicates": 2}], ids=str)
def test_seeds_and_replicates_are_compared(tmp_path: Path, change: dict[str, Any]) -> None:
    """What the reference would have had by luck does not take its columns away."""
    record = study(tmp_path, as_reference, search=replace(REFERENCE, **change), data=CIFAR10)
    assert set(COMPARED) <= set(table(record, "coarse"))


# --- the final model ------------------------------------------------------------------


def test_the_final_model(tmp_path: Path) -> None:
    """Its figures on each part of the data, with the number of images and the error."""
    record = study(tmp_path)
    final_rows = final_table(final_model(record))
    test = 0.9 - 1 / 64
    assert list(final_rows) == ["images", "accuracy", "standard error", "loss", "cost"]
    assert rows(final_rows) == [
        ["train (100)", "0.9000", "0.0300", "0.417", "0.427"],
        ["validation (100)", "0.9000", "0.0300", "0.500", "0.510"],
        [
            "test (360)",
            f"{test:.4f}",
            f"{math.sqrt(test * (1 - test) / 360):.4f}",
            "1.200",
            "1.250",
        ],
    ]


def test_the_final_model_is_compared_on_the_test_set(tmp_path: Path) -> None:
    """The reference published a test accuracy, 0.5308, and no other figure of it."""
    endings = by_lambda({}, otherwise=as_reference)
    record = study(tmp_path, endings, search=REFERENCE, data=CIFAR10)
    final_rows = final_table(final_model(record))
    assert list(final_rows["reference accuracy"]) == [NONE, NONE, "0.5308"]
    test = 0.5401 - 1 / 64
    assert list(final_rows["difference"]) == [NONE, NONE, f"−{0.5308 - test:.4f}"]
    assert final_rows["images"][2] == "test (10,000)"


@pytest.mark.parametrize(
    ("ending", "images"),
    [(DIVERGED, ["train (100)", "validation (100)"]), (DIVERGED_AT_ONCE, [])],
)
def test_a_final_model_that_diverged(tmp_path: Path, ending: Ending, images: list[str]) -> None:
    """Only what was measured has a row: there are no test figures."""
    record = study(tmp_path, final(ending))
    final_rows = final_table(final_model(record))
    assert [row[0] for row in rows(final_rows)] == images


# --- as Markdown ----------------------------------------------------------------------


def test_markdown_sets_words_left_and_numbers_right(tmp_path: Path) -> None:
    """The line below the head says how a column stands; text is printed as it is."""
    head, line, *body = markdown(table(study(tmp_path), "coarse")).splitlines()
    names = [name.strip() for name in head.strip("|").split("|")]
    marks = [mark.endswith("-:") for mark in line.strip("|").split("|")]
    assert {name for name, right in zip(names, marks, strict=True) if not right} == {"λ", "state"}
    assert [row.split("|")[1].strip() for row in body] == ["1e-3", "**1e-2**", "0.1"]


def test_a_fine_grid_of_other_factors(tmp_path: Path) -> None:
    """Values are shown by the digits that they have."""
    search = replace(SEARCH, fine=Factors((0.333333, 3.0)))
    assert list(table(study(tmp_path, search=search), "fine")["λ"]) == ["3.33333e-3", "3e-2"]
    search = LambdaSearch(data="digits", hidden=(8,), coarse=(1e-5, 1e-2), fine=Zoom(2))
    fine = table(study(tmp_path, search=search), "fine")
    assert all(len(lam.strip("*")) <= len("1.23456e-3") for lam in fine["λ"])
