"""What stops a study's workers: signals, and a pool that closes while other things go on."""

from __future__ import annotations

import signal
import threading
from contextlib import suppress

import pytest

from search.workers import _Interrupts


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_was_dropped_comes_again(sent: signal.Signals) -> None:
    """Whoever swallows a KeyboardInterrupt, as a destructor does, delays it until `check`."""
    before = signal.getsignal(sent)
    with _Interrupts() as interrupts:
        interrupts.check()
        with suppress(KeyboardInterrupt):
            signal.raise_signal(sent)
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
    assert signal.getsignal(sent) is before


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    """A command that runs under `nohup`, or in the background of a script, is not stopped by it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with _Interrupts() as interrupts:
            signal.raise_signal(signal.SIGINT)
            interrupts.check()
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_leave_signals_alone() -> None:
    """Only the main thread may set handlers; elsewhere nothing is set, and nothing raised."""
    before, found = signal.getsignal(signal.SIGTERM), []

    def run() -> None:
        with _Interrupts():
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [before]
