"""Looking at paths: whatever the system answers, one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kbn.errors import InputError, WriteError, visible
from kbn.paths import LARGEST_TEXT, Kind, absolute, kind_of, may_write, read_text, user_path
from tests.somebody import give, somebody_else


def test_what_is_at_a_path(tmp_path: Path) -> None:
    """Files, folders and the rest are told apart, links followed; nothing is None."""
    file, link = tmp_path / "file", tmp_path / "link"
    file.touch()
    link.symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    found = {name: kind_of(tmp_path / name) for name in ("file", "link", "pipe", "dangling", "no")}
    assert found == {
        "file": Kind.FILE,
        "link": Kind.FOLDER,
        "pipe": Kind.OTHER,
        "dangling": None,
        "no": None,
    }
    assert kind_of(file / "below") is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [("x" * 256, "File name too long: 255 bytes a name"), ("loop", "Too many levels of symbolic")],
)
def test_what_the_system_refuses_to_look_at(tmp_path: Path, name: str, reason: str) -> None:
    """One line with the system's reason, of a length that can be read."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InputError, match=reason) as caught:
        kind_of(tmp_path / name)
    assert len(str(caught.value)) < 250


def test_a_folder_of_another_user(open_path: Path) -> None:
    """What lies below it cannot be looked at, nor anything be made in it."""
    closed = open_path / "closed"
    closed.mkdir()
    give(open_path)
    closed.chmod(0)
    with somebody_else():
        assert not may_write(closed)
        assert may_write(open_path)
        with pytest.raises(InputError, match=r"--out .*cannot be read \(Permission denied\)"):
            kind_of(closed / "below", f"--out {closed / 'below'}")
    closed.chmod(0o700)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "path of a file or folder is needed"),
        (" ", "path of a file or folder is needed"),
        (5, "path of a file or folder is needed"),
        (b"runs", "path of a file or folder is needed"),
        ("~no such user/runs", "home folder is not known"),
        ("s3://bucket/runs", "is an address"),
        (Path("gs://bucket/runs"), "is an address"),
        ("file:/runs", "is an address"),
        ("runs\0", "cannot be shown"),
        ("\x1b[31mruns", r"\\x1b\[31mruns: holds characters that cannot be shown"),
        ("runs\n", "cannot be shown"),
        (os.fsdecode(b"runs\xff"), r"\\udcff: holds characters that cannot be shown"),
    ],
)
def test_what_is_no_path(given: object, message: str) -> None:
    """Each is named as it was given, with what is wrong with it, on one line."""
    with pytest.raises(InputError, match=f"--out .*{message}") as caught:
        user_path("--out", given)  # type: ignore[arg-type] # that is the point
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("given", ["runs", "./s3:/x", "/a/b", "../..", "C:/runs", "ü/λ", "a b"])
def test_paths_stay_as_they_are(given: str) -> None:
    """Anything else is a path, as it was typed."""
    assert user_path("--out", given) == Path(given)


def test_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`~` is expanded on every way in."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("--out", "~/runs") == tmp_path / "runs"


def test_a_working_directory_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path of its own is needed then; one from / on works."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(InputError, match="runs: the working directory is gone; change to another"):
        absolute(Path("runs"))
    assert absolute(tmp_path) == tmp_path


def test_short_texts(tmp_path: Path) -> None:
    """The mark that Windows' editors begin a file with is no part of it; too much is not read."""
    path = tmp_path / "text"
    path.write_bytes(b"\xef\xbb\xbfepochs = 3\r\n")
    assert read_text(path) == "epochs = 3\r\n"
    path.write_bytes(b"\xff\xfee\0")
    with pytest.raises(InputError, match="text is no UTF-8"):
        read_text(path)
    os.truncate(path, LARGEST_TEXT + 1)
    with pytest.raises(InputError, match=r"text is longer than 1,048,576 bytes"):
        read_text(path)
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\)"):
        read_text(tmp_path)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("λ = 1e-3,\n\tα – 0.9", "λ = 1e-3,\n\tα – 0.9"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\rb\x9b2J", r"a\rb\x9b2J"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("half \ud800", r"half \ud800"),
    ],
)
def test_nothing_commands_a_terminal(text: str, shown: str) -> None:
    """Commands, turned directions and halves of characters are shown as their escapes."""
    assert visible(text) == shown
    assert visible(text).encode()


@pytest.mark.parametrize(
    ("error", "way_out"),
    [
        (OSError(28, "No space left on device"), "make room"),
        (PermissionError(13, "Permission denied"), "see to it that this user may write there"),
        (OSError(30, "Read-only file system"), "see to it that this user may write there"),
        (OSError(5, "Input/output error"), "make room, or see to it that"),
    ],
)
def test_the_way_out_of_what_cannot_be_written(error: OSError, way_out: str) -> None:
    """More room helps a full disk, and nothing else."""
    found = WriteError("runs/\x1b", error)
    assert found.way_out.startswith(way_out)
    assert str(found) == f"runs/\\x1b cannot be written ({error.strerror})"
