"""Connecting to Ray: an embedded one of our own, or an existing cluster.

What is set here, and why, was found by trying Ray 2.60:

- A bare `ray.init()` joins whatever cluster this machine last knew; `address="local"` does not.
- `ray.init` hangs for minutes on an address where nothing listens, and on a machine that is no
  node of the cluster; so the head is asked first.
- Embedded, Ray would write a token file into the home folder; with a token of our own in the
  environment it writes none: see `cluster.embedded`.
- Ray posts usage statistics unless told not to, and under `uv run` starts workers through uv.
- Some of its messages go to standard output whatever the log level.
- Its workers look for modules in the driver's current folder first, unless told not to.
"""

from __future__ import annotations

import functools
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import (
    AbstractContextManager,
    ExitStack,
    contextmanager,
    nullcontext,
    redirect_stdout,
    suppress,
)
from importlib import import_module
from pathlib import Path
from typing import Any

from cluster.address import check_here, locate
from cluster.embedded import embedding, read_authentication
from cluster.errors import ClusterError
from cluster.lean import lean_start
from cluster.process import ending, environment, handlers_kept, hold, use
from cluster.signals import signals_deferred, sigterm_kept
from cluster.survey import Survey

LEAVE_SECONDS = 1.0
"""How long the head may take to answer to a driver that leaves."""

ALWAYS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_IGNORE_UNHANDLED_ERRORS": "1",  # of tasks that nobody waits for, such as after Ctrl-C
}


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
    use()
    load().join()
    with environment(ALWAYS):
        return locate(address, named=named)


@functools.cache
def load() -> threading.Thread:
    """Begin to import Ray, a third of a second that others need not wait for; return what does it.

    Whoever uses Ray waits for it, and is told what goes wrong.
    """
    # In a notebook Ray and tqdm, which it imports, ask for widgets, which nothing here needs.
    logging.getLogger("ray.widgets.util").setLevel(logging.WARNING)
    with warnings.catch_warnings():  # not in the thread, where it would change everybody's filters
        warnings.filterwarnings("ignore", "IProgress not found")
        import_module("tqdm.auto")
    loading = threading.Thread(target=_load, name="load Ray")
    loading.start()
    return loading


def _load() -> None:
    with suppress(Exception), environment(ALWAYS), handlers_kept():
        import_module("ray")


@contextmanager
def connection(
    *, address: str | None, object_store_bytes: int, py_modules: tuple[Path, ...] = ()
) -> Iterator[Any]:
    """Yield the `ray` module, connected; disconnect, and stop an embedded Ray, at the end.

    Parameters
    ----------
    address
        None for an embedded Ray with all cores that this process may use; `host:port` or `auto`.
    object_store_bytes
        What an embedded Ray's object store has to hold.
    py_modules
        Packages that an existing cluster's workers need.

    Raises
    ------
    ClusterError
        When nothing listens at the address, or Ray cannot start.
    """
    stack = ExitStack()
    try:
        load().join()
        with signals_deferred():
            stack.enter_context(hold())
            stack.enter_context(environment(ALWAYS))
        if address is not None:
            check_address(address)
        with signals_deferred():
            starting: AbstractContextManager[None] = nullcontext()
            if address is None:
                how, starting = stack.enter_context(embedding(object_store_bytes)), lean_start()
            else:
                how = _joining(address, py_modules)
            ray = _start(starting, how)
            stack.callback(_shut_down, ray)
        yield ray
    finally:
        with signals_deferred():
            stack.close()


def _joining(address: str, py_modules: tuple[Path, ...]) -> dict[str, Any]:
    """Return the arguments with which `ray.init` joins a cluster."""
    packages = [str(path) for path in py_modules]
    return {"address": address, "runtime_env": {"py_modules": packages} if packages else None}


def _start(starting: AbstractContextManager[None], how: dict[str, Any]) -> Any:
    """Start or join a Ray, and return its module; nothing is left of one that cannot be."""
    try:
        Path.cwd()
    except FileNotFoundError:
        raise ClusterError(
            "the working directory is gone, and Ray starts its processes there; change to another"
        ) from None
    with _quiet_start(), handlers_kept(), sigterm_kept():
        import ray

        read_authentication()
        try:
            with starting, ExitStack() as undo:
                undo.callback(_shut_down, ray)
                ray.init(
                    **how,
                    job_config=_job_config(),
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                )
                ray.put(None)  # the first one makes ready for all
                undo.pop_all()
        except Exception as error:  # a bare one when Ray does not come up in time
            where = "on this machine" if how["address"] == "local" else f"at {how['address']}"
            reason = " ".join(str(error).split())
            raise ClusterError(
                f"Ray cannot be started or joined {where} ({reason}); --serial runs without it"
            ) from error
    _report_to_stderr()
    return ray


def _shut_down(ray: Any) -> None:
    if ray.is_initialized():
        _unsubscribe()
    with redirect_stdout(sys.stderr), sigterm_kept(), ending():
        ray.shutdown()


def _unsubscribe() -> None:
    """Take leave of the head, which may hang: `ray.shutdown` would wait for its answer for ever."""
    worker = import_module("ray._private.worker").global_worker
    worker.threads_stopped.set()
    leaving = [
        threading.Thread(target=subscriber.close, daemon=True)
        for subscriber in (worker.gcs_error_subscriber, worker.gcs_log_subscriber)
    ]
    for thread in leaving:
        thread.start()
    for thread in leaving:
        thread.join(LEAVE_SECONDS)


def _job_config() -> Any:
    """Return settings with which workers look for modules in no folder where the driver does not.

    Ray has them look in the current folder first, in any case, where a file of the user's may have
    the name of a package that a task needs. A script's own folder is searched as it is by Ray.
    """
    from ray.job_config import JobConfig

    class Ours(JobConfig):
        def _runtime_env_has_working_dir(self) -> bool:
            return True  # Ray then adds no folders

    searched = {Path(entry).resolve() for entry in sys.path}
    script = getattr(sys.modules["__main__"], "__file__", None)  # a notebook has none
    folders = [Path(script).resolve().parent] if script else []
    folders.append(Path.cwd().resolve())
    return Ours(_py_driver_sys_path=[str(folder) for folder in folders if folder in searched])


def _report_to_stderr() -> None:
    """Keep Ray's own reports, such as that a worker died, away from standard output."""
    from ray._private import worker

    if hasattr(worker.print_to_stdstream, "__wrapped__"):
        return

    @functools.wraps(worker.print_to_stdstream)
    def to_stderr(data: dict[str, Any], ignore_prefix: bool) -> None:  # noqa: FBT001 - Ray's own
        to_stderr.__wrapped__(data | {"is_err": True}, ignore_prefix)

    worker.print_to_stdstream = to_stderr


@contextmanager
def _quiet_start() -> Iterator[None]:
    """Keep standard output clean while Ray starts; it keeps the stream it is given."""
    with redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield
