"""The section of the matrix of σ × batch normalisation."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import reports
from reports.document import render
from reports.parts.text import NONE
from reports.sigma_batchnorm import plots as sigma_plots
from reports.sigma_batchnorm.findings import SHOWN_SIGMAS, findings, layer_scales, thinned
from reports.sigma_batchnorm.section import scale_sentences, scale_text
from reports.sigma_batchnorm.tables import (
    cells_table,
    matrix_table,
    retune_table,
)
from search.experiments.sigma_batchnorm import Cell, SigmaBatchNorm
from search.settings.values import Cycle
from search.study.command import main
from search.trial import Trial
from tests.reports.records import (
    CIFAR10,
    DIVERGED,
    DIVERGED_AT_ONCE,
    FAILED,
    WAITING,
    Ending,
    Endings,
    study,
)

MATRIX = SigmaBatchNorm(
    data="digits", hidden=(8, 4), cycle=Cycle(3, "epochs"), epochs=3, sigmas=(1e-1, 1e-3)
)
REFERENCE = SigmaBatchNorm(data="cifar10")
CHANCE = Ending(0.1)


def bare(endings: dict[float, Ending]) -> Endings:
    """End cells without batch norm as told, by σ, the others well."""

    def ending(trial: Trial) -> Ending:
        asked = None if trial.batch_norm else endings.get(trial.sigma or 0.0)
        return asked or Ending(0.6 + 0.1 * trial.replicate)

    return ending


# --- tables ---------------------------------------------------------------------------


def test_the_matrix_tells_every_ending_apart(tmp_path: Path) -> None:
    """Not learned, diverged, failed and waiting: four texts, none of them a bare number."""
    search = replace(MATRIX, sigmas=(1.0, 0.1, 1e-2, 1e-3, 1e-4))
    endings = {1.0: DIVERGED, 0.1: FAILED, 1e-2: WAITING, 1e-3: CHANCE, 1e-4: DIVERGED_AT_ONCE}
    table = matrix_table(findings(study(tmp_path, bare(endings), search=search)))
    assert list(table["σ"]) == ["1", "0.1", "1e-2", "1e-3", "1e-4"]
    assert set(table["with batch norm"]) == {f"{0.6 - 1 / 64:.4f}"}
    assert list(table["without batch norm"]) == [
        "diverged in epoch 2",
        "failed",
        "waiting",
        f"{0.1 - 1 / 64:.4f}, did not learn",
        "diverged in epoch 1",
    ]
    assert list(table["difference"]) == [NONE, NONE, NONE, "+0.5000", NONE]


def test_replicates_have_mean_spread_and_number(tmp_path: Path) -> None:
    """In the matrix and in the row of the cell; a run that diverged is counted apart."""

    def endings(trial: Trial) -> Ending:
        odd = (trial.batch_norm, trial.sigma, trial.replicate) == (False, 1e-3, 2)
        return DIVERGED if odd else Ending(0.6 + 0.1 * trial.replicate)

    record = study(tmp_path, endings, search=replace(MATRIX, replicates=3))
    mean = 0.7 - 1 / 64
    entries = matrix_table(findings(record))
    assert entries["with batch norm"][1] == f"{mean:.4f} ± 0.1000, n = 3"
    spread = 0.1 / np.sqrt(2)
    assert entries["without batch norm"][1] == (
        f"{mean - 0.05:.4f} ± {spread:.4f}, n = 2, 1 of 3 diverged in epoch 2"
    )
    row = cells_table(findings(record)).iloc[3]
    assert (row["standard deviation"], row["runs"]) == (f"{spread:.4f}", "2")
    assert row["state"] == "2 completed; 1 diverged in epoch 2"


def test_one_run_has_the_standard_error_of_its_images(tmp_path: Path) -> None:
    """That of a share of the test images."""
    row = cells_table(findings(study(tmp_path, search=MATRIX, endings=bare({})))).iloc[0]
    p = 0.6 - 1 / 64
    assert row["standard error"] == f"{np.sqrt(p * (1 - p) / 360):.4f}"
    assert "reference" not in row


PUBLISHED = ["0.5239", "0.1966", "0.5234", "0.1000", "0.5282", "0.1000"]


def test_the_reference_stands_beside_its_cells(tmp_path: Path) -> None:
    """Its six test accuracies, in the reference's order, and the difference of each."""
    table = cells_table(findings(study(tmp_path, bare({}), search=REFERENCE, data=CIFAR10)))
    assert list(table["reference"]) == PUBLISHED
    assert table["vs. reference"][0] == f"+{0.6 - 1 / 64 - 0.5239:.4f}"


