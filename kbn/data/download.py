"""Downloading CIFAR-10 once into the user's cache folder."""

from __future__ import annotations

import logging
import socket
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from kbn.errors import DataError

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
SIZE = 170_052_171
"""Bytes of the archive."""
CONNECT_SECONDS = 5.0
"""How long the host may take to answer before the machine counts as offline."""


def cache_folder() -> Path:
    """Return the folder that downloads are kept in."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("kbn", appauthor=False))


def reachable(url: str) -> bool:
    """Say within seconds whether a server, or the proxy on the way to it, answers."""
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    if parts.scheme in proxies and not urllib.request.proxy_bypass(parts.hostname or ""):
        parts = urlsplit(proxies[parts.scheme])
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def download(folder: Path, *, say: Callable[[str], None]) -> Path:
    """Download the archive into a folder, unless it is there; return its path.

    The file appears under its name only when it is whole and its checksum is right.

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
            "give its folder with --data-dir, or choose --data digits, which needs no network"
        )
    say(f"downloading CIFAR-10 ({SIZE / 1e6:.0f} MB, once) to {folder}")
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A folder of its own: what an interrupted download leaves behind goes with it.
        with tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as temporary:
            fetched = pooch.retrieve(
                URL,
                known_hash=f"md5:{MD5}",
                fname=path.name,
                path=temporary,
                downloader=pooch.HTTPDownloader(progressbar=True, timeout=30),
            )
            size = Path(fetched).stat().st_size
            if size != SIZE:
                raise DataError(f"{URL} sent {size} bytes; {SIZE} are expected; try again later")
            Path(fetched).replace(path)
    except DataError:
        raise
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"CIFAR-10 could not be downloaded from {URL} to {folder} ({reason}); "
            "give a folder that holds it with --data-dir"
        ) from error
    return path
