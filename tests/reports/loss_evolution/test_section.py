"""The section of a loss evolution."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import reports
from reports.document import render
from reports.loss_evolution import plots as loss_plots
from reports.loss_evolution.figures import cycle_ends, figure_name
from reports.loss_evolution.findings import findings
from reports.loss_evolution.section import differences_table, losses_table, summary
from reports.parts.text import NONE
from search.experiments.loss_evolution import LossEvolution
from search.records import State
from search.settings.values import Cycle
from search.trial import Trial
from tests.reports.records import (
    CIFAR10,
    DIVERGED,
    DIVERGED_AT_ONCE,
    FAILED,
    WAITING,
    Ending,
    study,
)

LOSSES = LossEvolution(
    data="digits",
    hidden=(8,),
    cycle=Cycle(3, "epochs"),
    epochs=6,
    architectures=((8,), (8, 4)),
)
REFERENCE = LossEvolution(data="cifar10")


def better_with(trial: Trial) -> Ending:
    """End well, with batch norm at the lower loss, and each replicate at another."""
    return Ending(0.6, loss=(0.8 if trial.batch_norm else 1.0) + 0.1 * trial.replicate)


def shallow_bare(ending: Ending) -> Any:
    """End the one-layer network without batch norm as told, the others well."""
    return lambda trial: (
        ending if (trial.hidden, trial.batch_norm) == ((8,), False) else better_with(trial)
    )


def test_one_row_a_network(tmp_path: Path) -> None:
    """Figures at the end, the lowest validation loss and its epoch, the last cycle's change."""
    table = losses_table(findings(study(tmp_path, better_with, search=LOSSES)))
    assert list(table["architecture"]) == ["[8]", "[8]", "[8, 4]", "[8, 4]"]
    assert list(table["batch norm"]) == ["with", "without"] * 2
    assert dict(table.iloc[0]) == {
        "architecture": "[8]",
        "batch norm": "with",
        "parameters": "618",
        "train loss": "0.333",
        "validation loss": "0.400",
        "lowest validation loss": "0.400",
        "in epoch": "6",
        "change in the last cycle": "−0.400",
        "validation cost": "0.405",
        "validation accuracy": "0.6000",
        "seconds a run": "1.3",
        "state": "completed",
    }


def test_replicates_have_mean_and_spread(tmp_path: Path) -> None:
    """Mean ± standard deviation with n; differences are paired, so what runs share cancels out."""
    record = study(tmp_path, better_with, search=replace(LOSSES, replicates=3))
    losses = np.array([0.8, 0.9, 1.0]) / 2
    row = losses_table(findings(record)).iloc[0]
    assert row["runs"] == "3"
    assert row["validation loss"] == f"{losses.mean():.3f} ± {losses.std(ddof=1):.3f}"
    difference = differences_table(findings(record)).iloc[0]
    assert (difference["runs compared"], difference["validation loss"]) == ("3", "−0.100 ± 0.000")
    assert "−0.100 ± 0.000 (3 runs each)" in next(summary(findings(record)))