@pytest.mark.parametrize(
    "change",
    [
        {"lam": 1e-3},
        {"epochs": 30},
        {"hidden": (50,)},
        {"eta_max": 0.2},
        {"batch_size": 50, "cycle": Cycle(4500, "steps"), "epochs": 20},
        {"sigmas": (0.2, 1e-2)},
    ],
    ids=str,
)
def test_other_cells_are_not_compared(tmp_path: Path, change: dict[str, Any]) -> None:
    """A single setting that the reference had otherwise takes its column away."""
    search = replace(REFERENCE, **change)
    assert "reference" not in cells_table(
        findings(study(tmp_path, bare({}), search=search, data=CIFAR10))
    )


def test_a_value_of_sigma_that_the_reference_lacks(tmp_path: Path) -> None:
    """It shows a dash beside the others' numbers."""
    search = replace(REFERENCE, sigmas=(1e-1, 1e-2))
    table = cells_table(findings(study(tmp_path, bare({}), search=search, data=CIFAR10)))
    assert list(table["reference"]) == ["0.5239", "0.1966", NONE, NONE]


# --- λ of each cell -------------------------------------------------------------------

RETUNED = replace(MATRIX, retune=True, lambdas=(1e-3, 1e-2))


def retuned(trial: Trial) -> Ending:
    """End best at 1e-3; without batch norm σ = 1e-3 stays at chance, σ = 0.1 diverges."""
    if not trial.batch_norm:
        return CHANCE if trial.sigma == 1e-3 else DIVERGED
    return Ending(0.7 if trial.lam == 1e-3 else 0.6)


@pytest.mark.usefixtures("undrawn")
def test_each_cell_s_lambda_is_shown(tmp_path: Path) -> None:
    """The chosen one is bold; what a choice among equals is worth is said, and what had none."""
    record = study(tmp_path, retuned, search=RETUNED)
    table = retune_table(findings(record))
    assert list(table["λ = 1e-3"]) == ["**0.7000**", "diverged in epoch 2", "**0.7000**", "0.1000"]
    assert list(table["λ = 1e-2"])[3] == "**0.1000**"  # a tie goes to the larger
    assert list(table["chosen λ"]) == ["1e-3", "5e-3", "1e-3", "1e-2"]
    text = render(record)
    assert "In σ=1e-3 without batch norm, no λ gave a network that learned" in text
    assert "In σ=0.1 without batch norm, no λ completed: λ = 5e-3" in text
    assert "--retune` searches" not in text.replace("\n", " ")


@pytest.mark.usefixtures("undrawn")
def test_without_retune_the_report_says_what_is_held_fixed(tmp_path: Path) -> None:
    """λ and η, and how to have λ searched in each cell."""
    text = render(study(tmp_path, bare({}), search=MATRIX)).replace("\n", " ")
    assert "λ = 5e-3 and the learning rate are the same in every cell" in text
    assert "`--retune` searches λ in each cell first." in text
    assert "nothing was chosen by it" in text


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("search", "endings"),
    [
        (MATRIX, lambda trial: WAITING),
        (MATRIX, lambda trial: FAILED),
        (MATRIX, lambda trial: DIVERGED_AT_ONCE),
        (RETUNED, lambda trial: WAITING),
        (RETUNED, lambda trial: FAILED),
        (RETUNED, lambda trial: WAITING if trial.with_test else Ending(0.4)),
    ],
)
def test_a_study_in_any_state_has_a_tidy_report(
    tmp_path: Path, search: SigmaBatchNorm, endings: Endings
) -> None:
    """Nothing stands open in it, and it is Markdown."""
    text = render(study(tmp_path, endings, search=search))
    assert not re.search(r"\{[{%]|[}%]\}|\bNone\b|\bnan\b|Undefined|\n\n\n", text)
    assert "no test accuracy yet" in text


