"""Connecting to Ray: an embedded one of our own, or an existing cluster.

What is set here, and why, was found by trying Ray 2.60:

- A bare `ray.init()` joins whatever cluster this machine last knew; `address="local"` does not.
- `ray.init` hangs for minutes on an address where nothing listens, so a TCP connection is tried
  first.
- Embedded, Ray would write a token file into the home folder; with a token of our own in the
  environment it writes none, and its ports answer nobody without it.
- Ray posts usage statistics unless told not to, and under `uv run` starts workers through uv.
- Some of its messages go to standard output whatever the log level.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import secrets
import socket
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cluster.errors import ClusterError

CONNECT_SECONDS = 8.0
"""How long a head may take to accept a connection."""
SMALLEST_STORE = 80 * 2**20
"""Ray refuses an object store below about 75 MiB."""
AUTO = "auto"

_ALWAYS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}


def check_address(address: str) -> None:
    """Raise `ClusterError` within seconds unless something listens at an address.

    Parameters
    ----------
    address
        `host:port` of a Ray head, or `auto` for the cluster that this machine is part of.
    """
    if address == AUTO:
        _auto_address()
        return
    host, port = _split(address)
    try:
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ClusterError(
            f"--address {address}: nothing answers there ({reason}); start a head with "
            f"`ray start --head --port={port}`, or leave --address out to run on this machine"
        ) from error


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16 or "/" in host:
        raise ClusterError(f"--address {address}: give host:port, as in 10.0.0.1:6379, or auto")
    return host.strip("[]"), int(port)


def _auto_address() -> str:
    """Return the address of the cluster that a Ray process on this machine belongs to."""
    with _environment(_ALWAYS):
        from ray._private.services import canonicalize_bootstrap_address

        with contextlib.redirect_stdout(sys.stderr):
            found = canonicalize_bootstrap_address(AUTO)
    if not found:
        raise ClusterError(
            "--address auto: no Ray runs on this machine; run on a node of the cluster, give "
            "host:port, or leave --address out"
        )
    return str(found)


@contextlib.contextmanager
def connection(
    *, address: str | None, object_store_bytes: int, py_modules: tuple[Path, ...] = ()
) -> Iterator[Any]:
    """Yield the `ray` module, connected; disconnect, and stop an embedded Ray, at the end.

    Parameters
    ----------
    address
        None for an embedded Ray with all of this machine's cores; `host:port` or `auto`.
    object_store_bytes
        What an embedded Ray's object store has to hold.
    py_modules
        Packages that an existing cluster's workers need.

    Raises
    ------
    ClusterError
        When nothing listens at the address, or Ray cannot start.
    """
    if address is not None:
        check_address(address)
    settings = _ALWAYS if address else _ALWAYS | _token()
    with _environment(settings):
        ray = _start(address, object_store_bytes, py_modules)
        try:
            yield ray
        finally:
            with contextlib.redirect_stdout(sys.stderr):
                ray.shutdown()


def _start(address: str | None, object_store_bytes: int, py_modules: tuple[Path, ...]) -> Any:
    with _quiet_start():
        import ray

        try:
            if address is None:
                ray.init(
                    address="local",
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    object_store_memory=max(SMALLEST_STORE, object_store_bytes),
                )
            else:
                ray.init(
                    address=address,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    runtime_env={"py_modules": [str(path) for path in py_modules]},
                )
        except (OSError, ValueError, RuntimeError) as error:
            where = f"at {address}" if address else "on this machine"
            reason = " ".join(str(error).split())
            raise ClusterError(
                f"Ray cannot be started or joined {where} ({reason}); --serial runs without it"
            ) from error
    return ray


@functools.cache  # Ray keeps the first token for the life of a process
def _token() -> Mapping[str, str]:
    """Return settings that close an embedded Ray's ports to others, unless the user chose."""
    if "RAY_AUTH_MODE" in os.environ:
        return {}
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


@contextlib.contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a block; a user's own choice stays."""
    mine = {name: value for name, value in settings.items() if name not in os.environ}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name in mine:
            os.environ.pop(name, None)


@contextlib.contextmanager
def _quiet_start() -> Iterator[None]:
    """Keep standard output clean while Ray starts; it keeps the stream it is given."""
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield
