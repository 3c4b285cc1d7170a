"""Files of a study: its report, its tables, its model, or all of it in an archive."""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO, Annotated, Any, cast
from urllib.parse import quote

from fastapi import APIRouter, Depends
from fastapi.responses import PlainTextResponse, StreamingResponse

from kbn.errors import InputError
from kbn.files import PARTIAL
from search.service.api import place_of
from search.service.details import log_end
from search.service.errors import UnknownStudyError
from search.service.guard import SANDBOXED
from search.service.place import Place
from search.store import schema
from search.store.folder import DRIVER, DRIVER_LOCK, LOCK, LOG, PROGRESS, REQUEST, STOP, STORE
from search.store.integrity import UNREADABLE

router = APIRouter()
FILES = {
    "report.html": "text/html; charset=utf-8",
    "report.md": "text/markdown; charset=utf-8",
    "report.json": "application/json",
    "trials.csv": "text/csv; charset=utf-8",
    "history.csv": "text/csv; charset=utf-8",
    "layers.csv": "text/csv; charset=utf-8",
    "model.npz": "application/octet-stream",
}
"""What can be fetched by name, and what it is."""
LEFT_OUT = (LOCK, DRIVER_LOCK, DRIVER, REQUEST, LOG, STOP, PROGRESS, f"{STORE}-journal")
"""What is not in an archive: it is of this place alone."""
CHUNK = 2**18
"""Bytes that are read and sent at a time."""
Here = Annotated[Place, Depends(place_of)]


@router.get("/studies/{name}/log", response_class=PlainTextResponse)
def show_log(here: Here, name: str) -> PlainTextResponse:
    """Return the end of what a study's driver has printed."""
    folder = here.folders.folder(name)
    driver, jobs = here.folders.files(name).driver(), here.launcher.jobs
    if driver is not None and driver.job and jobs is not None:
        return PlainTextResponse(jobs.log(driver.job))
    return PlainTextResponse(log_end(folder))


@router.get("/studies/{name}/archive.zip", response_class=StreamingResponse)
def fetch_archive(here: Here, name: str) -> StreamingResponse:
    """Return a study's folder as a `.zip`, made as it is sent."""
    folder = here.folders.folder(name)
    return StreamingResponse(
        archive(folder), media_type="application/zip", headers=_saved_as(f"{name}.zip")
    )


@router.get("/studies/{name}/{file}", response_class=StreamingResponse)
def fetch_file(here: Here, name: str, file: str) -> StreamingResponse:
    """Return a file of a study: its report, its tables, or its model."""
    if file not in FILES:
        raise UnknownStudyError(f"{file[:80]}: choose one of {', '.join(FILES)}, archive.zip")
    folder = here.folders.folder(name)
    try:
        handle = os.open(folder / file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise UnknownStudyError(f"{name} has no {file} ({error.strerror}), or not yet") from error
    content = os.fdopen(handle, "rb")
    headers = {"Content-Length": str(os.fstat(handle).st_size)}
    headers |= (
        {"Content-Security-Policy": SANDBOXED}
        if file == "report.html"
        else _saved_as(f"{name}-{file}")
    )
    return StreamingResponse(_chunks(content), media_type=FILES[file], headers=headers)


def archive(folder: Path) -> Iterator[bytes]:
    """Yield a study's folder as a `.zip`, piece by piece; of its store a copy that is whole."""
    made = _Pieces()
    with zipfile.ZipFile(cast(IO[bytes], made), "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if inside.name.startswith(PARTIAL) or str(inside) in (*LEFT_OUT, STORE):
                continue
            if path.is_file() and not path.is_symlink():
                yield from _packed(packed, made, path, Path(folder.name, inside))
        if (folder / STORE).is_file():
            with tempfile.TemporaryDirectory() as place:
                copy = Path(place) / STORE
                _copy(folder / STORE, copy)
                yield from _packed(packed, made, copy, Path(folder.name, STORE))
    yield from made.taken()


def _packed(packed: zipfile.ZipFile, made: _Pieces, path: Path, name: Path) -> Iterator[bytes]:
    try:
        info = zipfile.ZipInfo.from_file(path, name.as_posix(), strict_timestamps=False)
        content = path.open("rb")
    except FileNotFoundError:  # a run that goes on replaces its files
        return
    info.compress_type = zipfile.ZIP_DEFLATED
    with content, packed.open(info, "w") as entry:
        for chunk in iter(lambda: content.read(CHUNK), b""):
            entry.write(chunk)
            yield from made.taken()
    yield from made.taken()


class _Pieces(io.RawIOBase):
    """A file to write to, of which nothing is kept that was taken."""

    def __init__(self) -> None:
        self._held: list[bytes] = []

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Keep a piece."""
        self._held.append(bytes(data))
        return len(data)

    def taken(self) -> Iterator[bytes]:
        """Yield what was written, and forget it."""
        held, self._held = self._held, []
        yield from held


def _copy(store: Path, to: Path) -> None:
    """Copy a store as it is between two transactions; a damaged one as it lies there."""
    try:
        with (
            closing(schema.connect(store, read_only=True)) as held,
            closing(schema.connect(to)) as copy,
        ):
            held.backup(copy)
    except (InputError, *UNREADABLE):
        to.write_bytes(store.read_bytes())


def _chunks(content: IO[bytes]) -> Iterator[bytes]:
    with content:
        yield from iter(lambda: content.read(CHUNK), b"")


def _saved_as(name: str) -> dict[str, str]:
    """Return the header that lets a browser save a file under a name."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    }
