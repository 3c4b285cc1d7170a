"""A study that came as a zip archive: unpacked for a moment, within bounds, and nowhere else."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZipFile

from kbn.errors import InputError
from kbn.files import UNREADABLE_NPZ
from search.store.folder import SPEC

LARGEST = 2 * 10**9
"""Bytes that an archive may unpack to."""
MOST = 10_000
"""Entries that it may have."""


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """Yield the folder of the one study that a zip archive holds; it is removed afterwards.

    Whoever made it is not trusted: `zipfile` keeps every entry below the folder, makes no links,
    and reads no more of an entry than the entry claims, which is bounded here.

    Raises
    ------
    InputError
        When it is no zip archive, too large, damaged, or does not hold one study.
    """
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        try:
            with ZipFile(archive) as held:
                _check_size(archive, held)
                held.extractall(root)
        except InputError:
            raise
        except UNREADABLE_NPZ as error:
            raise InputError(
                f"{archive} cannot be unpacked ({error}); fetch it once more"
            ) from error
        studies = [spec.parent for spec in root.rglob(SPEC)]
        if len(studies) != 1:
            raise InputError(
                f"{archive} holds {len(studies) or 'no'} studies; name an archive of one, with "
                f"its {SPEC}"
            )
        yield studies[0]


def _check_size(archive: Path, held: ZipFile) -> None:
    entries = held.infolist()
    size = sum(entry.file_size for entry in entries)
    if len(entries) > MOST or size > LARGEST:
        raise InputError(
            f"{archive} has {len(entries):,} entries of {size:,} bytes; a study's archive has "
            f"{MOST:,} and {LARGEST:,} at most"
        )
