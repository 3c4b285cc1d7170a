"""One hash over all results of a study, for two people to compare."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Protocol

from search.records import LOSSES, TEST_CORRECT, StudyRecord, TrialRecord

LEFT_OUT = (*LOSSES, TEST_CORRECT)
"""Arrays that older studies of the same results lack: what single images came to."""


class HasRecord(Protocol):
    """A study that ran: see `search.study.study.Study`."""

    @property
    def record(self) -> StudyRecord:
        """The study as reports see it."""


def digest(study: StudyRecord | HasRecord) -> str:
    """Return 16 hexadecimal digits over every result of a study, its epochs and arrays included.

    `LEFT_OUT` says which arrays take no part.

    Times, hosts, versions and failed attempts are left out, and order plays no part: the same
    specification gives the same hash with any number of workers, interrupted or not, on the same
    kind of CPU with the same NumPy and SciPy. Trials without a result do not enter.
    """
    record = study if isinstance(study, StudyRecord) else study.record
    summed = hashlib.sha256()
    for trial in sorted(record.trials, key=lambda trial: trial.trial.id):
        if trial.result is not None:
            summed.update(trial_digest(trial))
    return summed.hexdigest()[:16]


def trial_digest(record: TrialRecord) -> bytes:
    """Return the SHA-256 of all that came of a trial which has a result: epochs and arrays too."""
    result = record.result
    assert result is not None
    figures = (result.train, result.validation, result.test)
    plain = {
        "trial": record.trial.to_json(),
        "state": result.state.value,
        "epochs": result.epochs,
        "figures": [part and vars(part) for part in figures],
        "history": [_without_times(vars(epoch)) for epoch in record.history],
        "arrays": {
            name: [array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).hexdigest()]
            for name, array in result.arrays.items()
            if name not in LEFT_OUT
        },
    }
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).digest()


def _without_times(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "seconds"}
