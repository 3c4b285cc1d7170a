"""A report on many values: legible, and no larger than a reader can use."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import reports
from reports.coarse_fine.searched import known_of
from reports.document import render
from reports.parts.excerpt import MOST
from search.records import StudyRecord
from search.settings.values import number_text
from search.space.points import only
from search.space.vary import vary
from search.trial import Trial
from tests.reports.coarse_fine.points import SAMPLE, TWO, searched
from tests.reports.records import DIVERGED, FAILED, SEARCH, Ending, study

VALUES = tuple(float(f"{lam:.4g}") for lam in np.geomspace(1e-5, 1e-1, 400))
SENTENCE = 700
"""Characters of a paragraph, at most."""


def ending(trial: Trial) -> Ending:
    """End well near 1e-3, about as well as neighbours do; a few values do not complete."""
    if trial.lam in VALUES[:3]:
        return FAILED if trial.lam == VALUES[0] else DIVERGED
    return Ending(round(0.8 - 0.1 * abs(float(np.log10(trial.lam / 1e-3))), 2))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> StudyRecord:
    """Return a study of some 400 values."""
    search = replace(SEARCH, coarse=VALUES)
    return study(tmp_path_factory.mktemp("study"), ending, search=search)


@pytest.fixture(scope="module")
def text(many: StudyRecord) -> str:
    """Return its report, without figures."""
    return render(many, figures=False)


def test_tables_hold_what_a_reader_looks_at(text: str) -> None:
    """The best values stand in them, and a line says what is left out."""
    tables = re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE)
    assert all(table.count("\n") <= MOST + 2 for table in tables)
    assert "These are 20 of 400 values, the best ones among them; 377 others have" in text
    assert "; 3 have no accuracy. All are in `trials.csv`." in text
    assert re.search(r"Of the other \d+, \d+ are tied with the best and \d+ are worse\.", text)


def test_sentences_count_what_they_cannot_list(many: StudyRecord, text: str) -> None:
    """Ties, grids and values that cannot win are told by their number and ends."""
    found = known_of(many)
    assert found is not None
    assert len(found.ties) > 20
    ends = f"from {number_text(only(found.ties[0]))} to {number_text(only(found.ties[-1]))}"
    assert text.count(f"{len(found.ties)} values {ends} cannot be told") == 2
    assert f"Not told from it: {len(found.ties)} values {ends}." in text
    assert "Coarse grid of 400 values from 1e-5 to 0.1, as specified." in text
    command = f"\n{many.command}\n"
    assert command in text
    lines = text.replace(command, "").splitlines()
    assert max(len(line) for line in lines if not line.startswith("|")) < SENTENCE


def test_the_page_is_small_and_no_figure_is_long(many: StudyRecord) -> None:
    """Every figure fits a screen, and the page an e-mail."""
    report = reports.write(many)
    assert report.html.stat().st_size < 5_000_000
    pictures = sorted((many.folder / "figures").glob("*.png"))
    assert len(pictures) == 8
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.height <= picture.width, path


THOUSAND = {
    "a grid of 990": replace(TWO, vary=vary("vary", ("eta_max=0.01:1:30", "lam=1e-5:1e-1:33"))),
    "a sample, and one as large around its best": replace(SAMPLE, samples=500),
}


@pytest.mark.slow  # a thousand points, with all that is drawn of them
@pytest.mark.parametrize("name", THOUSAND)
def test_a_thousand_points_of_several_axes_are_aggregated(tmp_path: Path, name: str) -> None:
    """The page of a grid and of a sample fits an e-mail, and says which axis mattered."""
    record = searched(tmp_path, THOUSAND[name])
    assert len(record.trials) > 990
    report = reports.write(record)
    assert report.missing == ()
    assert report.html.stat().st_size < 5_000_000
    assert "mattered most" in report.path.read_text(encoding="utf-8")
    for path in (record.folder / "figures").glob("*.png"):
        with Image.open(path) as picture:
            assert picture.height <= picture.width, path


def test_what_is_known_is_worked_out_once(many: StudyRecord) -> None:
    """All parts of a report are told by one comparison, which takes long."""
    assert known_of(many) is known_of(many)
