"""A job's folder on its way back: packed on the cluster, printed, unpacked and put in its place."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cluster import ClusterError
from cluster.jobs import job
from cluster.jobs.fetch import MARK, put, unpack
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


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
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


def log_of(*entries: tarfile.TarInfo, content: bytes = b"") -> str:
    """Return the log that brings an archive of anything; plain files have some content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for entry in entries:
            if entry.isreg():
                entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return log_of_bytes(packed.getvalue())


def log_of_bytes(packed: bytes) -> str:
    """Return the log that brings some bytes, with the hash that they have."""
    text = base64.b64encode(packed).decode()
    return f"{job.BEGIN}\n{text}\n{job.END} {hashlib.sha256(packed).hexdigest()}\n"


def entry(name: str, kind: bytes = tarfile.REGTYPE, **fields: Any) -> tarfile.TarInfo:
    """Return an entry of an archive."""
    made = tarfile.TarInfo(name)
    made.type = kind
    for field, value in fields.items():
        setattr(made, field, value)
    return made


def deep_links() -> list[tarfile.TarInfo]:
    """Return a path of links whose real length no system resolves, and a file behind it.

    Such a path led out of the folder under `tarfile`'s own filter.
    """
    folder, made, path = "d" * 247, [], ""
    for step in "abcdefghijklmnop":
        made += [
            entry(f"{path}{folder}", tarfile.DIRTYPE),
            entry(f"{path}{step}", tarfile.SYMTYPE, linkname=folder),
        ]
        path += f"{folder}/"
    links = "/".join("abcdefghijklmnop")
    up = f"{links}/{'l' * 254}"
    return [
        *made,
        entry(up, tarfile.SYMTYPE, linkname="../" * 16),
        entry("out", tarfile.SYMTYPE, linkname=f"{up}/../evil"),
        entry("file", tarfile.LNKTYPE, linkname="out"),
        entry("file"),
    ]


@pytest.mark.parametrize(
    "entries",
    [
        [entry("/evil")],
        [entry("../evil")],
        [entry("study/../../evil")],
        [entry("C:\\evil")],
        [entry("..\\evil")],
        [entry("study/\x1b[2Jevil")],
        [entry("study/\u202eevil")],
        [entry("link", tarfile.SYMTYPE, linkname=".."), entry("link/evil")],
        [entry("link", tarfile.SYMTYPE, linkname="report.md")],
        [entry("link", tarfile.LNKTYPE, linkname="/etc/hostname")],
        [entry("study", tarfile.FIFOTYPE)],
        [entry("study", tarfile.CHRTYPE, devmajor=1, devminor=5)],
        [entry("study", tarfile.BLKTYPE)],
        [entry("study", tarfile.CONTTYPE)],
        [entry("study", pax_headers={"GNU.sparse.map": "0,0", "GNU.sparse.size": str(10**13)})],
        [entry("study", pax_headers={"size": str(10**13)})],
        [entry("study", pax_headers={"GNU.sparse.map": "x"})],
        [entry("study"), entry("study")],
        [entry("study"), entry("study", tarfile.DIRTYPE)],
        [entry("study"), entry("study/report.md")],
        deep_links(),
    ],
)
def test_an_archive_writes_nowhere_else(tmp_path: Path, entries: list[tarfile.TarInfo]) -> None:
    """Whatever is no folder and no plain file below the archive's own folder is refused, in a line.

    Nothing of such an archive stays, there or elsewhere.
    """
    out = tmp_path / "below" / "runs"
    out.mkdir(parents=True)
    with pytest.raises(ClusterError, match="the folder's archive is refused: ") as caught:
        put(log_of(*entries), out, job="j1", name="mine")
    assert str(caught.value).isprintable()
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "below", out]


@pytest.mark.parametrize(
    "log",
    [
        lambda: log_of(entry("study/big"), content=bytes(3 * 10**6)),
        lambda: log_of(*(entry(f"study/{n}") for n in range(400))),
        lambda: log_of(entry("study", pax_headers={"comment": "x" * 3 * 10**6})),
    ],
    ids=["content", "entries", "headers"],
)
def test_an_archive_has_a_largest_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: Callable[[], str]
) -> None:
    """What a few bytes unpack to is bounded: in files, in their number, in what describes them."""
    monkeypatch.setattr("cluster.jobs.fetch.LARGEST", 10**6)
    with pytest.raises(ClusterError, match="refused: it unpacks to more than 1 MB"):
        put(log(), tmp_path / "runs", job="j1", name="mine")
    assert list((tmp_path / "runs").iterdir()) == []


