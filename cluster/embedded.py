"""An embedded Ray: started here, for one run, and out of everybody else's reach.

Ray 2.60 would listen on all of the machine's addresses, and keep its sockets and logs in a folder
that every user of the machine can write to, and that stays. Here it listens on the loopback
address, behind a token that is made anew each time; its folder is private, and goes with it. What
answers without the token even so (a node's health, by gRPC's own service for that) says that it is
up, and only to this machine.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from cluster.errors import ClusterError
from cluster.process import environment
from cluster.room import cores_here

SMALLEST_STORE = 80 * 2**20
"""Ray refuses an object store below about 75 MiB."""
LOOPBACK = "127.0.0.1"
SHORT = Path("/tmp")  # noqa: S108 - what is made there is private
LONGEST_SOCKET = 103
"""Bytes of a Unix socket's path, on the systems that allow the fewest."""
_SOCKET = "ray-123412345678/r/session_2026-01-01_00-00-00_000000_1234567/sockets/plasma_store"
"""What Ray's longest path looks like, below the folder for temporary files."""
_OURS = f"ray-{secrets.token_urlsafe(3)}"
"""How the folders of this process begin, and those of a child that it was forked to."""
REMOVALS = 20
"""How often its folder is tried to be removed: a worker that still ends may write to its log."""
_SETTINGS = {
    "RAY_enable_metrics_collection": "0",  # measurements would be offered to all, token or not
    "RAY_object_spilling_threshold": "1",  # at 0.8 the shared data, nearly all, goes to disk, too
    # Its raylet would wait a second where its store is not there at once, ten times.
    "RAY_raylet_client_connect_timeout_milliseconds": "10",
    "RAY_raylet_client_num_connect_attempts": "1000",
}


@contextmanager
def embedding(object_store_bytes: int) -> Iterator[dict[str, Any]]:
    """Yield the arguments with which `ray.init` starts an embedded Ray; tidy up after it."""
    with private_folder() as folder:
        try:
            with environment(_SETTINGS | token()):
                yield {
                    "address": "local",
                    "num_cpus": cores_here(),
                    "include_dashboard": False,
                    "object_store_memory": max(SMALLEST_STORE, object_store_bytes),
                    "_node_ip_address": LOOPBACK,
                    "_temp_dir": str(folder),
                }
        finally:
            read_authentication()


def token() -> dict[str, str]:
    """Return settings that close an embedded Ray's ports to others, unless the user chose."""
    if "RAY_AUTH_MODE" in os.environ:
        return {}
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


def read_authentication() -> None:
    """Let Ray read its authentication settings again: it keeps those that it saw first."""
    raylet = import_module("ray._raylet")  # compiled: it has no types
    raylet.Config.initialize("")
    raylet.AuthenticationTokenLoader.instance().reset_cache()


@contextmanager
def private_folder() -> Iterator[Path]:
    """Yield a folder that other users cannot look into, removed with all that is in it at the end.

    Ray opens the one that it is given to all, so that is a folder inside.
    """
    where = _temporary()
    try:
        outer = Path(tempfile.mkdtemp(prefix=_OURS, dir=where))
    except OSError as error:
        raise ClusterError(
            f"{where}: Ray needs a folder for its sockets there, and none can be made "
            f"({error.strerror}); name another in $RAY_TMPDIR, or run with --serial"
        ) from error
    try:
        yield outer / "r"
    finally:
        _remove(outer)


def remove_left() -> None:
    """Remove the folder of a forked child that had no time to do so."""
    for outer in _temporary().glob(f"{_OURS}*"):
        _remove(outer)


def _remove(outer: Path) -> None:
    for _ in range(REMOVALS):
        shutil.rmtree(outer, ignore_errors=True)
        if not outer.exists():
            break
        time.sleep(0.1)


def _temporary() -> Path:
    """Return where temporary files go, or `SHORT` where a socket's path would be too long there."""
    chosen = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir())
    return chosen if len(os.fsencode(chosen / _SOCKET)) <= LONGEST_SOCKET else SHORT
