"""What a report says on how sure its winner is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.coarse_fine import plots as search_plots
from reports.coarse_fine.certainty import remarks, tied_sentence
from reports.coarse_fine.facts import Against, Best
from reports.coarse_fine.findings import findings, mcnemar_to_winner
from reports.coarse_fine.frames import order_frame
from reports.coarse_fine.searched import known_of, search_of, search_stages
from reports.coarse_fine.summary import verdict
from reports.coarse_fine.tables import differences_table, p_value, scores_table
from reports.document import render
from reports.drawing.rulers import Ruler
from reports.parts.text import NONE
from search.evidence.finalists import Top
from search.records import StudyRecord
from search.space.axis import LAM
from search.trial import Trial
from tests.reports.records import DIGITS, SEARCH, WAITING, Ending, good, study

FULL = replace(SEARCH, replicate_top=Top(2, 3), fresh=2)
"""Two of five values have three replicates; two fresh seeds."""
MANY = replace(DIGITS, validation_size=1_000)
"""Enough images that the made-up differences are certain."""


def luck(of: Trial) -> Ending:
    """End as the study's λ and seed have it; the chosen value is a little better."""
    return Ending(round(good(of).accuracy - 0.002 * of.replicate, 4))


SPACE = SEARCH.space


def best_of(record: StudyRecord) -> Best:
    """Return what a study knows of its winner."""
    best = findings(record).best
    assert best is not None
    return best


def test_each_other_value_has_a_row(tmp_path: Path) -> None:
    """λ ascending, without the winner; what its interval says is said in words."""
    record = study(tmp_path, luck, search=FULL, data=MANY)
    best = best_of(record)
    table = differences_table(best, SPACE)
    assert list(table["λ"]) == ["1e-3", "5e-3", "2e-2", "0.1"]
    # of two replicated values seeds are hardly known, and McNemar's test knows nothing of them
    assert [row.tied for row in best.others] == [False, True, True, False]
    assert list(table["seen"]) == [
        "worse than the best",
        "tied with the best: these two networks differ, but with other seeds they may not",
        "tied with the best",
        "worse than the best",
    ]
    assert table["runs compared"].tolist() == ["1", "1", "3", "1"]
    assert table["difference"].tolist()[0] == "−0.1000"


def test_mcnemars_test_is_for_pairs_of_single_runs(tmp_path: Path) -> None:
    """Values with replicates in common have none; a study of replicates has no such column."""
    record = study(tmp_path, luck, search=FULL, data=MANY)
    known = known_of(record)
    assert known is not None
    assert set(mcnemar_to_winner(record, known)) == {(1e-3,), (5e-3,), (1e-1,)}
    assert differences_table(best_of(record), SPACE)["McNemar's p"].tolist()[2] == NONE
    whole = study(tmp_path, luck, search=replace(SEARCH, replicates=2), data=MANY)
    assert "McNemar's p" not in differences_table(best_of(whole), SPACE)


def test_without_replicates_the_report_says_what_is_missing(tmp_path: Path) -> None:
    """The noise of seeds is not in the intervals, and a reader is told so, and the way out."""
    once = study(tmp_path, luck, data=MANY)
    text = " ".join(remarks(findings(once), SEARCH))
    assert "Every value was trained once" in text
    assert "`--replicates 3`" in text
    assert "of networks trained with one seed" in tied_sentence(best_of(once), SPACE)
    thrice = findings(study(tmp_path, luck, search=FULL, data=MANY))
    text = " ".join(remarks(thrice, SEARCH))
    assert "The noise of seeds is in the intervals" in text
    assert thrice.best is not None
    assert "on the same images and seeds" in tied_sentence(thrice.best, SPACE)


def test_single_runs_are_spoken_of_as_networks(tmp_path: Path) -> None:
    """Where seeds are not in the intervals, no sentence is about the best value."""
    once = study(tmp_path, luck, data=MANY)
    best = best_of(once)
    assert "every other network is told from it" in tied_sentence(best, SPACE)
    tied = replace(best, others=tuple(replace(row, tied=True) for row in best.others))
    assert "the best of the 5 networks is among these 5" in tied_sentence(tied, SPACE)
    assert "did best of 5 values, and every other network is worse" in verdict(
        findings(once), SPACE
    )
    assert "Every other network is told from it" in once.stages[-1].reason
    known = replace(tied, freedom=4)
    assert "the best of the 5 values is among these 5" in tied_sentence(known, SPACE)


