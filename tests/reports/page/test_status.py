"""How a running study stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reports.page.status import Status
from reports.parts.excerpt import MOST
from search.records import State, UnderWay
from search.settings.values import number_text
from search.trial import Trial
from tests.reports.records import DIVERGED, FAILED, SEARCH, WAITING, Ending, study

VALUES = tuple(k / 1e4 for k in range(1, 201))


def status(folder: Path, values: tuple[float, ...]) -> Status:
    """Return how a study stands whose second half waits, but for its first trial, which runs."""
    half = values[len(values) // 2]

    def ending(of: Trial) -> Ending:
        if of.lam in values[:2]:
            return FAILED if of.lam == values[0] else DIVERGED
        return WAITING if of.lam >= half else Ending(0.5 + of.lam)

    record = study(folder, ending, search=replace(SEARCH, coarse=values))
    trials = (
        replace(each, state=State.RUNNING) if each.trial.lam == half else each
        for each in record.trials
    )
    record = replace(record, trials=tuple(trials))
    return Status(record, UnderWay({}, {}, expected_trials=len(values), expected_epochs=1))


def test_of_many_trials_those_to_look_at_are_shown(tmp_path: Path) -> None:
    """What went wrong, what runs, and the best of the others, in the plan's order."""
    text = status(tmp_path, VALUES).all_trials
    rows = [line for line in text.splitlines() if line.startswith("| coarse")]
    assert len(rows) == MOST
    shown = (*VALUES[:2], *VALUES[63:101])
    assert [row.split("|")[2].strip() for row in rows] == [f"λ={number_text(v)}" for v in shown]
    assert f"These are {MOST} of 200 trials" in text


def test_few_trials_are_all_shown(tmp_path: Path) -> None:
    """Each has its row, those that wait as well."""
    text = status(tmp_path, VALUES[:10]).all_trials
    assert sum(line.startswith("| coarse") for line in text.splitlines()) == 10
    assert "## All trials" in text
