from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from search.service.errors import UnknownStudyError
from search.service.files import Files
from search.service.folders import Folders
from search.service.requests import Driver, Request, keep
from search.service.rows import MOST_STARTS
from search.service.summary import StudyState
from tests.search.service.conftest import DONE


def waits(folder: Path, **fields: object) -> Request:
    """Ask for a study that has begun nothing yet."""
    for name in ("report.json", "study.db", "progress.json"):
        (folder / name).unlink(missing_ok=True)
    request = replace(Request(who="ann", when=1.0, wanted=True), **fields)  # type: ignore[arg-type]
    keep(folder, request)
    return request


def state(folders: Folders) -> StudyState:
    """Return the state of the one study, which is that of whoever looks for the first time."""
    row = folders.summary(DONE)
    assert Folders(folders.root).summaries() == [row]
    return row.state


def test_a_study_that_was_run_by_hand_is_listed_as_what_it_is(folders: Folders) -> None:
    """With all its report says, its owner, and nobody's request."""
    (row,) = folders.summaries()
    assert (row.name, row.kind, row.data) == (DONE, "lambda_coarse_fine", "digits")
    assert (row.state, row.progress, row.reason) == (StudyState.FINISHED, 1.0, "")
    assert (row.trials, row.trials_ended) == (4, 4)
    assert not row.submitted
    assert row.best is not None
    assert row.who
    assert not row.seconds_left


def test_what_is_no_study_is_not_listed(folders: Folders) -> None:
    """Files, empty folders, hidden ones: the bin and the uploads are."""
    (folders.root / "empty").mkdir()
    shutil.copytree(folders.root / DONE, folders.root / ".bin" / "gone")
    (folders.root / "file").touch()
    assert folders.names() == [DONE]
    assert folders.in_bin() == ["gone"]
    assert [row.name for row in folders.summaries()] == [DONE]
    assert Folders(folders.root / "absent").summaries() == []


@pytest.mark.parametrize(
    "name", ["absent", "..", ".bin", "", "a/b", "../runs/done", "x" * 300, "\0"]
)
def test_a_name_leads_nowhere_else(folders: Folders, name: str) -> None:
    """What is no name of a study's folder is an unknown study, whatever lies at that path."""
    with pytest.raises(UnknownStudyError):
        folders.folder(name)


def test_a_study_goes_from_the_queue_to_its_end(folders: Folders) -> None:
    """Each state is what the files say; a driver that was lost leaves the study in the queue."""
    folder = folders.root / DONE
    report = (folder / "report.json").read_bytes()
    waits(folder)
    assert state(folders) is StudyState.QUEUED
    keep(folder, Driver(turn=0, start=1, since=2.0))
    with FileLock(folder / "driver.lock"):
        assert state(folders) is StudyState.RUNNING
        (folder / "stop").touch()
        assert state(folders) is StudyState.STOPPING
        (folder / "stop").unlink()
    assert state(folders) is StudyState.QUEUED
    keep(folder, Driver(turn=0, start=2, since=2.0, code=130, ended=3.0))
    assert state(folders) is StudyState.UNFINISHED
    keep(folder, Driver(turn=0, start=2, since=2.0, code=4, ended=3.0))
    assert state(folders) is StudyState.FAILED
    assert "disk is full" in folders.summary(DONE).reason
    keep(folder, Driver(turn=0, start=2, since=2.0, code=0, ended=3.0))
    (folder / "report.json").write_bytes(report)
    assert state(folders) is StudyState.FINISHED


def test_a_driver_that_is_lost_again_and_again_is_not_started_for_ever(folders: Folders) -> None:
    """A machine that ends every one of them must not be kept busy with it; a retry begins anew."""
    folder = folders.root / DONE
    request = waits(folder)
    keep(folder, Driver(turn=0, start=MOST_STARTS, since=2.0))
    assert state(folders) is StudyState.FAILED
    keep(folder, replace(request, turn=1))
    assert state(folders) is StudyState.QUEUED


def test_one_that_is_not_wanted_any_more_does_not_wait(folders: Folders) -> None:
    """It was stopped before it began."""
    waits(folders.root / DONE, wanted=False)
    assert state(folders) is StudyState.UNFINISHED


