"""The user's own arrays, from an `.npz` file."""

from __future__ import annotations

from pathlib import Path
from zipfile import is_zipfile

import numpy as np

from kbn.arrays import arrays_of
from kbn.data.dataset import Dataset
from kbn.data.own import NEEDED, OPTIONAL, own
from kbn.errors import DataError
from kbn.files import UNREADABLE_NPZ
from kbn.paths import Kind, kind_of, looking

MAKE_ONE = "make one with np.savez(file, X=images, y=labels)"


def npz(path: Path) -> Dataset:
    """Read `X`, `y` and, where there are, `X_test`, `y_test`.

    `X` holds one image or row of features each, of any shape; `y` one label each: whole numbers
    from 0, or texts. Without a test part a fifth is held out.

    Raises
    ------
    DataError
        When the file cannot be read without running code, an array is missing or does not fit,
        values are not finite, labels are out of range, or there is one class only.
    """
    arrays = _read(path)
    missing = [name for name in NEEDED if name not in arrays]
    if missing:
        raise DataError(f"{path} lacks {' and '.join(missing)}; {MAKE_ONE}")
    return own(arrays, name=f"npz:{path}", title=path.stem, origin=str(path), numbered=True)


def _read(path: Path) -> dict[str, np.ndarray]:
    kind = kind_of(path)
    if kind is None:
        raise DataError(f"{path} does not exist; {MAKE_ONE}")
    if kind is not Kind.FILE:
        raise DataError(f"{path} is a {kind}, so it is no .npz file; {MAKE_ONE}")
    with looking(path), path.open("rb") as file:
        zipped = is_zipfile(file)
    if not zipped:
        raise DataError(f"{path} is no .npz file, or is cut off; {MAKE_ONE}")
    try:
        return arrays_of(path, (*NEEDED, *OPTIONAL))
    except UNREADABLE_NPZ as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path} cannot be read as .npz ({reason}); {MAKE_ONE}") from error
