"""When the last trials train."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from search.records import State
from search.running import tail
from search.running.runner import Notice
from search.running.tail import Tail
from search.running.tally import Tally
from search.settings.spec import StageOutline
from tests.search.builders import by_lam, epoch, result, trial

COARSE = StageOutline("coarse", 2, 4, "two values of λ")
FINAL = StageOutline("final", 1, 10, "the chosen λ")
FIRST, SECOND = trial(1e-3), trial(1e-2)
LAST, BESIDE = trial(2e-2, epochs=10), trial(3e-2, epochs=10)


class Watch:
    """A study that is watched to its end."""

    def __init__(self) -> None:
        self.told: list[Mapping[str, State]] = []
        tally = Tally([[COARSE, FINAL]])
        self._observers = tally, Tail(self.told.append, tally)

    def see(self, *notices: Notice) -> int:
        """Take notices; return how often was told."""
        for notice in notices:
            for observe in self._observers:
                observe(notice)
        return len(self.told)


def coarse_grid() -> list[Notice]:
    """Return what happens while two trials run from which a third follows."""
    return [
        *(Notice(each, "coarse", by_lam(each), State.WAITING) for each in (FIRST, SECOND)),
        *(Notice(each, "coarse", by_lam(each), State.RUNNING) for each in (FIRST, SECOND)),
        Notice(FIRST, "coarse", by_lam(FIRST), State.RUNNING, record=epoch(1)),
        *(
            Notice(each, "coarse", by_lam(each), State.COMPLETED, result=result(each, 0.5))
            for each in (FIRST, SECOND)
        ),
    ]


def test_it_is_told_when_all_that_is_left_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before: more may follow, or wait; and again when one has ended and others train."""
    monkeypatch.setattr(tail, "EVERY", 0.0)
    watch = Watch()
    assert watch.see(*coarse_grid()) == 0
    assert watch.see(*(Notice(each, "final", "", State.WAITING) for each in (LAST, BESIDE))) == 0
    assert watch.see(Notice(LAST, "final", "", State.RUNNING)) == 0
    assert watch.see(Notice(BESIDE, "final", "", State.RUNNING)) == 1
    assert watch.told[-1] == {LAST.id: State.RUNNING, BESIDE.id: State.RUNNING}
    assert watch.see(Notice(LAST, "final", "", State.RUNNING, record=epoch(1))) == 1
    ended = Notice(LAST, "final", "", State.COMPLETED, result=result(LAST, 0.5))
    assert watch.see(ended) == 2
    assert watch.told[-1] == {BESIDE.id: State.RUNNING}
    ended = Notice(BESIDE, "final", "", State.COMPLETED, result=result(BESIDE, 0.5))
    assert watch.see(ended) == 2  # the report itself is next


def test_it_is_not_told_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Putting together what is known takes the driver's time; of a large study too much of it."""
    last = [Notice(each, "final", "", State.RUNNING) for each in (LAST, BESIDE)]
    assert Watch().see(*coarse_grid(), *last) == 1
    monkeypatch.setattr(tail, "MOST", 2)
    assert Watch().see(*coarse_grid(), *last) == 0
