"""A study's folder: one specification, one driver, nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kbn.errors import InputError
from search.store.folder import check_writable, claim
from tests.search.builders import trial
from tests.somebody import give, somebody_else

MINE = {"epochs": 20, "seed": 0}
OTHER = {"epochs": 5, "seed": 0}


def test_claiming_makes_the_folder(tmp_path: Path) -> None:
    """A new study gets its folder, its specification and its store."""
    folder = tmp_path / "runs" / "study"
    with claim(folder, MINE, overwrite=False) as store:
        assert store.path == folder / "study.db"
    assert json.loads((folder / "spec.json").read_text()) == MINE


def test_the_same_specification_goes_on(tmp_path: Path) -> None:
    """What an earlier run kept is still there."""
    for _ in range(2):
        with claim(tmp_path / "study", MINE, overwrite=False) as store:
            store.add_trials([trial()])
            assert len(store.trials()) == 1


def test_data_are_the_same_where_their_fingerprint_is(tmp_path: Path) -> None:
    """Another name of the same data goes on; the same name of other data is refused."""
    mine = {**MINE, "data": "npz:old.npz", "fingerprint": "0a"}
    with claim(tmp_path / "study", mine, overwrite=False):
        pass
    with claim(tmp_path / "study", {**mine, "data": "npz:/new.npz"}, overwrite=False):
        pass
    with (
        pytest.raises(InputError, match="fingerprint 0a → 0b"),
        claim(tmp_path / "study", {**mine, "fingerprint": "0b"}, overwrite=False),
    ):
        pass


def test_what_is_known_of_the_data_decides_nothing(tmp_path: Path) -> None:
    """A study is the same however its data are described; the last run's words are kept."""
    described: list[dict[str, Any]] = [
        MINE,
        *({**MINE, "data_set": {"title": title}} for title in ("old", "new")),
    ]
    for identity in described:
        with claim(tmp_path, identity, overwrite=False):
            pass
        assert json.loads((tmp_path / "spec.json").read_text()) == identity
    with claim(tmp_path, MINE, overwrite=False):
        pass
    assert json.loads((tmp_path / "spec.json").read_text()) == described[-1]


def test_another_specification_is_refused_with_its_differences(tmp_path: Path) -> None:
    """The refusal names what differs and the two ways out, and changes nothing."""
    folder = tmp_path / "study"
    with claim(folder, MINE, overwrite=False):
        pass
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with (
        pytest.raises(InputError, match=r"epochs 20 → 5.*--name.*--overwrite") as error,
        claim(folder, OTHER, overwrite=False),
    ):
        pass
    assert "seed" not in str(error.value)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_overwriting_is_explicit_and_thorough(tmp_path: Path) -> None:
    """`--overwrite` replaces the study's own files and leaves a user's notes alone."""
    folder = tmp_path / "study"
    with claim(folder, MINE, overwrite=False) as store:
        store.add_trials([trial()])
    (folder / "figures").mkdir()
    (folder / "figures" / "old.png").touch()
    (folder / "report.md").touch()
    (folder / "report.html").touch()
    (folder / "notes.txt").write_text("mine")
    with claim(folder, OTHER, overwrite=True) as store:
        assert store.trials() == ()
    assert json.loads((folder / "spec.json").read_text()) == OTHER
    assert not (folder / "figures").exists()
    assert not (folder / "report.html").exists()
    assert (folder / "notes.txt").read_text() == "mine"


def test_a_second_driver_is_refused_at_once(tmp_path: Path) -> None:
    """While one run holds the folder another one is told so."""
    with (
        claim(tmp_path / "study", MINE, overwrite=False),
        pytest.raises(InputError, match="in use by another run"),
        claim(tmp_path / "study", MINE, overwrite=False),
    ):
        pass


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    """A folder that holds files but no study is not taken over."""
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(InputError, match="no study"), claim(tmp_path, MINE, overwrite=False):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_damaged_specification_is_named(tmp_path: Path) -> None:
    """A spec.json that is no JSON gives one clear error."""
    (tmp_path / "spec.json").write_text("{")
    with (
        pytest.raises(InputError, match=r"spec\.json cannot be read"),
        claim(tmp_path, MINE, overwrite=False),
    ):
        pass


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    """A path through a file cannot become a folder."""
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="is a file, not a folder"):
        check_writable(tmp_path / "file" / "runs")


