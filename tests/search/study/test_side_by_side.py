"""Studies side by side, from their folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kbn.errors import InputError
from search import Study, run
from search.study.side_by_side import side_by_side
from tests.search.studies import SMALL


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Return a small study that ran through."""
    return run(SMALL, out=tmp_path_factory.mktemp("runs"), serial=True, quiet=True)


def test_folders_are_read_and_stay_as_they_are(real: Study, tmp_path: Path) -> None:
    """Two folders of the same results have one best setup and differ in nothing."""
    other = tmp_path / "copy"
    shutil.copytree(real.folder, other)
    before = {path: path.stat().st_mtime_ns for path in other.rglob("*")}
    found = side_by_side([real.folder, other]).findings
    assert found.settings == ()
    assert [side.name for side in found.studies] == [real.folder.name, "copy"]
    assert {path: path.stat().st_mtime_ns for path in other.rglob("*")} == before


def test_bad_folders_are_one_line(real: Study, tmp_path: Path) -> None:
    """One study, one twice, and what is no study."""
    for folders, words in (
        ([real.folder], "a comparison takes two studies, or more"),
        ([real.folder, real.folder], "name each once"),
        ([real.folder, tmp_path / "none"], "does not exist"),
    ):
        with pytest.raises(InputError, match=words):
            side_by_side(folders)
