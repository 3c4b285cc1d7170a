"""A job's folder on its way back: packed on the cluster, printed, unpacked and put in its place."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster import ClusterError, job
from cluster.fetch import MARK, put, unpack
from cluster.submit import folder_name, split_out


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the job named `mine`, on a cluster whose temporary folder is ours."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "cluster"))
    (tmp_path / "cluster").mkdir()
    folder = job.folder("mine")
    (folder / "study").mkdir(parents=True)
    (folder / "study" / "report.md").write_text("first\n", encoding="utf-8")
    return folder


def printed(name: str = "mine") -> str:
    """Return the log of the job that brings a folder."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        job.bring(name)
    return f"something of Ray's\n{out.getvalue()}and something after\n"


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=200_000), pieces=st.integers(0, 3))
def test_what_is_packed_is_unpacked(
    made: Path, tmp_path_factory: pytest.TempPathFactory, content: bytes, pieces: int
) -> None:
    """Any bytes come back as they were, over as many lines as they need."""
    content += os.urandom(pieces * job.LINE_BYTES)
    (made / "study" / "model.npz").write_bytes(content)
    into = tmp_path_factory.mktemp("into")
    unpack(printed(), into)
    assert (into / "study" / "model.npz").read_bytes() == content
    assert (into / "study" / "report.md").read_text(encoding="utf-8") == "first\n"


@pytest.mark.parametrize(
    "damage",
    [
        lambda log: log[: len(log) // 2],
        lambda log: log.replace("A", "B"),
        lambda log: log.replace(job.END, "…"),
        lambda log: "",
        lambda log: "Traceback: no space left",
    ],
    ids=["cut", "changed", "no end", "empty", "error"],
)
def test_a_damaged_archive_is_refused(
    made: Path, tmp_path: Path, damage: Callable[[str], str]
) -> None:
    """Nothing is put in its place unless the archive's hash is right."""
    out = tmp_path / "runs"
    with pytest.raises(ClusterError):
        put(damage(printed()), out, job="j1", name="mine")
    assert list(out.iterdir()) == []


def test_a_folder_that_is_missing_is_named(made: Path, tmp_path: Path) -> None:
    """A job that never came to write says so, with the place where it would have been."""
    with pytest.raises(ClusterError, match=r"nothing to bring back: .*other does not exist"):
        put(printed("other"), tmp_path / "runs", job="j1", name="other")


def test_the_same_job_replaces_what_it_brought(made: Path, tmp_path: Path) -> None:
    """Submitted again and brought again, the folder is the newer one, with nothing left over."""
    out = tmp_path / "runs"
    put(printed(), out, job="j1", name="mine")
    (made / "study" / "report.md").write_text("second\n", encoding="utf-8")
    assert put(printed(), out, job="j2", name="mine") == [out / "study"]
    assert (out / "study" / "report.md").read_text(encoding="utf-8") == "second\n"
    assert sorted(path.name for path in out.iterdir()) == ["study"]
    assert sorted(path.name for path in (out / "study").iterdir()) == [MARK, "report.md"]


def test_another_folder_of_the_same_name_stays(made: Path, tmp_path: Path) -> None:
    """A study that was made here is not overwritten; what comes back is put beside it."""
    out = tmp_path / "runs"
    (out / "study").mkdir(parents=True)
    (out / "study" / "report.md").write_text("made here\n", encoding="utf-8")
    assert put(printed(), out, job="j1", name="mine") == [out / "study-j1"]
    assert (out / "study" / "report.md").read_text(encoding="utf-8") == "made here\n"
    assert (out / "study-j1" / "report.md").read_text(encoding="utf-8") == "first\n"


def test_the_folder_is_this_users_alone(made: Path) -> None:
    """On a machine that others share, nobody else reads or plants results."""
    assert made.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("words", "rest", "out"),
    [
        (["a", "--out", "x", "b"], ["a", "b"], "x"),
        (["a", "--out=x"], ["a"], "x"),
        (["a", "b"], ["a", "b"], "runs"),
    ],
)
def test_the_commands_own_out_is_ours(words: list[str], rest: list[str], out: str) -> None:
    """Where the command wanted to write here is where its folder is brought."""
    assert split_out(words) == (rest, Path(out).absolute())


def test_the_same_command_has_the_same_folder() -> None:
    """That is how a command that is submitted again finds what it left; another one does not."""
    assert folder_name(["a", "b"]) == folder_name(["a", "b"])
    assert len({folder_name(words) for words in (["a", "b"], ["a b"], ["ab"], ["b", "a"])}) == 4


def test_a_command_becomes_the_job(tmp_path: Path) -> None:
    """It is run with `--out`, its exit code is the job's, and no process stands between."""
    script = "import os, sys; print(os.getpid(), sys.argv[1:]); sys.exit(7)"
    process = subprocess.Popen(
        [sys.executable, job.__file__, "run", "mine", "--", sys.executable, "-c", script, "x"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    output, _ = process.communicate(timeout=60)
    folder = tmp_path / f"cluster-jobs-{os.getuid()}" / "mine"
    assert (process.returncode, output) == (7, f"{process.pid} {['x', '--out', str(folder)]}\n")
    assert folder.is_dir()


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    """One line in the job's log, and an exit code that is not 0."""
    done = subprocess.run(
        [sys.executable, job.__file__, "run", "", "--", "no-such-command"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "error: no-such-command cannot be run on the cluster (No such file or directory)\n"
    )
