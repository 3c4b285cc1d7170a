"""A specification meets its data, in a process of its own: what it studies, and what it would do.

python -m search.service.prepared < QUESTION > ANSWER
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from search.service.elsewhere import asked
from search.settings.execution import Execution
from search.settings.spec import StudySpec
from search.study.command import exit_code, outlook_of
from search.study.forecast import Forecast, forecast
from search.study.kept import SPECIFICATIONS
from search.study.run import identity_of
from search.training.problem import prepare


@dataclass(frozen=True)
class Prepared:
    """What is known of a study before it runs."""

    identity: Mapping[str, Any]
    """Its specification and data, as `spec.json` holds them."""
    name: str
    """Its name, unless it is given one."""
    forecast: Mapping[str, Any] | None = None
    """See `search.study.forecast.Forecast`, as plain values; None where none was asked for."""


def prepared(spec: StudySpec, how: Execution, *, forecast: bool = False) -> Prepared:
    """Return what is known of a study before it runs.

    Raises `InputError` for data that cannot be had, and for settings that do not fit them.
    """
    question = {
        "kind": spec.kind,
        "specification": spec.plain(),
        "execution": how.plain(),
        "forecast": forecast,
    }
    return Prepared(**asked("search.service.prepared", question))


def _answer(question: Mapping[str, Any]) -> int:
    """Print what is known of a study, as JSON."""
    spec = SPECIFICATIONS[question["kind"]](**question["specification"])
    how = Execution(**question["execution"])
    say = partial(print, file=sys.stderr)
    problem = prepare(spec, data_dir=how.data_dir, say=say)
    ahead = partial(forecast, say=say, outlook=outlook_of(how))
    found = ahead(spec, how) if question["forecast"] else None
    answer = {
        "identity": identity_of(spec, problem),
        "name": spec.study_name(problem.record.name),
        "forecast": None if found is None else _plain(found),
    }
    json.dump(answer, sys.stdout, allow_nan=False)
    return 0


def _plain(found: Forecast) -> dict[str, Any]:
    """Return a forecast as JSON has values."""
    (trials, trials_done), (epochs, epochs_done) = found.trials, found.epochs
    return {
        "data": asdict(found.data),
        "stages": [asdict(stage) for stage in found.stages],
        "trials": trials,
        "trials_done": trials_done,
        "epochs": epochs,
        "epochs_done": epochs_done,
        "shared_mb": found.shared_mb,
        "trial_mb": found.trial_mb,
        "slots": found.slots,
        "seconds": found.seconds,
        "seconds_per_epoch": list(found.seconds_per_epoch),
        "warnings": list(found.warnings),
    }


if __name__ == "__main__":
    sys.exit(exit_code(partial(_answer, json.load(sys.stdin))))
