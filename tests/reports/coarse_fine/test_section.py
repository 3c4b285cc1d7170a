"""The report of a search over any axes: what it says, and of what it speaks."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

import reports
from reports.coarse_fine.findings import findings
from reports.document import render
from search.records import StudyRecord
from search.space.axis import AXES
from search.space.vary import vary
from tests.reports.coarse_fine.points import (
    BATCHES,
    SAMPLE,
    SEARCHES,
    TWO,
    UNORDERED,
    fast_diverges,
    searched,
)
from tests.reports.records import WAITING, study


def text_of(record: StudyRecord) -> str:
    """Return a report without figures."""
    return render(record, figures=False)


def rows(text: str, head: str) -> list[list[str]]:
    """Return the cells of the table whose head begins so, row by row."""
    lines = text.splitlines()
    start = next(k for k, line in enumerate(lines) if re.match(rf"\| {head} +\|", line))
    body = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        body.append([cell.strip() for cell in line.strip("|").split("|")])
    return body


def test_two_axes_have_points(tmp_path: Path) -> None:
    """The verdict names the point by both axes, the table has a column of each."""
    text = text_of(searched(tmp_path, TWO))
    assert text.startswith("# The search over η_max × λ of a [8] network on digits\n")
    assert "**η_max = 0.1, λ = 1e-2 did best of" in text
    assert "## The η_max × λ search" in text
    assert "Table 2. Coarse grid: each point.*" in text
    coarse = rows(text, "η_max")
    assert [row[:3] for row in coarse[3:6]] == [
        ["0.1", "1e-3", "0.8470"],
        ["**0.1**", "**1e-2**", "**0.8670**"],
        ["0.1", "0.1", "0.8470"],
    ]
    assert "| learning rate       | triangular, η from 1e-5 to η_max (varied);" in text
    assert "every point starts from the same weights and sees the same batches" in text


@pytest.mark.parametrize("name", SEARCHES)
def test_a_report_names_what_it_varies(tmp_path: Path, name: str) -> None:
    """λ is spoken of as a setting, never as what is searched, unless it is."""
    search = SEARCHES[name]
    text = text_of(searched(tmp_path, search))
    assert f"## The {search.space.name} search" in text
    assert ("value of λ" in text) == (search.space.noun == "value" and "λ" in search.space.name)
    several = len(search.space.axes) > 1
    assert ("points" in text) == several
    assert not re.search(r"\{[{%]|\bNone\b|\bnan\b|Traceback", text)
    assert "could not be" not in text


def test_a_sample_is_no_grid(tmp_path: Path) -> None:
    """Its stages are called what they are, and no grid is spoken of in them."""
    text = text_of(searched(tmp_path, SAMPLE))
    assert "### Sample\n" in text
    assert "### Closer sample\n" in text
    assert "Coarse grid" not in text
    assert "12 points of the whole box, then as many around the best" in text
    assert "drawn from 1e-5 to 0.1" in text


def test_which_setting_mattered_is_said(tmp_path: Path) -> None:
    """η_max explains nearly all of the made-up accuracies, and comes first."""
    record = searched(tmp_path, TWO)
    first, *_ = findings(record).explained
    assert first.axes == ("eta_max",)
    assert first.low > 0.5
    text = text_of(record)
    assert rows(text, "setting")[0][0] == "largest learning rate η_max"
    assert "the largest learning rate η_max mattered most" in text


def test_points_of_other_widths_are_not_paired_over_seeds(tmp_path: Path) -> None:
    """The report says so where it is so, and there alone."""
    claim = "do not share initial weights and batches"
    assert f"Networks of other widths {claim}" in text_of(searched(tmp_path / "a", UNORDERED))
    assert f"Networks of other batch sizes {claim}" in text_of(searched(tmp_path / "b", BATCHES))
    assert claim not in text_of(searched(tmp_path / "c", TWO))
    sentence = "on the same images and seeds"
    assert sentence not in text_of(searched(tmp_path / "d", UNORDERED))


def test_a_setting_that_is_varied_has_no_one_value(tmp_path: Path) -> None:
    """The table of settings does not give that of the first trial as everybody's."""
    settings = dict(row[:2] for row in rows(text_of(searched(tmp_path, UNORDERED)), ""))
    assert settings["network"].startswith("hidden layers varied, ReLU")
    assert settings["batch normalisation"].startswith("varied: on, ")
    assert settings["learning rate"].startswith("schedule varied, η from 1e-5 to 0.1")
    assert "hidden layers: 8 or 16,8" in settings["varied"]
    assert settings["λ"] == "5e-3"
    assert settings["choice of the point"] == "the highest mean validation accuracy"
    batches = dict(row[:2] for row in rows(text_of(searched(tmp_path / "b", BATCHES)), ""))
    assert batches["optimiser"] == "mini-batch gradient descent, batch size varied"
    assert batches["learning rate"].endswith("a cycle is 3 epochs")


