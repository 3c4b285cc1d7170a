"""Where two files differ, in words; and whether rounding alone is behind it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.study.checks.differences import difference, only_rounded

ROW = "| fine | 4e-3 | 0.5269 |\n"


def files(folder: Path, one: str, other: str) -> tuple[Path, Path]:
    """Write two texts into files of one name."""
    paths = folder / "held.md", folder / "made.md"
    for path, text in zip(paths, (one, other), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


@given(at=st.integers(0, len(ROW) - 2), line=st.integers(0, 2))
def test_any_changed_sign_is_found(
    tmp_path_factory: pytest.TempPathFactory, at: int, line: int
) -> None:
    """The line is named, and both versions are shown."""
    text = "title\n" + 3 * ROW
    place = len("title\n") + line * len(ROW) + at
    changed = text[:place] + "#" + text[place + 1 :]
    where = difference(*files(tmp_path_factory.mktemp("two"), changed, text))
    assert where.startswith(f"line {line + 2} has “")
    assert "#" in where.partition(", the store gives")[0]


def test_equal_files_have_no_difference(tmp_path: Path) -> None:
    """Nothing is said then; what one is longer by is shown beside nothing."""
    assert difference(*files(tmp_path, ROW, ROW)) == ""
    where = difference(*files(tmp_path, ROW.strip(), ROW))
    assert where == "its lines end otherwise than the store gives them"
    where = difference(*files(tmp_path, ROW + "more\n", ROW))
    assert where == "line 2 has “more”, the store gives “”"


@pytest.mark.parametrize(
    ("other", "rounded"),
    [("0.52690000000001", True), ("0.5270", False), ("0.5269 ", False), ("-0.5269", False)],
)
def test_rounding_is_told_from_change(*, other: str, rounded: bool, tmp_path: Path) -> None:
    """The last bits of numbers may differ; a digit that a reader sees, or a word, may not."""
    paths = files(tmp_path, "accuracy 0.5269", f"accuracy {other}")
    assert only_rounded(*paths) is rounded