def test_a_run_by_hand_is_seen_to_run(folders: Folders) -> None:
    """With how far it is, and the best so far."""
    folder = folders.root / DONE
    so_far = {"trials": 8, "trials_ended": 2, "epochs": 40, "epochs_ended": 10, "seconds_left": 3.5}
    points = [[[0.1], [0.5]], [[0.01], [0.75]]]
    held = {**so_far, "axes": ["lam"], "points": points, "running": []}
    (folder / "report.json").unlink()
    (folder / "progress.json").write_text(json.dumps(held), encoding="utf-8")
    with FileLock(folder / "study.lock"):
        (row,) = folders.summaries()
    assert (row.state, row.progress, row.seconds_left) == (StudyState.RUNNING, 0.25, 3.5)
    assert (row.trials, row.trials_ended) == (8, 2)
    assert row.best is not None
    assert (row.best.label, row.best.accuracy) == ("λ=1e-2", 0.75)
    (row,) = folders.summaries()
    assert (row.state, row.seconds_left) == (StudyState.UNFINISHED, None)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("study.db", b"nonsense"),
        ("study.db", b""),
        ("spec.json", b"{"),
        ("spec.json", b"[]"),
        ("spec.json", b"{}"),
        ("request.json", b'{"wanted": 3}'),
        ("driver.json", b"\xff"),
        ("report.json", b'{"finished": true}'),
        ("report.json", b"[" * 100_000),
    ],
)
def test_a_damaged_study_harms_no_other(folders: Folders, file: str, content: bytes) -> None:
    """It is shown as damaged, with the reason on one line; the rest of the list is as it was."""
    shutil.copytree(folders.root / DONE, folders.root / "wrong")
    before = folders.summary(DONE)
    (folders.root / "wrong" / file).write_bytes(content)
    done, wrong = folders.summaries()
    assert done == before
    assert wrong.state is StudyState.DAMAGED
    assert wrong.reason
    assert "\n" not in wrong.reason


def test_a_store_that_is_cut_off_is_seen_at_a_glance(folders: Folders) -> None:
    """The list does not read it; its length says so."""
    store = folders.root / DONE / "study.db"
    os.truncate(store, store.stat().st_size - 4096)
    assert state(folders) is StudyState.DAMAGED


def test_how_far_a_run_came_is_no_part_of_what_it_found(folders: Folders) -> None:
    """The file is cut off where the power went; the study is as sound as before."""
    (before,) = folders.summaries()
    (folders.root / DONE / "progress.json").write_bytes(b"")
    (after,) = folders.summaries()
    assert after == replace(before, trials=None, trials_ended=None)


def test_a_folder_that_is_gone_meanwhile_is_left_out(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody deletes it between the look at the list and the look at it."""
    shutil.copytree(folders.root / DONE, folders.root / "gone")
    before = folders.summary(DONE)
    look = Files.look

    def deleted(files: Files) -> None:
        if files.folder.name == "gone":
            shutil.rmtree(files.folder, ignore_errors=True)
        look(files)

    monkeypatch.setattr(Files, "look", deleted)
    assert folders.summaries() == [before]
    with pytest.raises(UnknownStudyError):
        folders.summary("gone")


def test_a_row_is_made_once_while_nothing_changes(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And again when a file of it does: nothing is remembered that the disk does not say."""
    (row,) = folders.summaries()
    monkeypatch.setattr("search.service.files.read_specification", None)
    (again,) = folders.summaries()
    assert again is row
    keep(folders.root / DONE, Request(who="bob", when=7.0, message="why"))
    (changed,) = folders.summaries()
    assert (changed.who, changed.when, changed.message) == ("bob", 7.0, "why")


def test_a_run_that_begins_is_seen_by_the_list_when_it_writes(folders: Folders) -> None:
    """And at once by whoever asks for that study: what is done with it depends on it."""
    folders.summaries()
    with FileLock(folders.root / DONE / "study.lock"):
        assert folders.summary(DONE).state is StudyState.RUNNING
        (row,) = folders.summaries()
        assert row.state is StudyState.RUNNING
    assert folders.summaries()[0].state is StudyState.FINISHED
    with FileLock(folders.root / DONE / "study.lock"):
        assert folders.summaries()[0].state is StudyState.FINISHED
        (folders.root / DONE / "progress.json").write_text("{}", encoding="utf-8")
        assert folders.summaries()[0].state is StudyState.RUNNING


def test_the_key_is_the_specification_and_the_data(folders: Folders) -> None:
    """Whatever the data set's file is called; and another setting is another key."""
    folder = folders.root / DONE
    key = folders.files(DONE).key()
    held = json.loads((folder / "spec.json").read_text(encoding="utf-8"))
    for changed, same in (({"data": "npz:x.npz"}, True), ({"seed": 1}, False)):
        (folder / "spec.json").write_text(json.dumps(held | changed), encoding="utf-8")
        assert (Folders(folders.root).files(DONE).key() == key) is same
    held["fingerprint"] = "0"
    (folder / "spec.json").write_text(json.dumps(held), encoding="utf-8")
    assert Folders(folders.root).files(DONE).key() != key