def long_headers() -> bytes:
    """Return an archive in which each header announces another one, in place of a file."""
    header = entry("x", tarfile.GNUTYPE_LONGNAME, size=1).tobuf(tarfile.GNU_FORMAT)
    return gzip.compress((header + bytes(tarfile.BLOCKSIZE)) * 3000)


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@example(data=long_headers())
@example(data=b"")
@example(data=gzip.compress(b""))
@example(data=b"no archive")
def test_bytes_that_are_no_archive_are_refused_in_a_line(
    made: Path, tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    """Whatever arrives with a fitting hash, there is no error but ours."""
    if not isinstance(data, bytes):
        archive = bytearray(gzip.decompress(packed_in(printed())))
        for _ in range(data.draw(st.integers(1, 5))):
            place = data.draw(st.integers(0, len(archive) - 1) | st.integers(0, 511))
            archive[place] = data.draw(st.integers(0, 255))
        data = gzip.compress(bytes(archive))
    with contextlib.suppress(ClusterError):
        put(log_of_bytes(data), tmp_path_factory.mktemp("out"), job="j1", name="mine")


def packed_in(log: str) -> bytes:
    """Return the bytes that a log brings."""
    lines = log.partition(job.BEGIN)[2].partition(job.END)[0].split()
    return b"".join(base64.b64decode(line) for line in lines)


def test_links_stay_and_linked_files_come(made: Path, tmp_path: Path) -> None:
    """A file with two names comes as two; symbolic links and pipes are left where they are."""
    study = made / "study"
    (study / "again.md").hardlink_to(study / "report.md")
    (study / "away").symlink_to("/etc")
    os.mkfifo(study / "pipe")
    (study / "empty").mkdir()
    unpack(printed(), tmp_path / "into")
    found = {path.name for path in (tmp_path / "into" / "study").iterdir()}
    assert found == {"again.md", "empty", "report.md"}
    assert (tmp_path / "into" / "study" / "again.md").read_text(encoding="utf-8") == "first\n"


def test_a_folder_that_is_too_large_is_not_packed(made: Path, tmp_path: Path) -> None:
    """One line says how large it is, and where, so that it can be copied."""
    with (made / "study" / "model.npz").open("wb") as large:
        large.truncate(300 * 10**6)
    with pytest.raises(ClusterError, match=r"mine on .+ is 300 MB, more than the 256 MB that are"):
        put(printed(), tmp_path / "runs", job="j1", name="mine")


def test_the_largest_folder_comes(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is small enough to be packed is small enough to be unpacked."""
    for number in range(200):
        (made / "study" / f"{number:0>180}").touch()
    limit = job.measure(made)
    monkeypatch.setattr("cluster.jobs.job.LARGEST", limit)
    monkeypatch.setattr("cluster.jobs.fetch.LARGEST", limit)
    unpack(printed(), tmp_path / "into")
    assert len(list((tmp_path / "into" / "study").iterdir())) == 201
    monkeypatch.setattr("cluster.jobs.job.LARGEST", limit - 1)
    assert job.NOTHING in printed()


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


def test_a_folder_that_grows_too_large_is_said_while_the_job_runs(tmp_path: Path) -> None:
    """The job's log has the line while the command runs, and only once."""
    script = (
        "import pathlib, sys; large = pathlib.Path(sys.argv[-1], 'large').open('wb'); "
        "large.truncate(300 * 10**6); print(sys.stdin.read())"
    )
    process = subprocess.Popen(
        [sys.executable, job.__file__, "run", "mine", "--", sys.executable, "-c", script],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    rest, _ = process.communicate("the command ends", timeout=60)
    assert line.startswith("warning: ")
    assert f"{tmp_path}/cluster-jobs-{os.getuid()}/mine on " in line
    assert "is 300 MB, more than the 256 MB that are brought back" in line
    assert (process.returncode, rest) == (0, "the command ends\n")


@pytest.mark.parametrize("out", ["s3://bucket/runs", "~nosuchuser/runs"])
def test_an_out_that_is_no_folder_here(out: str) -> None:
    """One line that names it, before anything is submitted."""
    with pytest.raises(ClusterError, match=f"--out {out}: "):
        split_out(["python", "--out", out])
