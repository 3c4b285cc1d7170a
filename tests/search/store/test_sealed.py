"""What a worker makes of a trial's training, so that the driver only has to write it down."""

from __future__ import annotations

import json
from collections.abc import Iterator

from cluster.serial import with_last
from search.store.decode import read_epochs
from search.store.sealed import Sealed, seal, sealing
from search.training.checkpoint import Item, Start
from search.trial import Trial
from tests.search.builders import checkpoint, epoch, result, trial


def test_epochs_are_one_row_of_lists() -> None:
    """Field by field, from which the same epochs are read; a run without epochs has no row."""
    of, history = trial(), [epoch(1), epoch(2)]
    sealed = seal(result(of, 0.5), history)
    ((last, text),) = sealed.epochs
    assert last == 2
    assert json.loads(str(text))["step"] == [9, 18]
    assert read_epochs(json.loads(str(text))) == history
    assert seal(result(of, 0.5), []).epochs == ()


def test_arrays_travel_once() -> None:
    """As the bytes that are kept; figures are there to be shown."""
    sealed = seal(result(trial(), 0.5), [epoch(1)])
    assert [name for name, _ in sealed.arrays] == ["validation_correct"]
    assert sealed.result.arrays == {}
    assert sealed.result.validation == result(trial(), 0.5).validation


def test_a_task_sends_each_trials_epochs_with_its_result() -> None:
    """Those before its checkpoint are among them, or not where it could not be used."""
    fresh, further, anew = (trial(lam=lam) for lam in (0.1, 0.2, 0.3))

    def task(_: None, starts: tuple[Start, ...]) -> Iterator[tuple[str, Item]]:
        assert len(starts) == 3
        for of, numbers in ((fresh, (1, 2)), (further, (3,)), (anew, (1, 2, 3))):
            yield from ((of.id, epoch(number)) for number in numbers)
            yield of.id, result(of, 0.5)

    starts = (Start(fresh), Start(further, checkpoint(2)), Start(anew, checkpoint(2)))
    *told, last = with_last(sealing(task, None, starts))
    assert [key for key, _ in (*told, last)] == 3 * [fresh.id] + 2 * [further.id] + 4 * [anew.id]
    assert told[0] == (fresh.id, epoch(1))
    sealed = [item for _, item in (*told, last) if isinstance(item, Sealed)]
    assert [_numbers(each) for each in sealed] == [[1, 2], [1, 2, 3], [1, 2, 3]]
    assert isinstance(last[1], Sealed), "it needs no message beside that of the task's end"


def _numbers(sealed: Sealed) -> list[int]:
    ((_, text),) = sealed.epochs
    return [record.epoch for record in read_epochs(json.loads(str(text)))]


def test_the_same_trial_gives_the_same_rows() -> None:
    """Wherever it is sealed: a second commit of it changes nothing."""
    of: Trial = trial()
    assert seal(result(of, 0.5), [epoch(1)]) == seal(result(of, 0.5), [epoch(1)])
