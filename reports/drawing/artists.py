"""Figures drawn beside each other, each in a fork of this process.

What draws a figure is a function over frames, which cannot be sent to another process; a fork has
it. It has none of the other threads, but their locks: a process with threads draws alone.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from kbn.errors import sendable

Work = Callable[[], object]
Done = Callable[[Exception | None], None]
"""Is told when a figure is drawn, or what was raised."""


class Artists:
    """Draws so many figures at once; a context manager, at whose end all are drawn.

    Parameters
    ----------
    at_once
        1 draws in this process; more, which takes `os.fork`, in children of it.
    """

    def __init__(self, at_once: int = 1) -> None:
        self._at_once = at_once
        self._drawing: dict[Connection, tuple[BaseProcess, Done]] = {}

    def draw(self, work: Work, done: Done) -> None:
        """Draw a figure, now or meanwhile."""
        if self._at_once == 1:
            done(_outcome(work))
            return
        while len(self._drawing) >= self._at_once:
            self._next()
        here, there = multiprocessing.Pipe(duplex=False)
        child = multiprocessing.get_context("fork").Process(target=_draw, args=(work, there))
        child.start()
        there.close()
        self._drawing[here] = child, done

    def finish(self) -> None:
        """Wait until all is drawn."""
        while self._drawing:
            self._next()

    def abandon(self) -> None:
        """End what draws: nobody waits for it."""
        for child, _ in self._drawing.values():
            child.terminate()
        for child, _ in self._drawing.values():
            child.join()
        self._drawing.clear()

    def _next(self) -> None:
        for here in wait(list(self._drawing)):
            assert isinstance(here, Connection)
            child, done = self._drawing.pop(here)
            try:
                outcome = here.recv()
            except EOFError:
                outcome = RuntimeError("the process that drew it was ended")
            child.join()
            done(outcome)


def _draw(work: Work, there: Connection) -> None:
    try:
        outcome = _outcome(work)
        there.send(outcome and sendable(outcome))
    except KeyboardInterrupt:  # whoever waits for it has heard the same
        pass


def _outcome(work: Work) -> Exception | None:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - whoever asked for it decides what it costs
        return error
    return None
