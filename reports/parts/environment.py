"""Tables on where a study ran and what went wrong there."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from reports.parts.excerpt import MOST
from reports.parts.text import NONE, cell, count, cut, duration, moment, share
from search.evidence.digest import digest
from search.records import Attempt, State, StudyRecord, TrialRecord

_FIELDS = {
    "Python": "python",
    "NumPy": "numpy",
    "BLAS": "blas",
    "BLAS threads a trial": "blas_threads",
    "Ray": "ray",
    "CPU": "cpu",
    "hosts": "host",
}


LONGEST_ERROR = 300
"""Characters of an error in a table, at most; all of it stands below."""


def environment_table(record: StudyRecord) -> pd.DataFrame:
    """Return versions, machine and times; values that differ between trials are all named."""
    found = [trial.result.environment for trial in record.trials if trial.result]
    rows = {"this package": record.version}
    for label, name in _FIELDS.items():
        rows[label] = _distinct(getattr(environment, name) for environment in found)
    rows["executor"] = _distinct(
        f"{session.executor}, {count(session.slots, 'trial')} at once"
        for session in record.sessions
    )
    wall = sum(session.seconds for session in record.sessions)
    core = sum(trial.result.seconds for trial in record.trials if trial.result)
    rows["wall time"] = f"{duration(wall)} in {count(len(record.sessions), 'run')} of the command"
    rows["core time"] = f"{duration(core)} of training, one core a trial"
    rows["cores busy with training"] = utilisation(record)
    stopped = sum(attempt.interrupted for trial in record.trials for attempt in trial.attempts)
    if stopped:
        rows["interrupted"] = f"{count(stopped, 'attempt')}, when the command was; each made again"
    if record.sessions:
        rows["first run"] = moment(record.sessions[0].started)
    if found:
        rows["results' hash"] = digest(record)
    return pd.DataFrame({"": list(rows), "value": [cell(text) for text in rows.values()]})


def utilisation(record: StudyRecord) -> str:
    """Return the share of the runs' core time that trained the trials which gave results."""
    offered = sum(session.seconds * session.slots for session in record.sessions)
    core = sum(trial.result.seconds for trial in record.trials if trial.result)
    return f"{share(core / offered, 2)} of the wall time" if offered else NONE


def _distinct(values: Iterable[object]) -> str:
    names = dict.fromkeys(str(value) for value in values if value is not None)
    return "; ".join(names) or NONE


def mixed_environments(record: StudyRecord) -> tuple[str, ...]:
    """Return which of NumPy, BLAS and CPU differ between trials: there, last bits may differ."""
    found = [trial.result.environment for trial in record.trials if trial.result]
    return tuple(
        label
        for label in ("NumPy", "BLAS", "CPU")
        if len({getattr(environment, _FIELDS[label]) for environment in found}) > 1
    )


def failed_attempts(record: StudyRecord) -> tuple[tuple[TrialRecord, Attempt], ...]:
    """Return every attempt that went wrong, with its trial; not those that were stopped."""
    return tuple(
        (trial, attempt)
        for trial in record.trials
        for attempt in trial.attempts
        if attempt.failure is not None and not attempt.interrupted
    )


def shown_failures(record: StudyRecord) -> tuple[tuple[TrialRecord, Attempt], ...]:
    """Return all of a few failed attempts; of many the first with each error."""
    failed = failed_attempts(record)
    if len(failed) <= MOST:
        return failed
    first: dict[str, tuple[TrialRecord, Attempt]] = {}
    for trial, attempt in failed:
        first.setdefault(_error(attempt), (trial, attempt))
    return tuple(first.values())[:MOST]


def failures_remainder(record: StudyRecord) -> str:
    """Say how many failed attempts are not shown; nothing where all are."""
    failed, shown = failed_attempts(record), shown_failures(record)
    if len(shown) == len(failed):
        return ""
    errors = len({_error(attempt) for _, attempt in failed})
    return (
        f"{count(len(failed), 'attempt')} failed with {count(errors, 'different error')}; shown "
        f"{'is the first attempt' if len(shown) == 1 else f'are the first {len(shown)} of them'}."
    )


def _error(attempt: Attempt) -> str:
    assert attempt.failure is not None
    return f"{attempt.failure.type}: {attempt.failure.message}"


def failures_table(record: StudyRecord) -> pd.DataFrame:
    """Return one row a failed attempt that is shown."""
    return pd.DataFrame(
        [
            {
                "trial": f"{trial.number} ({trial.stage})",
                "run": cell(trial.label),
                "attempt": str(attempt.number),
                "node": cell(attempt.node) or NONE,
                "error": cell(cut(_error(attempt), LONGEST_ERROR)),
                "then": "given up" if _given_up(trial, attempt) else "tried again",
            }
            for trial, attempt in shown_failures(record)
        ]
    )


def _given_up(trial: TrialRecord, attempt: Attempt) -> bool:
    return trial.state is State.FAILED and attempt is trial.attempts[-1]
