"""Reading a published pickle without running it.

A pickle is a program: by naming functions it can run anything. This reader admits the few names
that an array of bytes is made of, refuses every other one before it is looked up, and answers to
the admitted ones with stand-ins of its own: given a false description of its elements, NumPy
itself would take bytes of the file for addresses.
"""

from __future__ import annotations

import io
import pickle
from typing import Any, ClassVar

import numpy as np

from kbn.errors import DataError


class _Bytes:
    """Stands in for `numpy.dtype`; unsigned bytes are the only type there is."""

    def __init__(self, code: str | bytes, *_: object) -> None:
        if code not in ("u1", b"u1"):
            raise pickle.UnpicklingError(f"it holds an array of type {code!r}, not of bytes")

    def __setstate__(self, _: object) -> None:
        """Ignore order and alignment, which single bytes do not have."""


class _Array:
    """Stands in for `numpy.ndarray` and for what makes an empty one; filled by its state."""

    def __init__(self, *_: object) -> None:
        self.array = np.empty(0, np.uint8)

    def __setstate__(self, state: tuple[int, tuple[int, ...], _Bytes, bool, bytes]) -> None:
        _, shape, kind, by_columns, content = state
        if not isinstance(kind, _Bytes):
            raise pickle.UnpicklingError("it holds an array without a type")
        flat = np.frombuffer(content, np.uint8)
        self.array = flat.reshape(shape, order="F" if by_columns else "C")


_ADMITTED: dict[tuple[str, str], type] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,  # its name since NumPy 2
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Bytes,
}
"""What may be named, and what stands in for it."""


_InPython = pickle._Unpickler  # noqa: SLF001 - that in C sets aside memory for what a file claims


class _ArraysOnly(_InPython):
    """An unpickler that admits arrays of bytes and plain values."""

    dispatch: ClassVar = {
        code: load
        for code, load in _InPython.dispatch.items()
        if code != pickle.BYTEARRAY8[0]  # as that in C does
    }

    def find_class(self, module: str, name: str) -> type:
        """Return the stand-in for an admitted name; refuse any other."""
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module}.{name}") from None


def read_arrays(content: bytes, origin: str) -> dict[str, Any]:
    """Read a pickled dictionary of arrays of bytes and plain values, keys as text.

    Raises
    ------
    DataError
        When the file names anything else, is damaged, or holds no dictionary.
    """
    try:
        table = _ArraysOnly(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:  # a damaged pickle can raise nearly anything
        reason = str(error) or type(error).__name__
        raise DataError(
            f"{origin} is not a CIFAR-10 batch that can be read safely ({reason}); download it "
            "again"
        ) from error
    if not isinstance(table, dict):
        raise DataError(f"{origin} holds no dictionary; download it again")
    return {
        key.decode(errors="replace") if isinstance(key, bytes) else str(key): (
            value.array if isinstance(value, _Array) else value
        )
        for key, value in table.items()
    }
