"""A study's folder: one specification, one driver, nothing half-written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from kbn.errors import InputError
from search.folder import check_writable, claim
from tests.search.builders import trial

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


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    """A folder that cannot be written is found before anything is trained."""
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="not writable"):
        check_writable(tmp_path / "runs")
