"""How far a study is, in a small file of its folder: for whoever watches it from outside."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kbn.errors import WriteError
from kbn.files import write_text
from search.experiments.coarse_fine.settings import SearchSettings
from search.records import State
from search.running.runner import Notice
from search.running.tally import Tally
from search.settings.spec import Experiment

EVERY = 1.0
"""Seconds from one writing to the next, at least."""
SHARE = 0.01
"""Share of the driver's time that writing takes, at most."""


class ProgressFile:
    """Writes how far a study is; an observer, and a context manager.

    Its fields: `when`, in seconds since 1970; `trials`, `trials_ended`, `epochs`, `epochs_ended`
    and `seconds_left` as the tally has them; `running`, a row a trial; and of a study that is one
    search `axes`, and `points`: each point on them with the validation accuracies of its runs.

    Parameters
    ----------
    path
        The file. It stays when the run ends, and then says how far it came.
    tally
        How far the study is; it is told of a notice before this is.
    parts
        The study's experiments.
    """

    def __init__(self, path: Path, tally: Tally, parts: Sequence[Experiment]) -> None:
        self._path, self._tally = path, tally
        first = parts[0] if len(parts) == 1 else None
        self._search = first if isinstance(first, SearchSettings) else None
        self._running: dict[str, dict[str, Any]] = {}
        self._points: dict[str, tuple[list[Any], list[float]]] = {}
        self._due = 0.0

    def __call__(self, notice: Notice) -> None:
        """Take in a notice, and write the file when it is due."""
        key, record = notice.trial.id, notice.record
        if notice.state is State.RUNNING:
            self._running[key] = {
                "stage": notice.stage,
                "label": notice.label,
                "replicate": notice.trial.replicate,
                "epoch": record.epoch if record else 0,
                "epochs": notice.trial.epochs,
                "accuracy": record.validation_accuracy if record else None,
            }
        else:
            self._running.pop(key, None)
            self._take(notice)
        if time.monotonic() >= self._due:
            self._write()

    def _take(self, notice: Notice) -> None:
        """Keep the accuracy of a run that takes part in choosing."""
        result = notice.result
        if result is None or result.validation is None or result.test is not None:
            return
        if self._search and result.state is State.COMPLETED:
            point = list(self._search.space.of(notice.trial))
            _, accuracies = self._points.setdefault(repr(point), (point, []))
            accuracies.append(result.validation.accuracy)

    def _write(self) -> None:
        tally, started = self._tally, time.monotonic()
        held = {
            "when": time.time(),
            "trials": tally.trials,
            "trials_ended": tally.trials_ended,
            "epochs": tally.epochs,
            "epochs_ended": tally.epochs_ended,
            "seconds_left": tally.seconds_left,
            "running": list(self._running.values()),
            "axes": [each.axis.name for each in self._search.varied] if self._search else [],
            "points": list(self._points.values()),
        }
        try:
            # Nobody needs it when the power has gone, and training waits for no disk.
            write_text(self._path, json.dumps(held, ensure_ascii=False), lasting=False)
        except WriteError:  # the store will say so, if it cannot be written to either
            self._due = float("inf")
        else:
            now = time.monotonic()
            self._due = now + max(EVERY, (now - started) / SHARE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Write once more: nothing runs now."""
        self._running.clear()
        self._write()
