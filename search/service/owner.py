"""Whose a file is, for studies that nobody asked for here."""

from __future__ import annotations

import pwd
from pathlib import Path


def owner_of(path: Path) -> tuple[str, float]:
    """Return the name of a file's owner, and when it was written in seconds since 1970."""
    try:
        found = path.stat()
    except OSError:
        return "", 0.0
    try:
        return pwd.getpwuid(found.st_uid).pw_name, found.st_mtime
    except KeyError:
        return str(found.st_uid), found.st_mtime
