"""Does λ help at all: a study's answer, and where λ = 0 is drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reports.coarse_fine.baseline import against_baseline, does_it_help
from reports.coarse_fine.facts import Against, Findings
from reports.coarse_fine.findings import findings
from reports.coarse_fine.section import section
from reports.coarse_fine.summary import summary
from reports.coarse_fine.tables import grid_table
from reports.drawing.album import Album
from search.records import Missing
from search.space.points import Point
from tests.reports.coarse_fine.points import TWO
from tests.reports.records import DIGITS, DIVERGED, SEARCH, Ending, Endings, good, study

MANY = replace(DIGITS, validation_size=2_000)
ZERO = replace(SEARCH, coarse=(0.0, 1e-3, 1e-2, 1e-1))
SPACE = ZERO.space
GRID = replace(TWO, vary=({"eta_max": (0.01, 0.1, 1.0), "lam": "0,1e-3:1e-1:3"}))


def with_zero(zero: Ending) -> Endings:
    """End runs of λ = 0 as told, the others well."""
    return lambda trial: good(trial) if trial.lam else zero


def found_in(folder: Path, zero: Ending) -> Findings:
    """Return the findings of a study with a baseline."""
    return findings(study(folder, with_zero(zero), search=ZERO, data=MANY))


@pytest.mark.parametrize(
    ("zero", "helps", "words"),
    [
        (0.5, True, "**Regularisation helps**: λ = 1e-2 labels +0.4000 of the validation images"),
        (0.8995, None, "**Whether regularisation helps cannot be told**: λ = 1e-2 labels +0.0005"),
        (0.99, False, "**Regularisation does not help**: λ = 1e-2 labels −0.0900"),
    ],
)
def test_a_study_answers_whether_regularisation_helps(
    tmp_path: Path,
    zero: float,
    helps: bool | None,  # noqa: FBT001 - a case
    words: str,
) -> None:
    """By the interval between the best λ above 0 and λ = 0, whichever of them is the best."""
    found = found_in(tmp_path, Ending(zero))
    known = found.baseline
    assert known is not None
    assert (known.point, known.rival, known.helps) == ((0.0,), (1e-2,), helps)
    assert known.gain == pytest.approx(0.9 - zero)
    assert known.low < known.gain < known.high
    answer = does_it_help(found, SPACE)
    assert answer.startswith(words)
    assert "right against λ = 0 (95% interval" in answer
    assert "for networks of one seed" in answer
    assert answer in list(summary(found, SPACE))


def test_where_nothing_can_be_compared_the_answer_says_so(tmp_path: Path) -> None:
    """A baseline that diverged tells nothing; a search without one has no such sentence."""
    found = found_in(tmp_path / "diverged", DIVERGED)
    assert found.baseline is None
    assert does_it_help(found, SPACE).startswith("Whether regularisation helps is not known")
    without = findings(study(tmp_path / "without"))
    assert without.baseline is None
    assert does_it_help(without, SPACE) == ""


def row(point: Point, difference: float, reach: float) -> Against:
    """Return a point against the best one."""
    low, high = difference - reach, difference + reach
    return Against(point, 1, difference, low, high, 0.5, high >= 0, None)


def test_of_several_axes_the_best_points_of_both_kinds_are_compared(tmp_path: Path) -> None:
    """λ helps where every point without it is told from the best; the nearest one is named."""
    best = findings(study(tmp_path, with_zero(Ending(0.5)), search=GRID, data=MANY)).best
    assert best is not None
    others = (row((0.1, 0.0), -0.02, 0.01), row((1.0, 0.0), -0.04, 0.05), row((1.0, 0.1), -0.1, 0))
    best = replace(best, point=(0.1, 1e-2), others=others)
    known = against_baseline(best, GRID.space)
    assert known is not None
    assert (known.point, known.rival) == ((0.1, 0.0), (0.1, 1e-2))
    assert (known.gain, known.low, known.high) == pytest.approx((0.02, -0.01, 0.03))
    assert known.helps is None
    told = against_baseline(replace(best, others=others[::2]), GRID.space)
    assert told is not None
    assert told.low == pytest.approx(0.01)
    assert told.helps


def test_what_the_race_alone_knows_is_said(tmp_path: Path) -> None:
    """Another value may lead over λ = 0 by more than the best one is known to."""
    found = found_in(tmp_path, Ending(0.5))
    assert found.baseline is not None
    assert "race" not in does_it_help(found, SPACE)
    wide = replace(found, baseline=replace(found.baseline, low=-0.01))
    assert does_it_help(wide, SPACE).endswith("and λ = 0 dropped out of the race.")


def test_zero_is_in_tables_and_captions(tmp_path: Path) -> None:
    """First in the table of its grid; the caption says which curve is its."""
    record = study(tmp_path, with_zero(Ending(0.8)), search=ZERO, data=MANY)
    found = findings(record)
    assert grid_table(found.looks[0], SPACE, chosen=found.chosen)["λ"].tolist()[0] == "0"
    pictures = section(record, Album(record, missing=[], empty=True)).context["pictures"]
    assert "λ = 0 in grey" in pictures["learning"].caption


@pytest.mark.slow  # every figure of two searches
def test_zero_has_a_place_in_every_figure(tmp_path: Path) -> None:
    """On one axis and on two, at a tick of its own."""
    missing: list[Missing] = []
    for search, name in ((ZERO, "accuracy"), (GRID, "map")):
        record = study(tmp_path, with_zero(Ending(0.8)), search=search, data=MANY)
        pictures = section(record, Album(record, missing=missing)).context["pictures"]
        assert not missing
        assert ">0<" in (tmp_path / pictures[name].svg).read_text(encoding="utf-8")
