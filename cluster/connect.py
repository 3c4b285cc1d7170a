"""Connecting to Ray: an embedded one of our own, or an existing cluster.

What is set here, and why, was found by trying Ray 2.60:

- A bare `ray.init()` joins whatever cluster this machine last knew; `address="local"` does not.
- `ray.init` hangs for minutes on an address where nothing listens, and on a machine that is no
  node of the cluster; so the head is asked first.
- Embedded, Ray would write a token file into the home folder; with a token of our own in the
  environment it writes none, and its ports answer nobody without it. Those that answer everybody
  (measurements, a node's health) belong to processes that are not started: see `cluster.lean`.
- Ray posts usage statistics unless told not to, and under `uv run` starts workers through uv.
- Some of its messages go to standard output whatever the log level.
- Its workers look for modules in the driver's current folder first, unless told not to.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import os
import secrets
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cluster.address import check_here, locate
from cluster.errors import ClusterError
from cluster.lean import lean_start
from cluster.signals import sigterm_kept
from cluster.survey import Survey

SMALLEST_STORE = 80 * 2**20
"""Ray refuses an object store below about 75 MiB."""

LEAVE_SECONDS = 1.0
"""How long the head may take to answer to a driver that leaves."""

_CLOSED = {"RAY_enable_metrics_collection": "0"}
"""Measurements would be offered to all, token or not."""
_ALWAYS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}


def check_address(address: str, *, named: str = "--address") -> Survey:
    """Return what a cluster has; raise `ClusterError` within seconds unless a driver can run here.

    Parameters
    ----------
    address
        `host:port` of a Ray head, or `auto` for the cluster that this machine is part of.
    named
        Where the address was given, for messages.
    """
    survey = look_at(address, named=named)
    check_here(survey, shown=f"{named} {address}")
    return survey


def look_at(address: str, *, named: str = "--address") -> Survey:
    """Return what a cluster has, from any machine that reaches its head.

    Raises `ClusterError` as `check_address` does, but for a driver's needs.
    """
    with _environment(_ALWAYS):
        return locate(address, named=named)


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
    settings = _ALWAYS if address else _ALWAYS | _CLOSED | _token()
    with _environment(settings):
        ray = _start(address, object_store_bytes, py_modules)
        try:
            yield ray
        finally:
            _unsubscribe()
            with contextlib.redirect_stdout(sys.stderr), sigterm_kept():
                ray.shutdown()


def _unsubscribe() -> None:
    """Take leave of the head, which may hang: `ray.shutdown` would wait for its answer for ever."""
    worker = importlib.import_module("ray._private.worker").global_worker
    worker.threads_stopped.set()
    leaving = [
        threading.Thread(target=subscriber.close, daemon=True)
        for subscriber in (worker.gcs_error_subscriber, worker.gcs_log_subscriber)
    ]
    for thread in leaving:
        thread.start()
    for thread in leaving:
        thread.join(LEAVE_SECONDS)


def _start(address: str | None, object_store_bytes: int, py_modules: tuple[Path, ...]) -> Any:
    with _quiet_start(), sigterm_kept():
        import ray

        try:
            job_config = _job_config()
            if address is None:
                _forget_authentication()
                with lean_start():
                    ray.init(
                        address="local",
                        include_dashboard=False,
                        log_to_driver=False,
                        logging_level=logging.ERROR,
                        job_config=job_config,
                        object_store_memory=max(SMALLEST_STORE, object_store_bytes),
                    )
            else:
                ray.init(
                    address=address,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    job_config=job_config,
                    runtime_env={"py_modules": [str(path) for path in py_modules]}
                    if py_modules
                    else None,
                )
        except Exception as error:  # a bare one when Ray does not come up in time
            where = f"at {address}" if address else "on this machine"
            reason = " ".join(str(error).split())
            raise ClusterError(
                f"Ray cannot be started or joined {where} ({reason}); --serial runs without it"
            ) from error
        except BaseException:  # stopped on the way: what has started ends
            ray.shutdown()
            raise
    _report_to_stderr()
    return ray


def _job_config() -> Any:
    """Return settings with which workers look for modules where the driver does.

    Ray sends them the script's folder, if the driver looks there, and the current one in any case,
    where a file of the user's may have the name of a package that a task needs.
    """
    from ray.job_config import JobConfig

    class Ours(JobConfig):
        def _runtime_env_has_working_dir(self) -> bool:
            return True  # Ray then adds no folders

    searched = {Path(entry).resolve() for entry in sys.path}
    folders = (Path(sys.argv[0]).resolve().parent, Path.cwd().resolve())
    return Ours(_py_driver_sys_path=[str(folder) for folder in folders if folder in searched])


def _forget_authentication() -> None:
    """Let Ray read its authentication settings again, should it have been imported before."""
    raylet = importlib.import_module("ray._raylet")  # compiled: it has no types
    raylet.Config.initialize("")
    raylet.AuthenticationTokenLoader.instance().reset_cache()


def _report_to_stderr() -> None:
    """Keep Ray's own reports, such as that a worker died, away from standard output."""
    from ray._private import worker

    if hasattr(worker.print_to_stdstream, "__wrapped__"):
        return

    @functools.wraps(worker.print_to_stdstream)
    def to_stderr(data: dict[str, Any], ignore_prefix: bool) -> None:  # noqa: FBT001 - Ray's own
        to_stderr.__wrapped__(data | {"is_err": True}, ignore_prefix)

    worker.print_to_stdstream = to_stderr


@functools.cache  # Ray keeps the first token for the life of a process
def _token() -> dict[str, str]:
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
