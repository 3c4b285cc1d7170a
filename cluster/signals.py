"""Signals while Ray starts and ends: handlers stay the caller's, and do not cut Ray in two."""

from __future__ import annotations

import ctypes
import importlib
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

EVERY = 0.005
"""Seconds after which a handler that was replaced is back, at most."""

_get = ctypes.pythonapi.PyOS_getsig
_get.argtypes, _get.restype = [ctypes.c_int], ctypes.c_void_p
_set = ctypes.pythonapi.PyOS_setsig
_set.argtypes, _set.restype = [ctypes.c_int, ctypes.c_void_p], ctypes.c_void_p


@contextmanager
def sigterm_kept() -> Iterator[None]:
    """Keep the process's handler of SIGTERM while Ray starts or ends in a block.

    Starting, Ray sets handlers of its own in Python, that exit with codes of their own, and then
    one in C++, that ends the process with a stack trace. Ending, it leaves the system's default, a
    second before its processes are gone and in whatever thread it ends. Python sets handlers in
    its main thread alone, so the one in C is put back from a thread.
    """
    handler, over = _get(signal.SIGTERM), threading.Event()

    def keep() -> None:
        going_on = True
        while going_on:
            going_on = not over.wait(EVERY)
            if _get(signal.SIGTERM) != handler:
                _set(signal.SIGTERM, handler)

    utils: Any = importlib.import_module("ray._private.utils")
    before, utils.set_sigterm_handler = utils.set_sigterm_handler, lambda _: None
    keeper = threading.Thread(target=keep, name="sigterm", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()
        utils.set_sigterm_handler = before


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Let signals wait for the end of a block, where their handlers run.

    What a handler raises, as that of Ctrl-C does, would cut Ray in two: processes stay that nobody
    knows of, or a connection that makes Ray end this process when the next one is made.
    """
    if threading.current_thread() is not threading.main_thread():  # handlers run elsewhere
        yield
        return
    came: list[int] = []
    numbers = signal.valid_signals()
    handlers = {each: how for each in numbers if callable(how := signal.getsignal(each))}
    try:
        for number in handlers:
            signal.signal(number, lambda number, _: came.append(number))
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for each in dict.fromkeys(came):
            signal.raise_signal(each)
