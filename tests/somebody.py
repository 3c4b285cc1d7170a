"""Another user, for tests of what this one may not read or write."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def somebody_else() -> Iterator[None]:
    """Give up root's right to read and write everywhere, for a block."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def give(folder: Path) -> None:
    """Let a folder of a test's, with all that is in it, be somebody else's where root runs it."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    temporary = Path(tempfile.gettempdir())
    for parent in folder.parents:  # pytest's own, which nobody else may enter
        if parent.is_relative_to(temporary) and parent != temporary:
            parent.chmod(0o755)
