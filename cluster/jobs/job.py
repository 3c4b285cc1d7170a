"""Runs on the cluster, started by `cluster.submit`: a command in a job, and its folder's way back.

    python3 job.py run NAME -- COMMAND …     becomes COMMAND … --out FOLDER
    python3 job.py bring NAME                prints FOLDER as a compressed archive, in text

FOLDER is the same for the same NAME, so that a command submitted again finds what it left. This
file is also sent as text to a machine without our code: it needs the standard library alone.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import shlex
import shutil
import socket
import stat
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BEGIN, END, NOTHING = "-----BEGIN ARCHIVE", "-----END ARCHIVE", "-----NO ARCHIVE"
LINE_BYTES = 3 * 16_384
"""Bytes of the archive in a line of its text."""
LARGEST = 256 * 10**6
"""Bytes of a folder; a job's log is read as a whole, several times over, on its way."""
BLOCK = 4096
"""Bytes that an entry takes beside its content; it bounds a flood of empty ones."""
LOOK_SECONDS = 2.0
"""How often the folder of a running command is measured."""
PYTHONS = ("python", "python3")
WORKER = b"--python_worker_command="
"""How a raylet is told what starts its workers, and so which Python has Ray."""


def folder(name: str) -> Path:
    """Return a job's folder, open to this user alone."""
    base = Path(tempfile.gettempdir()) / f"cluster-jobs-{os.getuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    if base.stat().st_uid != os.getuid() or base.is_symlink():
        sys.exit(f"error: {base} belongs to somebody else; set TMPDIR on the cluster")
    return base / name


def run(name: str, command: list[str]) -> None:
    """Become a command that writes to the folder; Ray then sees its exit code and stops it."""
    if command[0] in PYTHONS:
        command[0] = ray_python() or command[0]
    if name:
        place = folder(name)
        place.mkdir(exist_ok=True)
        watch(place)
        command += ["--out", str(place)]
    try:
        os.execvp(command[0], command)  # noqa: S606 - the user's own command
    except OSError as error:
        sys.exit(f"error: {command[0]} cannot be run on the cluster ({error.strerror})")


def ray_python() -> str | None:
    """Return the Python that has Ray here, from the raylet above this process; None if unseen.

    A job's shell has the PATH that Ray was started with, and `python` there may be another one.
    """
    pid = os.getpid()
    while pid > 1:
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return None
        for argument in arguments:
            if argument.startswith(WORKER):
                words = shlex.split(argument[len(WORKER) :].decode())
                found = [word for word in words if Path(word).name.startswith("python")]
                return shutil.which(found[0]) if found else None
    return None


def entries(place: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield the folders and plain files below a folder, each folder before what is in it.

    Links, sockets and devices are left out: whoever unpacks them might write elsewhere.
    """
    for above, folders, files in os.walk(place):
        folders.sort()
        for name in sorted(folders + files):
            path = Path(above, name)
            try:
                found = path.lstat()
            except FileNotFoundError:  # a command that is still running
                continue
            if stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode):
                yield path, found


def taken(size: int) -> int:
    """Return the bytes that an entry counts as."""
    return size + BLOCK


def measure(place: Path) -> int:
    """Return the bytes that a folder's content takes."""
    return sum(
        taken(found.st_size if stat.S_ISREG(found.st_mode) else 0) for _, found in entries(place)
    )


def too_large(place: Path) -> str:
    """Return why a folder cannot be brought back; nothing when it can."""
    size = measure(place)
    if size <= LARGEST:
        return ""
    return (
        f"{place} on {socket.gethostname()} is {size / 1e6:.0f} MB, more than the "
        f"{LARGEST / 1e6:.0f} MB that are brought back"
    )


def watch(place: Path) -> None:
    """Say once, while this process is the command, that its folder has grown too large.

    A child says it, which ends with the command.
    """
    command = os.getpid()
    if os.fork():
        return
    while os.getppid() == command:
        if said := too_large(place):
            print(f"warning: {said}; copy it, or let the command write less", flush=True)
            break
        time.sleep(LOOK_SECONDS)
    os._exit(0)


class Text(io.RawIOBase):
    """A file to write to, whose content is printed as lines of base64."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, content: Any) -> int:
        """Print a line."""
        self.digest.update(content)
        print(base64.b64encode(content).decode())
        return len(content)


def bring(name: str) -> None:
    """Print the folder's content as lines of base64 between two marks, the second with its hash."""
    place = folder(name)
    if not place.is_dir():
        print(NOTHING, f"{place} does not exist")
        return
    if said := too_large(place):
        print(NOTHING, f"{said}; copy it")
        return
    print(BEGIN)
    text = Text()
    with tarfile.open(fileobj=text, mode="w|gz", bufsize=LINE_BYTES) as archive:
        for path, found in entries(place):
            entry = tarfile.TarInfo(path.relative_to(place).as_posix())
            entry.mtime = int(found.st_mtime)
            if stat.S_ISDIR(found.st_mode):
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)
            else:
                entry.size = found.st_size
                with path.open("rb") as content:
                    archive.addfile(entry, content)
    print(END, text.digest.hexdigest())


def main(words: list[str]) -> None:
    """Do what the first word says."""
    if words[0] == "run":
        run(words[1], words[words.index("--") + 1 :])
    else:
        bring(words[1])


if __name__ == "__main__":
    main(sys.argv[1:])