@pytest.mark.parametrize(
    ("ending", "state"),
    [
        (DIVERGED, "diverged in epoch 2"),
        (DIVERGED_AT_ONCE, "diverged in epoch 1"),
        (FAILED, "failed"),
        (WAITING, "waiting"),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_runs_that_did_not_complete_have_no_figures(
    tmp_path: Path, ending: Ending, state: str
) -> None:
    """Their rows and differences hold dashes, and the summary says how they ended."""
    record = study(tmp_path, shallow_bare(ending), search=LOSSES)
    row = losses_table(findings(record)).iloc[1]
    assert set(row.iloc[3:-1]) == {NONE}
    assert row["state"] == state
    assert set(differences_table(findings(record)).iloc[0, 2:]) == {NONE}
    text = render(record)
    assert f"[8] without batch norm: {state}." in text
    assert not re.search(r"\{[{%]|\bNone\b|\bnan\b", text)


def test_runs_compared_are_those_that_completed_both_ways(tmp_path: Path) -> None:
    """A replicate that diverged on one side leaves the comparison, and n says so."""

    def endings(trial: Trial) -> Ending:
        bare = (trial.batch_norm, trial.replicate) == (False, 1)
        return DIVERGED if bare else better_with(trial)

    record = study(tmp_path, endings, search=replace(LOSSES, replicates=2))
    assert list(differences_table(findings(record))["runs compared"]) == ["1", "1"]
    sentences = list(summary(findings(record)))
    assert "−0.100 where a run completed both ways (1 run)" in sentences[0]
    assert sentences[1] == "[8] without batch norm: 1 of 2 diverged in epoch 2."


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, True),
        ({"lam": 1e-3}, False),
        ({"epochs": 30}, False),
        ({"eta_max": 0.2}, False),
        ({"architectures": ((60, 60),)}, False),
    ],
    ids=str,
)
def test_the_reference_s_figures(tmp_path: Path, change: dict[str, Any], said: bool) -> None:  # noqa: FBT001 - a parameter
    """Figures 1 and 2 are named beside the same networks, trained alike, and nowhere else."""
    text = render(study(tmp_path, better_with, search=replace(REFERENCE, **change), data=CIFAR10))
    for number in (1, 2):
        assert (f"The reference report's figure {number} shows" in text) == said


def test_names_of_figures() -> None:
    """They name the widths, and stay short and apart for very deep networks."""
    assert figure_name((50, 50), 1) == "loss-50-50"
    deep = (100,) * 40
    assert figure_name(deep, 1) != figure_name((*deep[:-1], 7), 2)
    assert len(figure_name(deep, 1)) < 60


def test_cycles_end_within_a_run(tmp_path: Path) -> None:
    """The run's own end is no mark; a constant rate has none."""
    first = study(tmp_path, search=LOSSES).trials[0]
    assert cycle_ends(first) == [3.0]
    constant = study(tmp_path, search=replace(LOSSES, schedule="constant")).trials[0]
    assert cycle_ends(constant) == []


def frame(values: list[float], state: State = State.COMPLETED) -> pd.DataFrame:
    """Return the history of a run with these losses."""
    columns = {f"{part}_{name}": values for part in ("train", "validation") for name in ("loss",)}
    epochs = list(range(1, len(values) + 1))
    return pd.DataFrame({"number": 0, "state": state, "epoch": epochs, **columns})


def test_a_spike_is_cut_off() -> None:
    """The view ends at twice ln k, above what lies below; nothing is cut where nothing spikes."""
    assert loss_plots.view_of(frame([2.3, 1.5, 1.2]), "loss", 10) is None
    view = loss_plots.view_of(frame([1e20, 1.5, 1.2]), "loss", 10)
    assert view is not None
    bottom, top = view
    assert top == pytest.approx(2 * np.log(10))
    assert 0 < bottom < 1.2
    assert "above 4.6 are cut off" in loss_plots.cut_text(view)


def test_some_end_is_always_in_view() -> None:
    """Where every loss is large, the view reaches up to the smallest end."""
    view = loss_plots.view_of(frame([1e9, 70.0]), "loss", 10)
    assert view is not None
    assert view[1] > 70.0


def test_a_diverged_run_ends_in_a_cross_in_view() -> None:
    """Its last value may be huge: the cross stands at the top then."""
    history = frame([2.0, 1e30], State.DIVERGED)
    ax = loss_plots.part_curves(history, Figure().subplots(), view=(0.0, 4.6))
    crosses = [line for line in ax.lines if line.get_marker() == "x"]
    assert [np.ravel(line.get_xydata()).tolist() for line in crosses] == [[2.0, 4.6]] * 2


def test_figures_of_a_study(tmp_path: Path) -> None:
    """One a network with an epoch to show, as SVG and PNG; one that has none is left out."""

    def endings(trial: Trial) -> Ending:
        if trial.hidden == (8, 4):
            return WAITING
        return better_with(trial) if trial.batch_norm else DIVERGED

    reports.write(study(tmp_path, endings, search=replace(LOSSES, replicates=2)))
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert names == {"loss-8.svg", "loss-8-dark.svg", "loss-8.png"}
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "Cross: 2 runs without batch norm diverged in epoch 2." in text
