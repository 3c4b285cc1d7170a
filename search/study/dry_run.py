"""What a study would do, as text: its trials, their memory and time, from a forecast."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tabulate import tabulate

from search.running.tally import time_text
from search.settings.execution import Execution
from search.settings.spec import StageOutline, StudySpec
from search.settings.values import show
from search.study.forecast import Forecast, Outlook, forecast


def describe(
    spec: StudySpec,
    how: Execution,
    *,
    say: Callable[[str], None],
    outlook: Outlook | None = None,
) -> str:
    """Return the text of a forecast."""
    found = forecast(spec, how, say=say, outlook=outlook)
    lines = [
        _headline(found),
        "",
        _table(found.stages),
        "",
        f"trials: {_with_done(*found.trials)}{_bounds(found)}, epochs: {_with_done(*found.epochs)}",
        _memory(found),
        _time(found),
        *found.there,
        *(f"warning: {warning}" for warning in found.warnings),
    ]
    return "\n".join(lines)


def _table(stages: Sequence[StageOutline]) -> str:
    begun = any(stage.done for stage in stages)
    return tabulate(
        [
            (
                *(stage.name, stage.trials, stage.epochs, stage.trials * stage.epochs),
                *([stage.done] if begun else []),
                stage.what,
            )
            for stage in stages
        ],
        headers=("stage", "trials", "epochs each", "epochs", *(["done"] if begun else []), "what"),
    )


def _bounds(found: Forecast) -> str:
    least, most = found.bounds
    return f" ({least} at least, {most} at most)" if least < most else ""


def _with_done(number: int, done: int) -> str:
    return f"{number} ({done} done)" if done else str(number)


def _headline(found: Forecast) -> str:
    data = found.data
    return (
        f"study {found.folder} on {data.title}: {data.train_size} training, "
        f"{data.validation_size} validation, {data.test_size} test images"
    )


def _memory(found: Forecast) -> str:
    text = (
        f"memory: {found.shared_mb:.0f} MB of arrays, shared by all trials of a machine, and about "
        f"{found.trial_mb:.0f} MB for each of {found.slots} at once"
    )
    if found.largest is None:
        return text
    widths, size = found.largest
    return f"{text}; of that the weights of the largest network, {show(widths)}, take {size:.0f} MB"


def _time(found: Forecast) -> str:
    each = found.seconds_per_epoch
    if not each:
        return "time: nothing is left to train; the same command writes the report again"
    span = f"{each[0]:.2f} s" if len(each) == 1 else f"{min(each):.2f} to {max(each):.2f} s"
    network = "a throw-away network" if len(each) == 1 else f"{len(each)} throw-away networks"
    return (
        f"time: about {time_text(found.seconds)} with {found.slots} at once ({span} an epoch, "
        f"timed here on a few steps of {network})"
    )
