"""What a figure is made of, as a digest: figures of one digest have the same bytes."""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Callable
from types import FunctionType
from typing import Any


def digest_of(draw: Callable[..., Any], *more: object) -> bytes | None:
    """Return a digest of a function with all that it refers to, and of what else is given.

    Equal contents have one digest, whichever objects they lie in. None where something in them
    cannot be pickled, or refers to itself.
    """
    content = io.BytesIO()
    pickler = _ByContent(content, protocol=5)
    pickler.fast = True  # what is there twice is written twice, be it one object or two
    try:
        pickler.dump((draw, more))
    except Exception:  # noqa: BLE001 - objects of anybody's: such a figure is drawn, that is all
        return None
    return hashlib.sha256(content.getbuffer()).digest()


class _ByContent(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        """Take a function within a function for its place in the source and what it refers to."""
        if not isinstance(value, FunctionType) or "<" not in value.__qualname__:
            return NotImplemented
        place = value.__module__, value.__qualname__, value.__code__.co_code
        cells = tuple(cell.cell_contents for cell in value.__closure__ or ())
        line = value.__code__.co_firstlineno
        return tuple, ((place, line, value.__defaults__, value.__kwdefaults__, cells),)
