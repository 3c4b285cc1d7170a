"""Points of several studies against each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reports.compare.findings import tried_of
from search.evidence.outcomes import evidence
from search.evidence.studies import Together, Tried, apart, compare_studies, setup_of
from search.experiments.coarse_fine.settings import SearchSettings
from search.records import StudyRecord
from tests.reports.records import DIGITS, FAILED, SEARCH, Ending, by_lambda, good, study

WIDER = replace(SEARCH, hidden=(16,))


def tried(record: StudyRecord) -> Tried:
    """Return what a study tried."""
    found = tried_of(record)
    assert found is not None
    return found


def shared(*records: StudyRecord) -> Together:
    """Return the only group of some studies."""
    (group,) = compare_studies({k: tried(record) for k, record in enumerate(records)})
    return group


def lam(group: Together, setup: int) -> float:
    """Return a setup's λ."""
    return group.setups[setup].lam


def test_one_study_is_compared_as_its_own_report_does(tmp_path: Path) -> None:
    """The best setup and every difference are those of the search itself."""
    record = study(tmp_path)
    search = record.experiments[0].settings
    assert isinstance(search, SearchSettings)
    alone = evidence(tried(record).outcomes, search.space)
    assert alone is not None
    group = shared(record)
    assert (lam(group, group.winner),) == alone.winner
    found = {lam(group, int(row.point[0])): row.difference for row in group.known.rows}  # type: ignore[arg-type]
    assert found == {row.point[0]: row.difference for row in alone.rows}
    assert {lam(group, k) for k in group.ties} == {point[0] for point in alone.ties}


def test_what_two_studies_trained_is_one_setup(tmp_path: Path) -> None:
    """Equal studies have each setup once, and no run counts twice."""
    once, twice = shared(study(tmp_path)), shared(study(tmp_path), study(tmp_path))
    assert twice.setups == once.setups
    assert [each.runs for each in twice.candidates] == [each.runs for each in once.candidates]
    assert set(twice.tried_by) == {(0, 1)}
    assert twice.best == {0: once.winner, 1: once.winner}
    assert twice.known.rows == once.known.rows


def test_runs_of_all_studies_count(tmp_path: Path) -> None:
    """A study with more replicates lends them to the same setups of another one."""
    more = study(tmp_path, search=replace(SEARCH, replicates=3))
    group = shared(study(tmp_path), more)
    assert {each.runs for each in group.candidates} == {3}
    assert group.known.knows_seeds


def test_the_best_of_each_study_is_its_own(tmp_path: Path) -> None:
    """Its best setup is the one that the study would choose by itself; the best of all is best."""
    better = by_lambda({}, lambda trial: Ending(good(trial).accuracy + 0.05))
    group = shared(study(tmp_path), study(tmp_path, better, search=WIDER))
    assert [group.setups[group.best[k]].hidden for k in (0, 1)] == [(8,), (16,)]
    assert {lam(group, k) for k in group.best.values()} == {1e-2}
    assert group.winner == group.best[1]
    row = next(row for row in group.known.rows if row.point == (group.best[0],))
    assert row.difference == pytest.approx(-0.05)
    assert row.low < -0.05 < row.high


def test_pairing_makes_intervals_narrower(tmp_path: Path) -> None:
    """On images that both label nearly alike the interval is shorter than the unpaired one.

    And it holds for the largest of all differences, which the other does not.
    """
    better = by_lambda({}, lambda trial: Ending(good(trial).accuracy + 0.02))
    group = shared(study(tmp_path), study(tmp_path, better, search=WIDER))
    row = next(row for row in group.known.rows if row.point == (group.best[0],))
    one, other = ((group.accuracy(k), group.error(k)) for k in group.best.values())
    _, low, high = apart(one, other)
    assert row.high - row.low < 0.7 * (high - low)


@pytest.mark.parametrize(
    ("search", "data"),
    [
        (replace(SEARCH, seed=1), DIGITS),
        (SEARCH, replace(DIGITS, fingerprint="f" * 16)),
        (SEARCH, replace(DIGITS, validation_size=200)),
        (SEARCH, replace(DIGITS, train_size=800)),
        (replace(SEARCH, stratified=True), DIGITS),
    ],
    ids=["seed", "data", "validation", "training", "stratified"],
)
def test_studies_of_other_images_are_apart(
    tmp_path: Path, search: SearchSettings, data: object
) -> None:
    """What decides which images validate decides what is paired."""
    other = study(tmp_path, search=search, data=data)  # type: ignore[arg-type]
    groups = compare_studies({0: tried(study(tmp_path)), 1: tried(other)})
    assert [group.studies for group in groups] == [(0,), (1,)]


def test_a_study_of_which_nothing_completed_is_left_out(tmp_path: Path) -> None:
    """The others are compared without it."""
    failed = study(tmp_path, lambda trial: FAILED, search=WIDER)
    assert shared(study(tmp_path), failed).studies == (0,)
    assert compare_studies({0: tried(failed)}) == ()


def test_a_run_that_failed_in_one_study_is_taken_from_another(tmp_path: Path) -> None:
    """The same trial gives the same result wherever it came to its end."""
    failed = study(tmp_path, by_lambda({1e-3: FAILED}))
    group = shared(failed, study(tmp_path))
    assert 1e-3 in {setup.lam for setup in group.setups}


def test_equals_are_told_apart_by_simplicity(tmp_path: Path) -> None:
    """Of two setups with the same accuracy a study's best is the simpler, as in its own report."""
    group = shared(study(tmp_path, lambda trial: Ending(0.5)))
    assert lam(group, group.best[0]) == max(setup.lam for setup in group.setups)


def test_a_setup_stands_for_its_replicates(tmp_path: Path) -> None:
    """It is the trial of replicate 0."""
    trial = study(tmp_path).trials[0].trial
    assert setup_of(replace(trial, replicate=2)) == trial


def test_apart_is_a_difference_of_independent_scores() -> None:
    """1.96 standard errors, added as squares are, on each side."""
    difference, low, high = apart((0.5, 0.03), (0.6, 0.04))
    assert difference == pytest.approx(0.1)
    assert (high - difference, difference - low) == pytest.approx((1.959964 * 0.05,) * 2, rel=1e-6)
