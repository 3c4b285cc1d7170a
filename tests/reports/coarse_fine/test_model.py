"""The final model, seen from inside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reports
from reports.drawing.style import Draw, write_figure
from search.records import Mistakes, StudyRecord
from tests.reports.records import DIGITS, study
from tests.search.conftest import sketch

MISTAKES = Mistakes(
    images=np.arange(2.0 * 64).reshape(2, 64),
    classes=np.array([3, 0]),
    taken_for=np.array([5, 8]),
    probabilities=np.array([0.9999, 0.5]),
)


@pytest.fixture(autouse=True)
def _others_sketched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paint the figures that are looked at here alone: a report has many more."""

    def painted(folder: Path, name: str, draw: Draw, **how: Any) -> tuple[Path, Path]:
        write = write_figure if name in ("weights", "mistakes") else sketch
        return write(folder, name, draw, **how)

    monkeypatch.setattr("reports.drawing.album.write_figure", painted)


def drawn(record: StudyRecord) -> set[str]:
    """Write a study's report; return the names of the figures that it shows."""
    text = reports.write(record).path.read_text("utf-8")
    files = (path.stem for path in (record.folder / "figures").glob("*.png"))
    return {name for name in files if f"(figures/{name}.png)" in text}


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8), None])
def test_weights_are_shown_where_the_data_are_images(
    tmp_path: Path, shape: tuple[int, ...] | None
) -> None:
    """A row of numbers of no shape has no picture."""
    record = study(tmp_path, data=replace(DIGITS, image_shape=shape))
    assert ("weights" in drawn(record)) == (shape is not None)


def test_mistakes_are_drawn_where_the_data_are_at_hand_and_shown_ever_after(tmp_path: Path) -> None:
    """The figure stays in the folder: a report that is written without the data shows it again."""
    record = study(tmp_path)
    assert "mistakes" not in drawn(record)
    assert "mistakes" in drawn(replace(record, mistakes=MISTAKES))
    svg = tmp_path / "figures" / "mistakes.svg"
    before = svg.read_bytes()
    for words in ("5", "(3)", "0.99", "8", "(0)", "0.50"):
        assert f">{words}<" in before.decode()
    assert "mistakes" in drawn(record)
    assert svg.read_bytes() == before


def test_mistakes_of_another_model_do_not_stay(tmp_path: Path) -> None:
    """One that makes none has no figure of them, and what an earlier one left is gone."""
    record = study(tmp_path)
    drawn(replace(record, mistakes=MISTAKES))
    none = Mistakes(**{name: array[:0] for name, array in vars(MISTAKES).items()})
    assert "mistakes" not in drawn(replace(record, mistakes=none))
    assert "mistakes" not in drawn(record)
    assert not list((tmp_path / "figures").glob("mistakes*"))


def test_long_names_of_classes_are_cut(tmp_path: Path) -> None:
    """So that they lie below their own picture."""
    data = replace(DIGITS, classes=("a very long\nname of a class", *DIGITS.classes[1:]))
    drawn(replace(study(tmp_path, data=data), mistakes=MISTAKES))
    assert ">(a very long…)<" in (tmp_path / "figures" / "mistakes.svg").read_text("utf-8")
