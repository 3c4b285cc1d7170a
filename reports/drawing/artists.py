"""Figures drawn beside each other, in forks of this process.

What draws a figure is a function over frames, which cannot be sent to another process; a fork has
it. It has none of the other threads, but their locks: a process with threads draws alone.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from kbn.errors import sendable

Work = Callable[[], object]
Done = Callable[[Exception | None], None]
"""Is told when a figure is drawn, or what was raised."""


class Artists:
    """Draws so many figures at once.

    Parameters
    ----------
    at_once
        1 draws in this process; more, which takes `os.fork`, in so many children of it: each draws
        several, since a fork takes a good part of the time that a figure does.
    """

    def __init__(self, at_once: int = 1) -> None:
        self._at_once = at_once
        self._waiting: list[tuple[Work, Done]] = []
        self._drawing: dict[Connection, tuple[BaseProcess, Done]] = {}

    def draw(self, work: Work, done: Done) -> None:
        """Draw a figure, now or until `finish` ends."""
        if self._at_once == 1:
            done(_outcome(work))
        else:
            self._waiting.append((work, done))

    def finish(self) -> None:
        """Draw what is not drawn yet."""
        works = [work for work, _ in self._waiting]
        left = iter(list(enumerate(done for _, done in self._waiting)))
        self._waiting.clear()
        for _ in range(min(self._at_once, len(works))):
            self._begin(works, *next(left))
        while self._drawing:
            for here in wait(list(self._drawing)):
                assert isinstance(here, Connection)
                child, done = self._drawing.pop(here)
                following = next(left, None)
                try:
                    outcome = here.recv()
                    if following is not None:
                        here.send(following[0])
                        self._drawing[here] = child, following[1]
                except EOFError:
                    outcome = RuntimeError("the process that drew it was ended")
                    if following is not None:
                        self._begin(works, *following)
                if here not in self._drawing:
                    here.close()
                    child.join()
                done(outcome)

    def _begin(self, works: Sequence[Work], first: int, done: Done) -> None:
        """Have a child draw a figure, and then those whose numbers it is sent."""
        here, there = multiprocessing.Pipe()
        ours = [here, *self._drawing]
        child = multiprocessing.get_context("fork").Process(
            target=_draw, args=(works, first, there, ours)
        )
        child.start()
        there.close()
        self._drawing[here] = child, done

    def abandon(self) -> None:
        """Draw nothing more: nobody waits for it."""
        self._waiting.clear()
        for child, _ in self._drawing.values():
            child.terminate()
        for child, _ in self._drawing.values():
            child.join()
        self._drawing.clear()


def _draw(works: Sequence[Work], number: int, there: Connection, ours: list[Connection]) -> None:
    for each in ours:  # its parent's alone, so that it hears of the parent's end
        each.close()
    with suppress(KeyboardInterrupt, EOFError):  # whoever waits for it has heard the former
        while True:
            outcome = _outcome(works[number])
            there.send(outcome and sendable(outcome))
            number = there.recv()


def _outcome(work: Work) -> Exception | None:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - whoever asked for it decides what it costs
        return error
    return None
