"""A job's folder, brought here through the log of a second job, and put where it belongs."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cluster.errors import ClusterError
from cluster.job import BEGIN, END, NOTHING

MARK = ".cluster-job.json"
"""In a folder that was brought here: which job's it is."""


def unpack(log: str, into: Path) -> None:
    """Unpack the archive that a log holds.

    Raises
    ------
    ClusterError
        When there is none, or it did not arrive whole.
    """
    lines = iter(log.splitlines())
    for line in lines:
        if line.startswith(NOTHING):
            raise ClusterError(f"nothing to bring back: {line.removeprefix(NOTHING).strip()}")
        if line.startswith(BEGIN):
            digest = line.removeprefix(BEGIN).split()[0]
            break
    else:
        raise ClusterError(f"nothing came back: {_tail(log)}")
    try:
        content = b"".join(base64.b64decode(line, validate=True) for line in _until_end(lines))
    except ValueError:
        content = b""
    if hashlib.sha256(content).hexdigest() != digest:
        raise ClusterError("the folder's archive did not arrive whole; try again")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(into, filter="data")


def _until_end(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith(END):
            return
        yield line


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
