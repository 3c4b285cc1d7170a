"""A parent that stays: it can say what happened where Ray ends a driver's process.

Ray does so from C++, with exit code 1, without an exception and without a word: within a third of a
second when the raylet on the driver's machine ends in order, as `ray stop` lets it, since whoever
owns objects there is told that they are lost, and writes to a store that is gone. Nothing in the
process can be quicker, or hold it up.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from cluster.embedded import remove_left

_HANDED_ON = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGABRT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
_STOP = signal.SIGTSTP
"""What Ctrl-Z sends."""
_PR_SET_PDEATHSIG = 1


def supervised(run: Callable[[], int]) -> int | None:
    """Run a program in a child of this process; return its exit code, None where Ray ended it.

    What this process is sent the child gets, once; a signal that ends the child ends this process
    as well, and the child never outlives it. Where there is no Linux, and in other threads than the
    main one, the program simply runs.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return run()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    parent = os.getpid()
    word, tell = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, _HANDED_ON)
    child = os.fork()
    if not child:
        os.close(word)
        end_with(parent)
        _stand_apart()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDED_ON)
        try:
            code = run()
            gc.freeze()  # the end of a process need not look for garbage, which takes a while
            sys.exit(code)
        finally:
            os.write(tell, b".")  # whatever comes now, Python has come to its end
    os.close(tell)
    with _handing_on(child):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDED_ON)
        _, status = os.waitpid(child, 0)
    ended = os.read(word, 1) == b"."
    os.close(word)
    if not ended:
        remove_left()
    if os.WIFSIGNALED(status):
        with suppress(OSError):  # SIGKILL has no handler
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    return os.waitstatus_to_exitcode(status) if ended else None


def end_with(parent: int) -> None:
    """Let this process be killed when its parent ends, on Linux."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _stand_apart() -> None:
    """Let this process get signals from its parent alone.

    In a process group of its own it is not sent what a terminal, or a batch system, sends to the
    parent's.
    """
    os.setpgid(0, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # it may write to the terminal all the same


@contextmanager
def _handing_on(child: int) -> Iterator[None]:
    """Hand signals on to a child; Ctrl-Z stops both, and both go on."""

    def hand_on(number: int, _: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, number)

    def stop(*_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(child, _STOP)
            os.kill(os.getpid(), signal.SIGSTOP)
            os.killpg(child, signal.SIGCONT)

    handlers = dict.fromkeys(_HANDED_ON, hand_on) | {_STOP: stop}
    before = {
        number: signal.signal(number, handler)
        for number, handler in handlers.items()
        if signal.getsignal(number) is not signal.SIG_IGN  # as `nohup` has it
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # one that Python did not set
                signal.signal(number, handler)
