"""Signals that come while Ray starts or ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from cluster import signals_deferred


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Put the handlers of these tests' signals back."""
    before = {each: signal.getsignal(each) for each in (signal.SIGUSR1, signal.SIGUSR2)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


def stop(*_: object) -> None:
    """Be a handler that raises, as that of Ctrl-C does."""
    raise KeyboardInterrupt


def test_a_handler_runs_at_the_end_of_the_block() -> None:
    """What is begun in the block comes to its end, and only then the handler raises; once."""
    signal.signal(signal.SIGUSR1, stop)
    done = []
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - the block is what is tested
        with signals_deferred():
            signal.raise_signal(signal.SIGUSR1)
            signal.raise_signal(signal.SIGUSR1)
            done.append("begun")
        done.append("not reached")
    assert done == ["begun"]
    assert signal.getsignal(signal.SIGUSR1) is stop


def test_blocks_in_each_other_wait_for_the_outermost() -> None:
    """What came in the inner one waits for the end of the outer one."""
    signal.signal(signal.SIGUSR1, stop)
    done = []
    with pytest.raises(KeyboardInterrupt), signals_deferred():  # noqa: PT012 - as above
        with signals_deferred():
            signal.raise_signal(signal.SIGUSR1)
        done.append("after the inner one")
    assert done == ["after the inner one"]


def test_an_error_of_the_block_is_not_lost() -> None:
    """It is what was under way when the handler raised."""
    signal.signal(signal.SIGUSR1, stop)
    with pytest.raises(KeyboardInterrupt) as caught, signals_deferred():  # noqa: PT012 - as above
        signal.raise_signal(signal.SIGUSR1)
        raise ValueError("no Ray")
    assert isinstance(caught.value.__context__, ValueError)


def test_signals_without_a_handler_are_left_alone() -> None:
    """Those that are ignored stay so, and those that end the process still can."""
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    with signals_deferred():
        assert signal.getsignal(signal.SIGUSR2) is signal.SIG_IGN
        signal.raise_signal(signal.SIGUSR2)


def test_another_thread_defers_nothing() -> None:
    """Handlers run in the main thread, where no block is under way."""
    seen = []

    def elsewhere() -> None:
        before = signal.getsignal(signal.SIGINT)
        with signals_deferred():
            seen.append(signal.getsignal(signal.SIGINT) is before)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [True]