def test_runs_that_did_not_learn_are_named(tmp_path: Path) -> None:
    """They are left out of means and comparisons; a reader is told how many, and with what."""

    def collapses(of: Trial) -> Ending:
        return Ending(0.1) if (of.lam, of.replicate) in {(1e-2, 1), (1e-1, 0)} else luck(of)

    record = study(tmp_path, collapses, search=FULL, data=MANY)
    found = findings(record)
    assert found.best is not None
    assert (found.best.point, found.best.runs) == ((1e-2,), 2)
    assert [row.point for row in found.best.others] == [(1e-3,), (5e-3,), (2e-2,)]
    text = " ".join(remarks(found, FULL))
    assert (
        "**2 networks did not learn** (1 of 3 runs with λ = 1e-2; 1 of 1 run with λ = 0.1)" in text
    )
    assert "given that a network trains" in text
    assert "0.1 cannot win: no network learned" in record.stages[-1].reason
    assert "did not learn" not in " ".join(remarks(findings(study(tmp_path, luck)), SEARCH))


def test_a_tie_of_networks_that_differ_says_why(tmp_path: Path) -> None:
    """Its interval holds the noise of seeds, which McNemar's test knows nothing of."""
    best = best_of(study(tmp_path, luck, search=FULL, data=MANY))
    row = replace(best.others[0], tied=True, mcnemar=0.001)

    def seen(row: Against, freedom: int = best.freedom) -> str:
        alone = replace(best, others=(row,), freedom=freedom)
        return str(differences_table(alone, SPACE)["seen"][0])

    assert "with other seeds they may not" in seen(row)
    assert "its interval reaches zero" in seen(row, 0)
    assert seen(replace(row, mcnemar=0.5)) == "tied with the best"
    assert seen(replace(row, tied=False)) == "worse than the best"


def test_three_scores_stand_side_by_side(tmp_path: Path) -> None:
    """The selected one, that of fresh seeds, and that of the test set, with what each is worth."""
    record = study(tmp_path, luck, search=FULL, data=MANY)
    table = scores_table(findings(record))
    assert [name.partition(":")[0] for name in table["score"]] == [
        "selected",
        "fresh seeds",
        "test",
    ]
    assert table["accuracy"].tolist()[:2] == ["0.8980", "0.8930"]
    before = scores_table(replace(findings(record), finals=()))
    assert len(before) == 2


def test_a_value_waits_for_its_replicates_with_what_it_has(tmp_path: Path) -> None:
    """While a stage is open, a value counts with the runs of the stages before."""
    record = study(
        tmp_path,
        lambda of: WAITING if of.replicate and of.lam == 1e-2 else luck(of),
        search=FULL,
        data=MANY,
    )
    best = best_of(record)
    assert best.point == (2e-2,)  # all its replicates are there, and only it can win
    assert {row.point: row.runs for row in best.others}[1e-2,] == 1
    assert "## How sure is the winner" in render(record)


def test_stages_after_the_choice_took_no_part_in_it(tmp_path: Path) -> None:
    """Fresh seeds and the final model are not among what was compared."""
    record = study(tmp_path, luck, search=FULL, data=MANY)
    assert search_stages(record) == ("coarse", "fine", "replicates")


@pytest.mark.parametrize(
    ("p", "text"),
    [(None, NONE), (0.0, "<0.0002"), (0.00034, "0.0003"), (0.0512, "0.051"), (1.0, "1.000")],
)
def test_p_values_have_the_digits_they_deserve(p: float | None, text: str) -> None:
    """None is so small that 10,000 simulated searches would not show it."""
    assert p_value(p) == text


@pytest.fixture
def ax() -> Axes:
    """Return axes to draw on."""
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.subplots()


def test_each_difference_is_drawn_with_its_interval(ax: Axes) -> None:
    """A row a value, as shares, told apart by whether it is tied."""
    rows = pd.DataFrame(
        {
            "name": ["1e-3", "0.1"],
            "difference": [-0.01, -0.2],
            "low": [-0.03, -0.25],
            "high": [0.01, -0.15],
            "tied": [True, False],
        }
    )
    search_plots.difference_to_winner(rows, ax, of="λ").figure.canvas.draw()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1e-3", "0.1"]
    _, names = ax.get_legend_handles_labels()
    assert sorted(names) == ["cannot be told from it", "the best value", "worse"]
    low, high = ax.get_xlim()
    assert low < -0.25
    assert high > 0.01


def test_the_order_of_search_has_a_point_a_trial(tmp_path: Path, ax: Axes) -> None:
    """Every trial at its number and λ, each stage named."""
    record = study(tmp_path, luck, search=FULL, data=MANY)
    frame = order_frame(record, search_of(record))
    ruler = Ruler(LAM, (1e-3, 5e-3, 1e-2, 2e-2, 1e-1))
    search_plots.search_order(frame, ruler, ax, chosen=1e-2).figure.canvas.draw()
    _, names = ax.get_legend_handles_labels()
    assert names == ["coarse grid", "fine grid", "replicates", "fresh seeds", "final model"]
    dashed = 1
    assert sum(np.size(line.get_xdata()) for line in ax.lines[:-dashed]) == len(frame)
    assert ax.get_yscale() == "log"
