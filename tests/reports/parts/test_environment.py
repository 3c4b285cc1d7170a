"""Where a study ran, and what went wrong there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.document import render
from reports.parts.environment import (
    LONGEST_ERROR,
    environment_table,
    failed_attempts,
    failures_remainder,
    failures_table,
    mixed_environments,
    shown_failures,
)
from reports.parts.text import NONE
from search.records import INTERRUPTED, Attempt, Session, State, StudyRecord
from tests.reports.records import FAILED, SEARCH, STUDIES, Ending, by_lambda, study


def values(record: StudyRecord) -> dict[str, str]:
    """Return the table as a dict."""
    table = environment_table(record)
    return dict(zip(table[""], table["value"], strict=True))


def moved(record: StudyRecord, **change: Any) -> StudyRecord:
    """Return a study whose last trial was trained elsewhere."""
    *others, last = record.trials
    assert last.result is not None
    elsewhere = replace(last.result.environment, **change)
    last = replace(last, result=replace(last.result, environment=elsewhere))
    return replace(record, trials=(*others, last))


def test_versions_machine_and_times(tmp_path: Path) -> None:
    """Versions as the trials report them, times summed over trials and runs."""
    record = study(tmp_path)
    sessions = (Session(0.0, 100.0, "serial", 1, 3), Session(9e8, 20.0, "Ray, embedded", 2, 3))
    found = values(replace(record, sessions=sessions))
    assert (found["Python"], found["NumPy"], found["BLAS"]) == ("3.11", "2.0", "a BLAS")
    assert (found["CPU"], found["hosts"], found["Ray"]) == ("a CPU", "here", NONE)
    assert found["executor"] == "serial, 1 trial at once; Ray, embedded, 2 trials at once"
    assert found["wall time"] == "0:02:00 in 2 runs of the command"
    # Five trials of 3 epochs and one of 6, at 0.1 s and 0.2 s an epoch.
    assert found["core time"] == "4.8 s of training, one core a trial"
    assert found["first run"] == "1970-01-01 00:00 UTC"
    assert found["this package"] == record.version


def test_a_study_that_has_not_run_has_an_environment(tmp_path: Path) -> None:
    """Dashes and zeros, without a complaint."""
    found = values(replace(study(tmp_path, STUDIES["nothing yet"]), sessions=()))
    assert (found["Python"], found["executor"]) == (NONE, NONE)
    assert found["wall time"].startswith("0.0 s in 0 runs")
    assert "first run" not in found


@pytest.mark.parametrize(
    ("change", "mixed", "row"),
    [
        ({}, (), "hosts"),
        ({"host": "there"}, (), "hosts"),
        ({"cpu": "another CPU"}, ("CPU",), "CPU"),
        ({"numpy": "2.1"}, ("NumPy",), "NumPy"),
        ({"numpy": "2.1", "blas": "another", "cpu": "c"}, ("NumPy", "BLAS", "CPU"), "BLAS"),
    ],
    ids=str,
)
def test_trials_of_different_machines(
    tmp_path: Path, change: dict[str, str], mixed: tuple[str, ...], row: str
) -> None:
    """Each value is listed; what may change the last bits is named apart."""
    record = moved(study(tmp_path), **change)
    assert mixed_environments(record) == mixed
    assert values(record)[row].count("; ") == (1 if change else 0)


def test_each_failed_attempt_has_a_row(tmp_path: Path) -> None:
    """In the order of trials, then of attempts, with where and why."""
    endings = by_lambda({1e-3: FAILED, 1e-1: Ending(failures=("lost | once\nmore",))})
    record = study(tmp_path, endings)
    table = failures_table(record)
    assert len(failed_attempts(record)) == len(table) == 3
    assert list(table["trial"]) == ["0 (coarse)", "0 (coarse)", "2 (coarse)"]
    assert list(table["run"]) == ["λ=1e-3", "λ=1e-3", "λ=0.1"]
    assert list(table["attempt"]) == ["1", "2", "1"]
    assert set(table["node"]) == {"10.0.0.7"}
    assert list(table["error"]) == [
        "RuntimeError: out of luck",
        "RuntimeError: out of luck again",
        "RuntimeError: lost \\| once more",
    ]


def test_what_followed_each_failed_attempt(tmp_path: Path) -> None:
    """Only the last attempt of a failed trial was given up: each before it was tried again."""
    endings = by_lambda({1e-3: FAILED, 1e-1: Ending(failures=("lost",))})
    table = failures_table(study(tmp_path, endings))
    assert list(table["then"]) == ["tried again", "given up", "tried again"]


def test_what_ended_with_the_command_did_not_fail(tmp_path: Path) -> None:
    """An attempt that Ctrl-C cut short is counted where times are, and is no failure."""
    record = study(tmp_path, by_lambda({1e-1: Ending(failures=("lost",))}))
    trials = []
    for trial in record.trials:
        stopped = Attempt(1, "", 1.75e9, INTERRUPTED)
        later = (replace(each, number=each.number + 1) for each in trial.attempts)
        trials.append(replace(trial, attempts=(stopped, *later)))
    record = replace(record, trials=tuple(trials))
    assert len(failed_attempts(record)) == 1
    assert list(failures_table(record)["attempt"]) == ["2"]
    assert values(record)["interrupted"] == "6 attempts, when the command was; each made again"
    assert "interrupted" not in values(study(tmp_path))


def test_a_study_without_failures(tmp_path: Path) -> None:
    """An attempt that gave a result is none, and neither is a diverged one."""
    record = study(tmp_path, STUDIES["one diverged"])
    assert failed_attempts(record) == ()
    assert failures_table(record).empty


def test_many_failed_attempts_are_told_by_their_errors(tmp_path: Path) -> None:
    """One of each error is shown, in the order of trials, and all are counted."""
    search = replace(SEARCH, coarse=tuple(k / 1e4 for k in range(1, 101)))
    other = Ending(state=State.FAILED, failures=("out of luck", "out of memory"))
    record = study(tmp_path, by_lambda({5e-3: other}, lambda _: FAILED), search=search)
    table = failures_table(record)
    assert len(failed_attempts(record)) == 200
    assert list(table["error"]) == [
        f"RuntimeError: {why}" for why in ("out of luck", "out of luck again", "out of memory")
    ]
    assert list(table["trial"]) == ["0 (coarse)", "0 (coarse)", "49 (coarse)"]
    assert failures_remainder(record) == (
        "200 attempts failed with 3 different errors; shown are the first 3 of them."
    )
    assert render(record, figures=False).count("<details>") == 3


def test_few_failed_attempts_are_all_shown(tmp_path: Path) -> None:
    """Equal errors of two trials are two rows, and nothing is left to say."""
    record = study(tmp_path, by_lambda({1e-3: FAILED, 1e-1: FAILED}))
    assert shown_failures(record) == failed_attempts(record)
    assert failures_remainder(record) == ""


def test_a_long_error_is_cut_in_the_table(tmp_path: Path) -> None:
    """All of it stands in the details below."""
    record = study(tmp_path, by_lambda({1e-1: Ending(failures=("long " * 20_000 + "end",))}))
    (error,) = failures_table(record)["error"]
    assert len(error) == LONGEST_ERROR
    assert error.endswith("…")
    assert "long end" in render(record, figures=False)
