"""What writes a study's pages and report: this process, or one of its own that waits for it.

What draws takes a second to load, and a figure a quarter of one. A process of its own loads it
while Ray starts, and can draw figures beside each other: see `reports.drawing.artists`.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import cluster
from kbn.errors import InputError, one_line, sendable
from search.records import Missing, StudyRecord, UnderWay

PATIENCE = 5.0
"""Seconds that a process for reports is given to end what it is at."""


def check_reports() -> None:
    """Raise `InputError` when what writes reports cannot be loaded: sooner than after training."""
    try:
        import_module("reports")
    except Exception as error:
        raise InputError(
            f"no report could be written here ({one_line(error)}); "
            "`python -c 'import reports'` shows why"
        ) from error


def write_page(record: StudyRecord, under_way: UnderWay | None) -> Path:
    """Write the page of a study as it stands, and return its path."""
    import reports

    return reports.write_page(record, under_way)


def write_report(record: StudyRecord, artists: int = 1) -> tuple[Missing, ...]:
    """Write the report, its figures and the tables; return what could not be made.

    Of `artists`, several may only draw in a process without threads: see `reports.write`.
    """
    import reports

    return reports.write(record, artists=artists).missing


def artists_here() -> int:
    """Return how many figures a process without threads can draw at once."""
    return cluster.cores_here() if sys.platform == "linux" else 1


WITHOUT_THREADS: dict[Callable[..., Any], Callable[..., Any]] = {
    write_report: lambda record: write_report(record, artists=artists_here())
}
"""What a process that may fork calls instead of what it is asked for."""

Do = Callable[..., Any]
"""Calls a function of this module with what is given, wherever it is; returns what that does."""


@contextmanager
def reporter(*, apart: bool) -> Iterator[Do]:
    """Yield what calls the functions above: in this process, or `apart`, in one of its own.

    That one is forked off now, when there are no threads and no Ray, and loads what it will need.
    What a function raises there is raised here. Should that process be ended, this one does it.
    """
    if not apart or sys.platform != "linux":
        yield lambda function, *given: function(*given)
        return
    own = _Apart()
    try:
        yield own
    finally:
        own.close()


class _Apart:
    def __init__(self) -> None:
        self._line, far = multiprocessing.Pipe()
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=_serve, args=(far, self._line))
        self._process.start()
        far.close()
        self._works = False

    def __call__(self, function: Callable[..., Any], *given: Any) -> Any:
        try:
            self._line.send((function, given))
            answer = self._answer()
        except (EOFError, OSError):
            return function(*given)
        if isinstance(answer, _Raised):
            raise answer.error
        return answer

    def _answer(self) -> Any:
        """Return what comes next; of what is interrupted no answer is left for the next."""
        self._works = True
        try:
            self._line.poll(None)
        except KeyboardInterrupt:
            if self._line.poll(PATIENCE):
                self._line.recv()
                self._works = False
            raise
        self._works = False
        return self._line.recv()

    def close(self) -> None:
        """End it, at once unless it would leave a file half-written."""
        self._line.close()
        if self._works:
            self._process.terminate()
            self._process.join(PATIENCE)
        self._process.kill()
        self._process.join()


class _Raised(NamedTuple):
    error: Exception


def _serve(line: Connection, far: Connection) -> None:
    """Call what is asked for until the other end is closed."""
    far.close()
    with suppress(KeyboardInterrupt, EOFError, OSError):
        with suppress(Exception):  # whoever asks first is told
            import_module("reports")
        warm = False
        while True:
            function, given = line.recv()
            try:
                answer = WITHOUT_THREADS.get(function, function)(*given)
            except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
                answer = _Raised(sendable(error))
            line.send(answer)
            if not warm:  # once whoever asked first has gone on
                warm = True
                with suppress(Exception):
                    import_module("reports").warm_up()