# --- scales ---------------------------------------------------------------------------


def test_fading_scales_are_told_in_a_sentence(tmp_path: Path) -> None:
    """Of each cell that died, with the figures beside those of its twin with batch norm."""
    record = study(tmp_path, bare({1e-3: CHANCE}), search=MATRIX)
    (sentence,) = scale_sentences(findings(record))
    assert sentence == (
        "σ = 1e-3: activations 0.5 in the first hidden layer, 5e-4 in the last; gradients at the "
        "first hidden layer 1e-6. With batch norm: activations 0.5 in the first hidden layer, 0.5 "
        "in the last; gradients 1e-3, 1,000 times as large."
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (3.21e-2, "3.2e-2"), (0.613, "0.61"), (29666.7, "30,000"), (np.nan, "not finite")],
)
def test_scales_in_words(value: float, text: str) -> None:
    """Two digits; a large factor is written out."""
    assert scale_text(value) == text


def test_scales_are_of_the_first_epoch_and_the_last(tmp_path: Path) -> None:
    """Every cell with an epoch has both moments, a row a layer each."""
    scales = layer_scales(study(tmp_path, bare({1e-3: DIVERGED_AT_ONCE}), search=MATRIX))
    assert [each.moment for each in scales] == ["first"] * 3 + ["last"] * 3
    assert {len(each.activations) for each in scales} == {2}
    assert (1e-3, False) not in {(each.sigma, each.batch_norm) for each in scales}


def test_zeros_stand_at_the_floor() -> None:
    """A log axis has no zero: it is drawn at the bottom, labelled; what is missing is not drawn."""
    layers = pd.DataFrame(
        {
            "sigma": 0.1,
            "moment": "last",
            "layer": [1, 2, 3],
            "gradient_std": [1e-3, 0.0, np.nan],
        }
    )
    ax = sigma_plots.scales(layers, "gradient_std", Figure().subplots(), floor=1e-5)
    assert list(ax.lines[0].get_ydata())[:2] == [1e-3, 1e-5]  # type: ignore[arg-type]
    ticks, labels = sigma_plots.scale_ticks(layers["gradient_std"], 1e-5)
    assert (ticks[0], labels[0]) == (1e-5, "0")
    assert sigma_plots.scale_ticks(layers["gradient_std"].iloc[:1], 1e-5)[1] == ["10⁻³"]


