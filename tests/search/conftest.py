"""What the tests of searches share: reports whose figures are planned, but not painted."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from kbn.files import whole_file
from reports.drawing.style import Draw, dark_path


def sketch(
    folder: Path, name: str, draw: Draw, *, height: float, mark: str = "", dark: bool = False
) -> tuple[Path, Path]:
    """Do all that `reports.drawing.style.write_figure` does, but for the painting."""
    del mark
    draw(Figure(figsize=(7, height), layout="constrained"))
    svg, png = (folder / f"{name}{suffix}" for suffix in (".svg", ".png"))
    for path in (svg, png, *([dark_path(svg)] if dark else [])):
        with whole_file(path) as temporary:
            temporary.write_text("a sketch", encoding="utf-8")
    return svg, png


@contextmanager
def sketches() -> Iterator[None]:
    """Leave figures unpainted in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reports.drawing.album.write_figure", sketch)
        yield


@pytest.fixture(autouse=True, scope="module")
def _sketches(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave figures unpainted in this process: they take most of a small study's time.

    How they look is what `tests/reports` are about; drivers in processes of their own, and studies
    on disks that fill up, paint them.
    """
    painted = request.module.__name__.endswith("test_full_disk")
    with nullcontext() if painted else sketches():
        yield


DISK = 4 * 2**20
"""Size of the disk, in bytes; the study needs about a quarter."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a small file system of its own, where this process may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    words = [mount, "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    if subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let root mount a file system")
    try:
        yield folder
    finally:
        subprocess.run([shutil.which("umount") or "umount", "-l", str(folder)], check=True)