def test_points_that_diverged_are_in_the_tables(tmp_path: Path) -> None:
    """They have no accuracy, and the margins are of those that completed."""
    record = searched(tmp_path, TWO, fast_diverges)
    diverged = [row for row in rows(text_of(record), "η_max") if row[0] == "1"]
    assert {row[-1] for row in diverged} == {"diverged in epoch 2"}
    margin = findings(record).margins[0]
    assert [each.first for each in margin.means] == [0.01, 0.1]


def test_a_study_of_which_nothing_is_known(tmp_path: Path) -> None:
    """It says that, and has no part on which setting mattered."""
    text = text_of(study(tmp_path, lambda _: WAITING, search=TWO))
    assert "No point of η_max × λ has completed." in text
    assert "Which setting mattered" not in text


FIGURES = {
    "two axes": {"map", "margins"},
    "a sample of three": {"parallel", "margins"},
    "unordered axes": {"parallel", "margins"},
    "widths": {"accuracy"},
    "batch sizes": {"accuracy"},
    "a linear axis": {"accuracy"},
}
ALWAYS = {"order", "differences", "learning", "eta", "final", "confusion"}


@pytest.mark.parametrize("name", FIGURES)
def test_a_report_has_the_figures_of_its_axes(tmp_path: Path, name: str) -> None:
    """Each is drawn in every format, and nothing is missing."""
    report = reports.write(searched(tmp_path, SEARCHES[name]))
    assert report.missing == ()
    drawn = {path.stem for path in (tmp_path / "figures").glob("*.png")}
    assert drawn - {"weights", "mistakes"} == FIGURES[name] | ALWAYS
    assert all((tmp_path / "figures" / f"{each}-dark.svg").is_file() for each in drawn)


def test_a_large_study_has_a_small_page(tmp_path: Path) -> None:
    """Hundreds of points are drawn together, listed by number, and the page stays small."""
    axes = vary("--vary", ["eta_max=random:0.01:1", "lam=random:1e-5:1e-1", "sigma=random:0.01:1"])
    search = replace(SAMPLE, samples=200, vary=axes, epochs=3)
    report = reports.write(study(tmp_path, search=search))
    assert report.missing == ()
    assert report.html.stat().st_size < 5_000_000
    text = report.path.read_text(encoding="utf-8")
    assert "These are 20 of 200 points" in text
    assert "120 of the 400 points, even by rank, each as a line" in text


def test_every_axis_has_a_column(tmp_path: Path) -> None:
    """`trials.csv` holds what was varied, whatever it was, as it was trained."""
    frame = reports.trials_frame(searched(tmp_path, BATCHES))
    assert set(frame["params_batch_size"]) == {
        each.trial.batch_size for each in searched(tmp_path, BATCHES).trials
    }
    assert set(frame["params_cycle"]) == {3.0}
    assert {f"params_{name}" for name in AXES} <= set(frame)