@pytest.mark.usefixtures("undrawn")
def test_a_real_matrix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command trains, writes report and CSV files, and speaks of no final model."""
    flags = ["--data=digits", "--hidden=8,4", "--cycle=1epochs", "--epochs=1", "--sigmas=0.1"]
    with pytest.raises(SystemExit) as caught:
        main(SigmaBatchNorm, [*flags, "--serial", f"--out={tmp_path}"])
    assert not caught.value.code
    folder = tmp_path / "sigma-batchnorm-digits"
    assert len((folder / "layers.csv").read_text(encoding="utf-8").splitlines()) == 1 + 2 * 2
    assert "## σ × batch normalisation" in (folder / "report.md").read_text(encoding="utf-8")
    assert "final model" not in "".join(capsys.readouterr())


# --- pictures -------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 3, 4, 5, 9])
def test_every_cell_has_a_place_of_its_own(number: int) -> None:
    """Few values of σ go across, many go down; labels fit the shape."""
    sigmas = [10.0**-k for k in range(number)]
    rows, columns = sigma_plots.shape(sigmas)
    places = sigma_plots.positions(sigmas).values()
    assert sorted(places) == [(row, column) for row in range(rows) for column in range(columns)]
    above, beside = sigma_plots.labels(sigmas)
    assert (len(beside), len(above)) == (rows, columns)


def test_the_heat_map_tells_endings_apart_without_colour() -> None:
    """Each has a hatch of its own, and says in words what it is."""
    states = ["", *sigma_plots.HATCHES]
    cells = [Cell(10.0**-k, norm) for k in range(3) for norm in (True, False)][: len(states)]
    squares = {
        cell: sigma_plots.Square(0.5 if state in {"", "did not learn"} else None, state, state)
        for cell, state in zip(cells, states, strict=True)
    }
    missing = Cell(1e-2, batch_norm=False)
    squares[missing] = sigma_plots.Square(None, "", "")
    ax = sigma_plots.matrix(squares, Figure().subplots())
    patches = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    hatches = [patch.get_hatch() or "" for patch in patches]
    seen = dict(zip(squares, hatches, strict=True))
    assert len({seen[cell] for cell in cells[1:4]} | {""}) == 4
    assert {text.get_text() for text in ax.texts} >= set(sigma_plots.HATCHES)


def test_figures_of_a_study(tmp_path: Path) -> None:
    """Matrix, losses and scales, as SVG and PNG, of cells that ended in every way."""
    search = replace(MATRIX, sigmas=(1.0, 0.1, 1e-3), replicates=2)
    endings = bare({1.0: DIVERGED, 0.1: FAILED, 1e-3: CHANCE})
    reports.write(study(tmp_path, endings, search=search))
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert names == {
        f"sigma-{name}{end}"
        for name in ("matrix", "losses", "scales")
        for end in (".svg", "-dark.svg", ".png")
    }
    text = (tmp_path / "figures" / "sigma-matrix.svg").read_text(encoding="utf-8")
    for words in ("diverged in epoch 2", "failed", "did not learn"):
        assert words in text


# --- many values ----------------------------------------------------------------------


def test_some_of_many_values_are_shown(tmp_path: Path) -> None:
    """Rows and panels are spread over σ, its ends among them; sentences count all cells."""
    sigmas = tuple(float(f"{sigma:.3g}") for sigma in np.geomspace(1.0, 1e-4, 60))
    record = study(
        tmp_path,
        bare(dict.fromkeys(sigmas[30:], CHANCE)),
        search=replace(MATRIX, sigmas=sigmas, retune=True, lambdas=(1e-3, 1e-2)),
    )
    table = matrix_table(thinned(findings(record)))
    assert list(table["σ"][[0, SHOWN_SIGMAS - 1]]) == ["1", "1e-4"]
    assert len(table) == len(set(table["σ"])) == SHOWN_SIGMAS
    text = render(record, figures=False)
    assert f"show {SHOWN_SIGMAS} of 60 values of σ, spread over them." in text
    assert "σ = 30 values from 1e-4 to " in text
    assert "In 30 cells, no λ gave a network that learned" in text
    assert "; and 100 more." in text  # cells of the decision
    few = findings(study(tmp_path, search=MATRIX))
    assert thinned(few) is few


def test_many_values_of_lambda_have_no_column_each(tmp_path: Path) -> None:
    """A cell's row has the accuracy of its chosen value then."""
    lambdas = tuple(k / 1e4 for k in range(1, 41))
    search = replace(MATRIX, retune=True, lambdas=lambdas)
    table = retune_table(
        findings(study(tmp_path, lambda of: Ending(0.5 + 0.1 * (of.lam == 2e-3)), search=search))
    )
    assert [name for name in table if str(name).startswith("λ = ")] == []
    assert set(table["values of λ"]) == {"40"}
    assert set(table["validation accuracy"]) == {"0.6000"}
    assert set(table["chosen λ"]) == {"2e-3"}