def test_a_folder_without_permission_is_named(open_path: Path) -> None:
    """A folder that cannot be written is found before anything is trained."""
    give(open_path)
    open_path.chmod(0o500)
    with somebody_else(), pytest.raises(InputError, match="not writable"):
        check_writable(open_path / "runs")
    open_path.chmod(0o700)


def test_a_folder_that_may_not_be_looked_into_is_named(open_path: Path) -> None:
    """Below another user's folder nothing can be said to be missing."""
    (open_path / "closed").mkdir()
    give(open_path)
    (open_path / "closed").chmod(0)
    with (
        somebody_else(),
        pytest.raises(InputError, match=r"--out .*closed/runs cannot be read \(Permission denied"),
    ):
        check_writable(open_path / "closed" / "runs")
    (open_path / "closed").chmod(0o700)


FOREIGN: dict[str, str | bytes] = {
    "a list": "[]",
    "a number": "3",
    "nothing": "",
    "lists within lists": "[" * 100_000,
    "tables within lists": '{"epochs": ' + "[" * 900 + "]" * 900 + "}",
    "many settings": "{" + ", ".join(f'"{i}": 0' for i in range(1000)) + "}",
    "two megabytes": '{"epochs": "' + "x" * 2**21 + '"}',
    "another encoding": b'{"epochs": "\xff"}',
    "commands of a terminal": '{"epochs": "\x1b[2J\\u001b[2J"}',
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_specification_of_somebody_else(tmp_path: Path, name: str) -> None:
    """Whatever a spec.json holds, the refusal is one short line that can be printed."""
    content = FOREIGN[name]
    (tmp_path / "spec.json").write_bytes(
        content if isinstance(content, bytes) else content.encode()
    )
    with (
        pytest.raises(InputError, match=r"spec\.json|other settings") as error,
        claim(tmp_path, MINE, overwrite=False),
    ):
        pass
    assert len(str(error.value)) < 500
    assert str(error.value).isprintable()
    with claim(tmp_path, MINE, overwrite=True):
        pass


def test_a_file_under_the_name_of_a_study(tmp_path: Path) -> None:
    """A study's folder that is a file stays one, with --overwrite too."""
    (tmp_path / "study").write_text("notes", encoding="utf-8")
    for overwrite in (False, True):
        with (
            pytest.raises(InputError, match="study is a file, not a folder; choose another --name"),
            claim(tmp_path / "study", MINE, overwrite=overwrite),
        ):
            pass
    assert (tmp_path / "study").read_text(encoding="utf-8") == "notes"


@pytest.mark.parametrize("name", ["study.db", "study.lock", "spec.json"])
def test_a_folder_in_the_place_of_a_file(tmp_path: Path, name: str) -> None:
    """One line that names it."""
    with claim(tmp_path / "study", MINE, overwrite=False):
        pass
    (tmp_path / "study" / name).unlink()
    (tmp_path / "study" / name).mkdir()
    with (
        pytest.raises(InputError, match=f"{name} is a folder, and no study's"),
        claim(tmp_path / "study", MINE, overwrite=False),
    ):
        pass


@pytest.mark.parametrize("name", ["figures", "study.db", "study.lock", "spec.json"])
def test_a_symbolic_link_is_not_followed(tmp_path: Path, name: str) -> None:
    """What a study writes stays in its folder, whoever made it; a user's files stay theirs."""
    with claim(tmp_path / "study", MINE, overwrite=False):
        pass
    target = tmp_path / "target"
    if name == "figures":
        target.mkdir()
        (target / ".part-mine").write_text("mine", encoding="utf-8")
    else:
        target.write_text("mine", encoding="utf-8")
        (tmp_path / "study" / name).unlink()
    (tmp_path / "study" / name).symlink_to(target)
    before = {path: path.stat().st_mtime_ns for path in (target, *target.glob("*"))}
    with (
        pytest.raises(InputError, match=f"{name} is a symbolic link"),
        claim(tmp_path / "study", MINE, overwrite=False),
    ):
        pass
    assert {path: path.stat().st_mtime_ns for path in (target, *target.glob("*"))} == before


def test_a_study_in_a_folder_that_is_a_link(tmp_path: Path) -> None:
    """The study's folder itself may lie on another disk."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "study").symlink_to(tmp_path / "disk")
    with claim(tmp_path / "study", MINE, overwrite=False):
        pass
    assert (tmp_path / "disk" / "study.db").exists()
