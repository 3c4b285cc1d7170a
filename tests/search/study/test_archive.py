"""Archives that somebody made: nothing lands elsewhere, and nothing unpacks without an end."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from kbn.errors import InputError
from search.study import archive
from search.study.archive import unpacked


def made(path: Path, **files: bytes) -> Path:
    """Write a zip archive; `_` in a name stands for `/`."""
    with ZipFile(path, "w", ZIP_DEFLATED) as held:
        for name, content in files.items():
            held.writestr(name.replace("_", "/"), content)
    return path


def test_the_study_is_found_wherever_it_lies(tmp_path: Path) -> None:
    """At the archive's root or in a folder; it is gone afterwards."""
    for name in ("spec.json", "runs/mine/spec.json"):
        with unpacked(made(tmp_path / "a.zip", **{name: b"{}"})) as folder:
            assert (folder / "spec.json").read_bytes() == b"{}"
        assert not folder.exists()


def test_nothing_lands_outside(tmp_path: Path) -> None:
    """Neither `..` nor a path from the root leads out of the folder."""
    held = made(tmp_path / "a.zip", **{"../out": b"x", "/root": b"x", "s/spec.json": b"{}"})
    with unpacked(held) as folder:
        root = folder.parent
        names = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
        assert names == {"out", "root", "s/spec.json"}
        assert not (root.parent / "out").exists()


def test_what_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claimed sizes are summed up before anything is written, and so are the entries."""
    held = made(tmp_path / "a.zip", **{"spec.json": b"{}", "zeros": bytes(10**6)})
    assert held.stat().st_size < 10_000
    for bound, value in (("LARGEST", 10**5), ("MOST", 1)):
        with monkeypatch.context() as patch:
            patch.setattr(archive, bound, value)
            with pytest.raises(InputError, match=r"2 entries of 1,000,002 bytes"), unpacked(held):
                pass


@pytest.mark.parametrize(
    ("files", "why"),
    [({"report.md": b""}, "no studies"), ({"a/spec.json": b"", "b/spec.json": b""}, "2 studies")],
)
def test_one_study_is_asked_for(files: dict[str, bytes], why: str, tmp_path: Path) -> None:
    """None, or several, is refused in one line."""
    with pytest.raises(InputError, match=why), unpacked(made(tmp_path / "a.zip", **files)):
        pass
