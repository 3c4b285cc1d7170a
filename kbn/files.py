"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile

from kbn.errors import WriteError

UNREADABLE_NPZ = (
    OSError,
    ValueError,
    EOFError,
    BadZipFile,
    zlib.error,
    RuntimeError,  # an encrypted member, or an unknown compression
    MemoryError,  # a header that claims more than there is
)
"""What `np.load` raises on files that are damaged or no `.npz`."""


PARTIAL = ".part-"
"""How the names of files begin that are not whole yet."""


@contextmanager
def whole_file(path: Path, *, lasting: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends well.

    The temporary file keeps the suffix, which some writers derive the format from. It is
    removed when the block raises; `path` then is as it was. What has taken its place is on the
    disk, and stays there when the power goes, unless it need not be `lasting`.

    Raises
    ------
    WriteError
        When the system refuses to write: a full disk, a folder without permission.
    """
    temporary = None
    try:
        handle, name = tempfile.mkstemp(
            prefix=f"{PARTIAL}{path.stem[:20]}-", suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        if lasting:
            _to_disk(temporary)
        temporary.replace(path)
        if lasting:
            _to_disk(path.parent)
    except BaseException as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, WriteError):
            raise WriteError(path, error) from error
        raise


def write_text(path: Path, text: str, *, lasting: bool = True) -> None:
    """Write a UTF-8 text file, whole or not at all; what has no UTF-8 is written as its escape.

    See `whole_file`.
    """
    with whole_file(path, lasting=lasting) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def make_folder(path: Path, *, parents: bool = False) -> None:
    """Make a folder where there is none, with those above it where asked to.

    Raises `WriteError` when the system refuses to.
    """
    try:
        path.mkdir(parents=parents, exist_ok=True)
    except OSError as error:
        raise WriteError(path, error) from error


def remove_partial(folder: Path) -> None:
    """Remove what a process left behind that was killed while it wrote into a folder."""
    try:
        for path in folder.glob(f"{PARTIAL}*"):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(folder, error) from error


def _to_disk(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on the disk."""
    if os.name == "nt" and path.is_dir():  # Windows opens no folders
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
