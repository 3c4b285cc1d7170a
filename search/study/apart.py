"""A process of its own for a study's pages and report.

What draws takes a second or two to load, and a figure a quarter of one. This process loads it while
Ray starts, and gives way to whatever the first step waits for; it can draw figures beside each
other (see `reports.drawing.artists`), and those that the last trials will not change while these
still train.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

import cluster
from kbn.errors import sendable
from search.records import StudyRecord
from search.study.reporting import Reporter, artists_here, check_reports, write_report

PATIENCE = 5.0
"""Seconds that a process for reports is given to end what it is at."""
LOWER = 19
"""How much lower the priority of what nobody waits for yet is; that of Ray's workers is by 15."""
_FORK = multiprocessing.get_context("fork") if sys.platform == "linux" else None


@contextmanager
def reporter(*, apart: bool) -> Iterator[Reporter]:
    """Yield what writes pages and reports: in this process, or `apart`, in one of its own.

    That one is forked off now, when there are no threads and no Ray, and loads what it will need.
    What a function raises there is raised here. Should that process be ended, this one does it.
    """
    if not apart or _FORK is None:
        yield Reporter()
        return
    own = _Apart()
    try:
        yield own
    finally:
        own.close()


class _Question(NamedTuple):
    number: int
    """0 for one that wants no answer."""
    function: Callable[..., Any]
    given: tuple[Any, ...]


class _Answer(NamedTuple):
    number: int
    value: Any
    error: Exception | None = None


class _Apart(Reporter):
    def __init__(self) -> None:
        self._line, far = multiprocessing.Pipe()
        assert _FORK is not None
        self._process = _FORK.Process(target=_serve, args=(far, self._line))
        self._process.start()
        far.close()
        self._asked = self._answered = 0
        self._check = 0
        """The question whose answer `look` waits for."""
        self._failed: Exception | None = None

    def __call__(self, function: Callable[..., Any], *given: Any) -> Any:
        try:
            number = self._ask(function, *given)
            while (answer := self._next()).number != number:
                pass  # of a check, or of what was interrupted
        except (EOFError, OSError):
            return function(*given)
        if error := self._failed or answer.error:
            raise error
        return answer.value

    def _ask(self, function: Callable[..., Any], *given: Any) -> int:
        self._line.send(_Question(self._asked + 1, function, given))
        self._asked += 1
        return self._asked

    def _next(self) -> _Answer:
        """Return the next answer."""
        self._line.poll(None)  # what is interrupted here is whole when it is read
        answer: _Answer = self._line.recv()
        self._answered = answer.number
        if answer.number == self._check:
            self._check, self._failed = 0, answer.error
        return answer

    def check(self) -> None:
        try:
            self._check = self._ask(check_reports)
        except OSError:
            check_reports()

    def look(self) -> None:
        with suppress(EOFError, OSError):
            if self._check and self._line.poll():
                self._next()
        if self._failed:
            raise self._failed

    def ahead(self, record: Callable[[], StudyRecord]) -> None:
        self.look()
        if not self._check:  # else it still loads, and what it is sent would be waited for
            with suppress(OSError):
                self._line.send(_Question(0, _draw_ahead, (record(),)))

    def close(self) -> None:
        """End it, at once unless it would leave a file half-written."""
        self._line.close()
        if self._asked != self._answered:
            self._process.terminate()
            self._process.join(PATIENCE)
        self._process.kill()
        self._process.join()


def _serve(line: Connection, far: Connection) -> None:
    """Call what is asked for until the other end is closed."""
    far.close()
    loading = threading.Thread(target=_load, daemon=True)
    loading.start()
    with suppress(KeyboardInterrupt, EOFError, OSError):
        ahead = _Ahead(line)
        while True:
            number, function, given = ahead.next()
            loading.join()  # a fork would lose the thread
            if function is _draw_ahead:
                ahead.begin(*given)
                continue
            if function is write_report:
                given = (*given, artists_here(), ahead.end())
            try:
                answer = _Answer(number, function(*given))
            except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
                answer = _Answer(number, None, sendable(error))
            line.send(answer)


def _load() -> None:
    """Load what draws, and draw once: that is there in forks then, too."""
    os.nice(LOWER)  # on Linux, of this thread alone
    with suppress(Exception):  # whoever asks first is told
        import_module("reports").warm_up()


class _Ahead:
    """Draws figures before a study ends, in a child that takes what time the others leave."""

    def __init__(self, line: Connection) -> None:
        self._line = line
        self._drawn: dict[bytes, Any] = {}
        self._child: tuple[Connection, BaseProcess] | None = None

    def next(self) -> _Question:
        """Return what is asked next, and take in what is drawn meanwhile."""
        while True:
            child = [self._child[0]] if self._child else []
            ready = wait([self._line, *child])
            if self._line in ready:
                question: _Question = self._line.recv()
                return question
            self._take()

    def _take(self) -> None:
        """Take in a figure; the end of the child where there is none."""
        assert self._child is not None
        drawing, child = self._child
        try:
            key, painted = drawing.recv()
            self._drawn[key] = painted
        except (EOFError, OSError):
            self._child = None
            drawing.close()
            child.join()

    def begin(self, record: StudyRecord) -> None:
        """Draw what there is of a study and is not drawn yet."""
        self.end()
        assert _FORK is not None
        here, there = multiprocessing.Pipe(duplex=False)
        given = os.getpid(), record, self._drawn.keys(), there
        child = _FORK.Process(target=_draw_ahead, args=given)
        child.start()
        there.close()
        self._child = here, child

    def end(self) -> dict[bytes, Any]:
        """Stop drawing; return what is drawn."""
        if self._child:
            self._child[1].kill()
        while self._child:
            self._take()
        return self._drawn


def _draw_ahead(parent: int, record: StudyRecord, known: Any, there: Connection) -> None:
    cluster.end_with(parent)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with suppress(Exception, KeyboardInterrupt):  # the report says what cannot be drawn
        import_module("reports").draw_ahead(record, known, lambda *drawn: there.send(drawn))
