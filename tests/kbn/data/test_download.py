from __future__ import annotations

import importlib
import io
import socket
import threading
from pathlib import Path

import pytest

from kbn.data import cifar10
from kbn.data.download import MD5, SIZE, URL, cache_folder, download, reachable
from kbn.errors import DataError
from tests.kbn.data.server import Server

module = importlib.import_module("kbn.data.download")
NAME = cifar10.BINARY.archive


def everything(folder: Path) -> list[Path]:
    """Return all that a folder holds, at any depth."""
    return sorted(folder.rglob("*")) if folder.exists() else []


def test_the_published_archive() -> None:
    """What is downloaded is the published binary archive, checked by its published MD5."""
    assert f"https://www.cs.toronto.edu/~kriz/{NAME}" == URL
    assert MD5 == "c32a1d4ab5d03f1284b67883e8d87530"
    assert SIZE == 170_052_171


def test_the_archive_is_put_in_place(tmp_path: Path, server: Server) -> None:
    """The file has its published name and content, and is alone in the folder."""
    folder, said = tmp_path / "new" / "kbn", list[str]()
    path = download(folder, say=said.append)
    assert path == folder / NAME
    assert path.read_bytes() == server.content
    assert everything(folder) == [path]
    assert len(said) == 1
    assert str(folder) in said[0]


def test_a_file_of_another_checksum(tmp_path: Path, server: Server) -> None:
    """A file that was changed on its way leaves nothing behind."""
    server.content = b"X" + server.content[1:]
    with pytest.raises(DataError, match="does not match") as caught:
        download(tmp_path, say=print)
    assert everything(tmp_path) == []
    assert "\n" not in str(caught.value)


def test_a_file_of_another_size(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Size is checked besides the checksum, and the error says both sizes."""
    monkeypatch.setattr(module, "SIZE", 8_000)
    with pytest.raises(DataError, match="7000 bytes came; 8000 are expected"):
        download(tmp_path, say=print)
    assert everything(tmp_path) == []


def test_a_connection_that_breaks_off(tmp_path: Path, server: Server) -> None:
    """Half a file leaves nothing behind."""
    server.promised = len(server.content)
    server.content = server.content[:3_000]
    with pytest.raises(DataError, match="could not be downloaded"):
        download(tmp_path, say=print)
    assert everything(tmp_path) == []


@pytest.mark.parametrize("status", [404, 500])
def test_a_server_that_refuses(tmp_path: Path, server: Server, status: int) -> None:
    """The server's answer is part of the error, and so is the way out."""
    server.status = status
    with pytest.raises(DataError, match=rf"{status} .*data_dir"):
        download(tmp_path, say=print)
    assert everything(tmp_path) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path, server: Server) -> None:
    """A file where the folder should be is an error, not a crash."""
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="could not be downloaded"):
        download(tmp_path / "file" / "kbn", say=print)


@pytest.mark.usefixtures("offline")
def test_no_network(tmp_path: Path) -> None:
    """Without a network nothing is announced and nothing is made; the error says the way out."""
    said: list[str] = []
    with pytest.raises(DataError, match=r"127\.0\.0\.1 cannot be reached; .*data digits"):
        download(tmp_path / "kbn", say=said.append)
    assert said == []
    assert everything(tmp_path) == []


def test_a_name_that_is_looked_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that does not answer counts as no network once the time is over."""
    release = threading.Event()

    def hang(*_: object, **__: object) -> socket.socket:
        release.wait()
        raise OSError

    monkeypatch.setattr(socket, "create_connection", hang)
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.05)
    assert not reachable("https://example.org/file")
    release.set()


@pytest.mark.parametrize("form", ["http://127.0.0.1:{}", "127.0.0.1:{}"])
@pytest.mark.parametrize("variable", ["http_proxy", "all_proxy"])
def test_a_proxy_is_used(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, form: str, variable: str
) -> None:
    """Where a proxy is set, it is asked, and the host itself need not be known here."""
    url = f"http://cifar.invalid/{NAME}"
    monkeypatch.setattr(module, "URL", url)
    monkeypatch.setenv(variable, form.format(server.port))
    assert download(tmp_path, say=print).read_bytes() == server.content
    assert server.asked == [url]


@pytest.mark.parametrize("proxy", ["http://proxy:port", "http://[::1", "http://:80", "http://"])
def test_a_proxy_that_is_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """One line that names it, without the password that it may hold."""
    monkeypatch.setenv("https_proxy", proxy.replace("://", "://me:secret@"))
    with pytest.raises(DataError, match=r"names the proxy .*which is no address") as caught:
        download(tmp_path, say=print)
    assert "secret" not in str(caught.value)


class Terminal(io.StringIO):
    """Text in memory that says it is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()], ids=["terminal", "file"])
def test_a_terminal_shows_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stream: io.StringIO
) -> None:
    """A bar is drawn on a terminal, and nowhere else."""
    monkeypatch.setattr("sys.stderr", stream)
    download(tmp_path, say=lambda _: None)
    assert ("100%" in stream.getvalue()) == stream.isatty()


def test_the_cache_folder_is_the_users(tmp_path: Path) -> None:
    """Downloads go to a folder called kbn among the user's caches."""
    assert cache_folder() == tmp_path / "cache" / "kbn"


def test_a_user_without_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloads are not put into a folder called `~`."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    with pytest.raises(DataError, match=r"no home folder.*set \$HOME.*data_dir"):
        cache_folder()
