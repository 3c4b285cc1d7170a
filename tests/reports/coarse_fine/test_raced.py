"""What a report says of a race, and its figure."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from reports.coarse_fine.findings import findings
from reports.coarse_fine.race_figure import FAR, draw_race
from reports.coarse_fine.raced import Raced, RaceLook, Standing
from reports.coarse_fine.summary import summary, verdict
from reports.document import render
from search.records import StudyRecord
from search.trial import Trial
from tests.reports.records import DIGITS, SEARCH, WAITING, Ending, good, study

MANY = replace(DIGITS, validation_size=1_000)
RACE = replace(SEARCH, race=(3, 4), tolerance=0.0, fresh=1)
SPACE = SEARCH.space


def luck(of: Trial) -> Ending:
    """End as the study's λ and seed have it."""
    return Ending(round(good(of).accuracy - 0.002 * of.replicate, 4))


def not_yet(of: Trial) -> Ending:
    """End as `luck` does, but wait from the second replicate on."""
    return WAITING if of.replicate or of.with_test else luck(of)


def raced(record: StudyRecord) -> Raced:
    """Return what a study's report says of its race."""
    found = findings(record).race
    assert found is not None
    return found


def test_a_race_is_told_look_by_look(tmp_path: Path) -> None:
    """Who was left before each look, who was out, what was spent, and why it ended."""
    found = raced(study(tmp_path, luck, search=RACE, data=MANY))
    assert [look.runs for look in found.looks][:1] == [3]
    for before, after in pairwise(found.looks):
        left = {each.point for each in before.standings if not each.dropped}
        assert {each.point for each in after.standings} == left
    assert found.chosen in found.left
    assert found.loses is not None
    assert found.ending is not None
    assert found.spent < found.most
    assert f"after {found.spent} of {found.most} runs" in found.why


def test_the_first_line_says_what_the_chosen_one_may_lose(tmp_path: Path) -> None:
    """By how much at most, how sure that is, and what was spent; the summary says why it ended."""
    record = study(tmp_path, luck, search=replace(RACE, tolerance=0.3), data=MANY)
    found = findings(record)
    assert found.race is not None
    line = verdict(found, SPACE)
    assert f"{found.race.spent} of {found.race.most} runs were spent" in line
    assert "95%" in line
    assert "loses at most" in line or "every other one is known to be worse" in line
    assert found.race.why in " ".join(summary(found, SPACE))


def test_a_search_without_a_race_says_nothing_of_one(tmp_path: Path) -> None:
    """Neither in its numbers nor as a figure."""
    record = study(tmp_path, luck, search=SEARCH, data=MANY)
    assert findings(record).race is None
    assert "The race" not in render(record)


def test_a_race_that_goes_on_has_no_ending(tmp_path: Path) -> None:
    """Nothing is said of its end, and nothing drawn before the first look."""
    record = study(tmp_path, not_yet, search=RACE, data=MANY)
    found = raced(record)
    assert (found.ending, found.why, found.looks, found.loses) == (None, "", (), None)
    assert "The race" not in render(record)


def standing(lam: float, lead: float) -> Standing:
    """Return a value that another one leads over by so many standard errors."""
    out = lead > 3.0
    return Standing((lam,), 0.5, lead, 3.0, out, None if out else 0.01)


def test_the_figure_shows_who_was_left_and_what_was_saved() -> None:
    """A panel a look: a mark a value that was left before, and words for runs not spent.

    What is far behind is drawn at the edge.
    """
    first = RaceLook(3, (standing(1e-3, 0.0), standing(1e-2, 1.0), standing(0.1, 99.0)))
    second = RaceLook(5, (standing(1e-3, 0.0), standing(1e-2, 2.0)))
    race = Raced(
        looks=(first, second),
        hopeless=(),
        left=((1e-3,), (1e-2,)),
        chosen=(1e-3,),
        loses=0.01,
        ending="alike",
        why="",
        tolerance=0.01,
        spent=13,
        most=15,
        last_runs=5,
        replicates=None,
        images=None,
        seconds=None,
    )
    figure = Figure()
    draw_race(figure, SPACE, race)
    one, two = figure.axes
    assert (one.get_title(), two.get_title()) == ("3 runs each", "5 runs each")
    assert [text.get_text() for text in one.texts] == []
    assert [text.get_text() for text in two.texts] == ["2 runs saved"]
    assert [label.get_text() for label in one.get_yticklabels()] == ["1e-3", "1e-2", "0.1"]
    marks = {line.get_marker(): np.ravel(line.get_xdata()).tolist() for line in one.lines}
    assert marks[">"] == [pytest.approx(FAR * 3.0)]
    assert marks["o"] == [0.0, 1.0]
