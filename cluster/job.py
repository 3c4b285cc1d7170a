"""Runs on the cluster, started by `cluster.submit`: a command in a job, and its folder's way back.

    python3 cluster/job.py run NAME -- COMMAND …     becomes COMMAND … --out FOLDER
    python3 cluster/job.py bring NAME                prints FOLDER as a compressed archive, in text

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
import sys
import tarfile
import tempfile
from pathlib import Path

BEGIN, END, NOTHING = "-----BEGIN ARCHIVE", "-----END ARCHIVE", "-----NO ARCHIVE"
LINE_BYTES = 3 * 16_384
"""Bytes of the archive in a line of its text."""
LARGEST = 256 * 2**20
"""Bytes of an archive; a job's log is read as a whole, several times over, on its way."""
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


def bring(name: str) -> None:
    """Print the folder's content as lines of base64 between two marks, with its hash."""
    place = folder(name)
    if not place.is_dir():
        print(NOTHING, f"{place} does not exist")
        return
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for entry in sorted(place.iterdir()):
            archive.add(entry, arcname=entry.name)
    content = packed.getvalue()
    if len(content) > LARGEST:
        print(NOTHING, f"{place} is {len(content) / 1e6:.0f} MB, too large for this way; copy it")
        return
    print(BEGIN, hashlib.sha256(content).hexdigest(), len(content))
    for start in range(0, len(content), LINE_BYTES):
        print(base64.b64encode(content[start : start + LINE_BYTES]).decode())
    print(END)


def main(words: list[str]) -> None:
    """Do what the first word says."""
    if words[0] == "run":
        run(words[1], words[words.index("--") + 1 :])
    else:
        bring(words[1])


if __name__ == "__main__":
    main(sys.argv[1:])
