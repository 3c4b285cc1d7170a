"""Another user, for tests of what this one may not read or write."""

from __future__ import annotations

import codecs
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534
CODECS = ("ascii", "idna", "latin-1", "unicode_escape", "utf-8-sig")
"""What Python loads when it is asked for; where it lies in a folder of root's, somebody else would
not find it, and nobody would after that."""


@contextmanager
def somebody_else() -> Iterator[None]:
    """Give up root's right to read and write everywhere, for a block."""
    if os.geteuid() != 0:
        yield
        return
    for name in CODECS:
        codecs.lookup(name)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that others may enter, which pytest's own they may not."""
    with tempfile.TemporaryDirectory(prefix="test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def give(folder: Path) -> None:
    """Let a folder of a test's, with all that is in it, be somebody else's where root runs it."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
