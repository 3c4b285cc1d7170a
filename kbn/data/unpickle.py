"""Reading a published pickle without running it.

A pickle is a program: by naming functions it can run anything. This reader admits the few names
that NumPy arrays are made of and refuses every other one before it is looked up.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import IO, Any

import numpy as np

from kbn.errors import DataError

_ADMITTED: dict[tuple[str, str], Any] = {
    (module, name): value
    for package in ("numpy.core", "numpy._core")
    for module, name, value in (
        (f"{package}.multiarray", "_reconstruct", np.empty(0).__reduce__()[0]),
        ("numpy", "ndarray", np.ndarray),
        ("numpy", "dtype", np.dtype),
    )
}
"""What may be named: how a pickled array is put together again."""


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that admits NumPy arrays and plain values."""

    def find_class(self, module: str, name: str) -> Any:
        """Return an admitted constructor; refuse any other name."""
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module}.{name}") from None


def read_arrays(file: IO[bytes], origin: Path | str) -> dict[str, Any]:
    """Read a pickled dictionary of arrays and plain values, keys as text.

    Raises
    ------
    DataError
        When the file names anything else, is damaged, or holds no dictionary.
    """
    try:
        table = _ArraysOnly(file, encoding="bytes").load()
    except Exception as error:  # noqa: BLE001 - a damaged pickle can raise nearly anything
        raise DataError(
            f"{origin} is not a CIFAR-10 batch that can be read safely ({error}); download it again"
        ) from error
    if not isinstance(table, dict):
        raise DataError(f"{origin} holds no dictionary; download it again")
    return {
        key.decode(errors="replace") if isinstance(key, bytes) else str(key): value
        for key, value in table.items()
    }
