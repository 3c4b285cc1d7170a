"""How many threads the BLAS takes: a number of the whole process, set for a while and given back.

With one thread a training has the same bytes on every machine: more add up a product's terms in
another order. It is also faster: a step's products are so small that threads wait for each other
longer than they compute.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import scipy.linalg.blas  # noqa: F401 - SciPy brings a BLAS of its own, which a step uses, too
from threadpoolctl import ThreadpoolController

from kbn.errors import InputError


class _Blas:
    """The process's BLAS libraries, and who is at work with them."""

    def __init__(self) -> None:
        # Looking for libraries takes milliseconds, setting their number microseconds.
        self._libraries = ThreadpoolController().select(user_api="blas")
        self._lock = threading.Lock()
        self._given = self._libraries.limit(limits=None)
        """Gives back what was set before the first block."""
        self._asked: dict[object, int] = {}
        """The blocks under way, in the order in which they began, on whatever threads."""

    @contextmanager
    def limited(self, threads: int) -> Iterator[None]:
        """See `blas_threads`."""
        block = object()
        with self._lock:
            self._set(self._now(), threads)
            self._asked[block] = threads
        try:
            yield
        finally:
            with self._lock:
                before = self._now()
                del self._asked[block]
                self._set(before, self._now())

    def _now(self) -> int | None:
        """Return what the block begun last has asked for; None while there is none."""
        return next(reversed(self._asked.values()), None)

    def _set(self, before: int | None, now: int | None) -> None:
        if now is None:
            self._given.restore_original_limits()
        elif now != before:
            limiter = self._libraries.limit(limits=now)
            if before is None:
                self._given = limiter


_BLAS = _Blas()


@contextmanager
def blas_threads(threads: int) -> Iterator[None]:
    """Let the BLAS take so many threads within the block; then as many as before.

    The number is the process's, not the thread's: among blocks on several threads the last one
    begun decides, and what was before the first comes back after the last.

    Raises
    ------
    InputError
        When the number is not at least 1.
    """
    if threads < 1:
        raise InputError(f"BLAS threads {threads}: choose at least 1")
    with _BLAS.limited(threads):
        yield
