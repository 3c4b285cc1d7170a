"""Downloading CIFAR-10 once into the user's cache folder."""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from kbn.errors import DataError

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
SIZE = 170_052_171
"""Bytes of the archive."""
CONNECT_SECONDS = 5.0
"""How long the host may take to answer before the machine counts as offline."""
STALL_SECONDS = 30.0
"""How long a download may stand still."""


def cache_folder() -> Path:
    """Return the folder that downloads are kept in.

    Raises `DataError` when the user has no home folder.
    """
    import platformdirs

    try:
        folder = Path(platformdirs.user_cache_dir("kbn", appauthor=False))
    except RuntimeError:
        folder = Path("~")
    if not folder.is_absolute():  # older versions leave `~` as it is
        raise DataError(
            "there is no home folder to keep CIFAR-10 in; set $HOME, or give its folder (data_dir)"
        )
    return folder


def reachable(url: str) -> bool:
    """Say within seconds whether a server, or the proxy on the way to it, answers.

    Raises `DataError` when the proxy that the environment names is no address.
    """
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme, proxies.get("all"))
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        parts = _proxy(proxy)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return _answers(parts.hostname or "localhost", port)


def _proxy(address: str) -> SplitResult:
    with contextlib.suppress(ValueError):
        parts = urlsplit(address if "://" in address else f"http://{address}")
        if parts.hostname and parts.port != 0:  # reading a port checks it
            return parts
    shown = address.rpartition("@")[2]  # without a password
    raise DataError(
        f"the environment names the proxy {shown!r}, which is no address; set it to "
        "http://HOST:PORT, or unset it"
    )


def _answers(host: str, port: int) -> bool:
    answered = threading.Event()

    def connect() -> None:
        with contextlib.suppress(OSError):
            socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
            answered.set()

    # A thread, since looking up the host's name takes no timeout and can last for minutes.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    return answered.is_set()


def download(folder: Path, *, say: Callable[[str], None]) -> Path:
    """Download the archive into a folder; return its path.

    The file appears under its name only when its size and its checksum are right. A terminal
    shows a progress bar.

    Raises
    ------
    DataError
        When the server cannot be reached, what it sends is another file, or the folder cannot
        be written.
    """
    import pooch

    path = folder / Path(urlsplit(URL).path).name
    if not reachable(URL):
        raise DataError(
            f"no CIFAR-10 on this machine, and {urlsplit(URL).hostname} cannot be reached; "
            "give its folder (data_dir), or choose data digits, which needs no network"
        )
    say(f"downloading CIFAR-10 ({SIZE / 1e6:.0f} MB, once) to {folder}")
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A folder of its own: what an interrupted download leaves behind goes with it.
        with tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as temporary:
            bar = sys.stderr.isatty()
            fetched = pooch.retrieve(
                URL,
                known_hash=f"md5:{MD5}",
                fname=path.name,
                path=temporary,
                downloader=pooch.HTTPDownloader(progressbar=bar, timeout=STALL_SECONDS),
            )
            _check_size(Path(fetched))
            Path(fetched).replace(path)
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"CIFAR-10 could not be downloaded from {URL} to {folder} ({reason}); "
            "give a folder that holds it (data_dir)"
        ) from error
    return path


def _check_size(path: Path) -> None:
    size = path.stat().st_size
    if size != SIZE:
        raise ValueError(f"{size} bytes came; {SIZE} are expected")
