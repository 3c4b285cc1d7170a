"""The process that holds a Ray: one at a time, none after a fork, and left as it was found.

Ray keeps much in the process that starts it: threads of C++, a token, handlers for signals and
errors. It belongs to a caller who may have handlers, threads and a Ray of their own.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from cluster.errors import ClusterError

_BREAKPOINT = "PYTHONBREAKPOINT"

_held = threading.Lock()
_users: set[int] = set()
"""Processes that have used Ray: this one, and those that it was forked from."""


def _global_worker() -> Any:
    """Return Ray's record of its connection; None before Ray is imported."""
    return getattr(sys.modules.get("ray._private.worker"), "global_worker", None)


def _note_use() -> None:
    """Remember a process that has used a Ray of its own when it is forked."""
    if hasattr(_global_worker(), "gcs_error_subscriber"):  # it stays when Ray has ended
        _users.add(os.getpid())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_note_use)


def use() -> None:
    """Take note that Ray is used here; raise `ClusterError` where it cannot be.

    A fork takes none of Ray's threads along: it would hang, or end without a word.
    """
    if _users - {os.getpid()}:
        raise ClusterError(
            "Ray was used before this process was forked off, and cannot be used in it; start the "
            "process anew (multiprocessing.get_context('spawn')), or run with --serial "
            "(serial=True)"
        )
    _users.add(os.getpid())


@contextmanager
def hold() -> Iterator[None]:
    """Let the block start a Ray, or join one.

    Raises
    ------
    ClusterError
        In a process that has a Ray, or cannot have one.
    """
    use()
    if not _held.acquire(blocking=False):
        raise ClusterError(
            "another run of this process is on Ray, and a process can be on one at a time; run one "
            "after the other, or each in a process of its own, or with --serial (serial=True)"
        )
    try:
        if (ray := sys.modules.get("ray")) is not None and ray.is_initialized():
            raise ClusterError(
                "this process has started or joined a Ray itself, and a process can be on one at a "
                "time; call ray.shutdown() before, or run with --serial (serial=True)"
            )
        yield
    finally:
        _held.release()


@contextmanager
def environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a block; a user's own choice stays."""
    mine = {name: value for name, value in settings.items() if name not in os.environ}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name in mine:
            os.environ.pop(name, None)


@contextmanager
def handlers_kept() -> Iterator[None]:
    """Give the process back what Ray, imported or started in the block, replaces with its own.

    Signals are not among it: see `cluster.signals`.
    """
    hook, breakpoints = sys.excepthook, os.environ.get(_BREAKPOINT)
    traced = faulthandler.is_enabled()
    try:
        yield
    finally:
        sys.excepthook = hook
        if breakpoints is None:
            os.environ.pop(_BREAKPOINT, None)
        else:
            os.environ[_BREAKPOINT] = breakpoints
        if not traced:
            faulthandler.disable()


@contextmanager
def replaced(*attributes: tuple[Any, str, Any]) -> Iterator[None]:
    """Replace attributes of Ray's own modules and classes for a block."""
    with ExitStack() as stack:
        for owner, name, instead in attributes:
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, instead)
        yield


@contextmanager
def frames_emptied() -> Iterator[None]:
    """Empty the frames of what is raised in the block, down to those that still run.

    A caller may keep an exception for longer than Ray lives, and with it the local variables on its
    way. Should there be a reference to one of Ray's objects, it would outlive that Ray: Ray ends
    the process when one dies at the wrong moment, and takes it for one of the next Ray's objects,
    which has the same names.
    """
    before = sys.exception()
    try:
        yield
    except BaseException as error:
        each: BaseException | None = error
        while each is not None and each is not before:
            traceback.clear_frames(each.__traceback__)
            each = each.__context__
        raise


class Ending:
    """Stands in for Ray's core worker once that is to end.

    A reference to one of Ray's objects that dies meanwhile, in another thread or in a collection,
    finds nobody to tell. The core worker itself would end the process, with no exception and no
    message.
    """

    def __init__(self, core_worker: Any) -> None:
        self._core_worker = core_worker

    def shutdown_driver(self) -> None:
        """End the core worker; whoever calls it from here on calls nobody."""
        core_worker, self._core_worker = self._core_worker, None
        core_worker.shutdown_driver()

    def __getattr__(self, name: str) -> Any:
        if self._core_worker is None:
            return lambda *_, **__: None
        return getattr(self._core_worker, name)


@contextmanager
def ending() -> Iterator[None]:
    """Let no reference to one of Ray's objects die by the core worker, which ends in the block."""
    worker = _global_worker()
    if hasattr(worker, "core_worker"):
        worker.core_worker = Ending(worker.core_worker)
    yield
