"""A job's folder, brought here through the log of a second job, and put where it belongs."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath, PureWindowsPath

from cluster.errors import ClusterError
from cluster.jobs.job import BEGIN, END, LARGEST, NOTHING, taken

MARK = ".cluster-job.json"
"""In a folder that was brought here: which job's it is."""
PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)
ARCHIVE_END = 2 * tarfile.RECORDSIZE
"""Bytes of an archive beyond its entries: two empty blocks, and up to a whole record."""
REFUSED = "the folder's archive is refused:"
UNREADABLE = f"{REFUSED} it cannot be read"


def unpack(log: str, into: Path) -> None:
    """Unpack the archive that a log holds: folders and plain files, below one folder alone.

    Whoever wrote the log is not trusted. What `tarfile` unpacks has been made to land elsewhere,
    and nothing there bounds it; so it only reads here.

    Raises
    ------
    ClusterError
        When there is none, it did not arrive whole, or it holds anything else, or too much.
    OSError
        When something cannot be written.
    """
    size, content = 0, io.BytesIO(_content(log))
    try:
        with (
            gzip.GzipFile(fileobj=content) as stream,
            tarfile.open(fileobj=_Bounded(stream), mode="r|") as archive,
        ):
            for entry in archive:
                size += taken(entry.size)
                _check_size(size)
                _write(archive, entry, into / _checked(entry.name))
    except (FileExistsError, NotADirectoryError) as error:
        raise ClusterError(f"{REFUSED} it holds two things of one name") from error
    except gzip.BadGzipFile as error:
        raise ClusterError(UNREADABLE) from error
    except (ClusterError, OSError):
        raise
    except Exception as error:  # whatever a library makes of bytes that are no archive
        raise ClusterError(UNREADABLE) from error


class _Bounded(io.BufferedIOBase):
    """What comes out of a compressed archive, up to a limit."""

    def __init__(self, stream: gzip.GzipFile) -> None:
        self._stream, self._size = stream, -ARCHIVE_END

    def read(self, size: int | None = -1, /) -> bytes:
        content = self._stream.read(size)
        self._size += len(content)
        _check_size(self._size)
        return content


def _check_size(size: int) -> None:
    if size > LARGEST:
        raise ClusterError(f"{REFUSED} it unpacks to more than {LARGEST / 1e6:.0f} MB")


def _checked(name: str) -> str:
    """Return an entry's name, which leads to no other place on any system."""
    paths = PurePosixPath(name), PureWindowsPath(name)
    if not name.isprintable() or any(path.anchor or ".." in path.parts for path in paths):
        raise ClusterError(f"{REFUSED} {name!r} would lie outside of its folder, or hides its name")
    return name


def _write(archive: tarfile.TarFile, entry: tarfile.TarInfo, target: Path) -> None:
    if entry.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    content = archive.extractfile(entry) if entry.type in PLAIN and not entry.issparse() else None
    if content is None:
        raise ClusterError(f"{REFUSED} {entry.name!r} is neither a folder nor a plain file")
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as written:
        shutil.copyfileobj(content, written)


def _content(log: str) -> bytes:
    """Return the archive's bytes, which are those that were packed."""
    lines = iter(log.splitlines())
    for line in lines:
        if line.startswith(NOTHING):
            raise ClusterError(f"nothing to bring back: {line.removeprefix(NOTHING).strip()}")
        if line.startswith(BEGIN):
            break
    else:
        raise ClusterError(f"nothing came back: {_tail(log)}")
    pieces: list[bytes] = []
    for line in lines:
        if line.startswith(END):
            content = b"".join(pieces)
            if hashlib.sha256(content).hexdigest() == line.removeprefix(END).strip():
                return content
            break
        try:
            pieces.append(base64.b64decode(line, validate=True))
        except ValueError:
            break
    raise ClusterError("the folder's archive did not arrive whole; try again")


def _tail(log: str) -> str:
    return " ".join(log.split()[-40:]) or "the log is empty"


def put(log: str, out: Path, *, job: str, name: str) -> list[Path]:
    """Unpack a log's archive and put each of its folders under `out`; return where they are.

    A folder that came from the same place before is replaced. Any other one of the same name
    stays, and the new one is put beside it.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".arriving-") as temporary:
            unpack(log, Path(temporary))
            entries = sorted(Path(temporary).iterdir())
            return [_place(entry, out, job=job, name=name) for entry in entries]
    except OSError as error:
        raise ClusterError(
            f"{out} cannot be written ({error.strerror}); what the job made is kept on the cluster"
        ) from error


def _place(entry: Path, out: Path, *, job: str, name: str) -> Path:
    target = out / entry.name
    if target.exists() and _came_from(target) != name:
        target = out / f"{entry.name}-{job}"
    if entry.is_dir():
        mark = json.dumps({"job": job, "folder": name}, indent=2)
        (entry / MARK).write_text(mark + "\n", encoding="utf-8")
    if target.is_dir():
        target.rename(entry.with_name(f"{entry.name}.old"))  # removed with the temporary folder
    entry.rename(target)
    return target


def _came_from(target: Path) -> str | None:
    try:
        return str(json.loads((target / MARK).read_text(encoding="utf-8"))["folder"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
