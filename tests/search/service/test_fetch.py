from __future__ import annotations

import io
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from search.service.fetch import FILES, archive
from search.service.folders import Folders
from search.service.place import Place
from search.study.kept import kept
from tests.search.service.conftest import DONE


@pytest.mark.parametrize("file", FILES)
def test_a_file_is_fetched_as_it_is(server: httpx.Client, place: Place, file: str) -> None:
    """With its type and length; what a browser does not show it saves under the study's name."""
    answer = server.get(f"/studies/{DONE}/{file}")
    content = (place.root / DONE / file).read_bytes()
    assert answer.content == content
    assert answer.headers["content-length"] == str(len(content))
    saved = answer.headers.get("content-disposition", "")
    assert (f'filename="{DONE}-{file}"' in saved) is (file != "report.html")


@pytest.mark.parametrize("file", ["study.db", "spec.json", "%2e%2e%2fdone%2fspec.json", "x"])
def test_other_files_are_not(server: httpx.Client, file: str) -> None:
    """Nor is what lies above, however it is written."""
    assert server.get(f"/studies/{DONE}/{file}").status_code == 404


def test_a_link_is_not_followed(server: httpx.Client, place: Place) -> None:
    """Whoever can write into a study's folder cannot have other files read."""
    report = place.root / DONE / "report.md"
    report.unlink()
    report.symlink_to("/etc/passwd")
    assert server.get(f"/studies/{DONE}/report.md").status_code == 404
    with zipfile.ZipFile(io.BytesIO(server.get(f"/studies/{DONE}/archive.zip").content)) as packed:
        assert f"{DONE}/report.md" not in packed.namelist()


def test_what_is_not_there_yet_is_said_to_be(server: httpx.Client, place: Place) -> None:
    """A study that waits has no report."""
    (place.root / DONE / "model.npz").unlink()
    answer = server.get(f"/studies/{DONE}/model.npz")
    assert answer.status_code == 404
    assert "or not yet" in answer.json()["detail"]


def test_an_archive_is_the_study(server: httpx.Client, tmp_path: Path, ended: Path) -> None:
    """Unpacked elsewhere it is the same study, with all of its results and its report."""
    answer = server.get(f"/studies/{DONE}/archive.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.testzip() is None
        packed.extractall(tmp_path)
    names = {path.name for path in (tmp_path / DONE).iterdir()}
    assert names == {path.name for path in ended.iterdir()} - {"study.lock", "progress.json"}
    assert (tmp_path / DONE / "report.md").read_bytes() == (ended / "report.md").read_bytes()
    there, here = kept(tmp_path / DONE), kept(ended)
    assert [each.result for each in there.trials if each.result is None] == []
    assert [t.trial for t in there.trials] == [t.trial for t in here.trials]


def test_the_store_of_a_study_that_runs_is_packed_between_two_commits(folders: Folders) -> None:
    """What is not committed is not in it, and the copy is sound."""
    store = folders.root / DONE / "study.db"
    with closing(sqlite3.connect(store, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("DELETE FROM sessions")
        content = b"".join(archive(folders.root / DONE))
        db.execute("ROLLBACK")
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        copy = folders.root / "copy.db"
        copy.write_bytes(packed.read(f"{DONE}/study.db"))
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT count(*) FROM sessions").fetchone() == (1,)


def test_an_archive_is_made_piece_by_piece(folders: Folders) -> None:
    """A model of any size takes no more memory than a piece of it."""
    (folders.root / DONE / "figures" / "large.bin").write_bytes(bytes(range(256)) * 2**14)
    sizes = [len(piece) for piece in archive(folders.root / DONE)]
    assert max(sizes) <= 2**20


def test_the_end_of_a_log_is_shown(server: httpx.Client, place: Place) -> None:
    """Of a study that was run by hand there is none."""
    assert server.get(f"/studies/{DONE}/log").text == ""
    (place.root / DONE / "log.txt").write_text("a" * 2**17 + "end", encoding="utf-8")
    text = server.get(f"/studies/{DONE}/log").text
    assert text.endswith("aend")
    assert len(text) == 2**16
