"""A script that tests run on their own: a supervised program that ends as its argument says.

It prints its parent's process and its own, and then what it is told to.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

from cluster import supervised


def _wait() -> int:
    """Count the signals of a second, print them, and end with 7."""
    got: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: got.append(number))
    print("ready", flush=True)
    while not got:
        time.sleep(0.05)
    time.sleep(1)
    print(*got)
    return 7


def _raise() -> int:
    raise ValueError("an error of ours")


def _kill() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def _sleep() -> int:
    print("ready", flush=True)
    time.sleep(600)
    return 0


ENDS: dict[str, Callable[[], int]] = {
    "return": lambda: 5,
    "vanish": lambda: os._exit(1),  # as Ray's C++ does
    "raise": _raise,
    "exit": lambda: sys.exit(6),
    "kill": _kill,
    "wait": _wait,
    "sleep": _sleep,
}


def main(end: str) -> int:
    """Run the program; print how it ended when this process is still there."""
    print("before")  # buffered: the child must not print it again
    parent = os.getpid()

    def program() -> int:
        print(parent, os.getpid(), flush=True)
        return ENDS[end]()

    code = supervised(program)
    print("ended with", code)
    return 3 if code is None else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
