"""How figures look: what stands beside them, and their dark version."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

import reports
from reports.drawing import style
from reports.drawing.style import dark_path, write_figure
from search.experiments.paper import Paper
from search.records import State
from search.settings.values import Cycle
from search.trial import Trial
from tests.reports.contrast import contrast
from tests.reports.records import FAILED, Ending, good, study

PAPER = Paper(
    data="digits",
    hidden=(8,),
    architectures=((8,),),
    cycle=Cycle(3, "epochs"),
    epochs=3,
    loss_epochs=6,
    final_epochs=7,
    coarse=(1e-3, 1e-2, 1e-1),
    scale=0.5,
)
"""A preview of every experiment, and so of every figure."""
Painted = dict[str, tuple[Figure, Path]]


def ending(trial: Trial) -> Ending:
    """End well, but for one value that failed and one network that diverged."""
    if trial.lam == 1e-1:
        return FAILED
    if not trial.batch_norm and trial.sigma == 1e-3:
        return Ending(0.2, State.DIVERGED, epochs=1)
    return good(trial)


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Painted:
    """Return every figure of a report as it was laid out, with its SVG file."""
    figures = {}

    def keep(folder: Path, name: str, draw: style.Draw, **how: Any) -> tuple[Path, Path]:
        def drawn(figure: Figure) -> None:
            figures[name] = figure, folder / f"{name}.svg"
            draw(figure)

        return write_figure(folder, name, drawn, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reports.drawing.album.write_figure", keep)
        reports.write(study(tmp_path_factory.mktemp("study"), ending, search=PAPER))
    assert {"lambda", "order", "final", "loss-8", "sigma-losses"} <= set(figures)
    return figures


def test_words_beside_a_figure_cover_nothing(painted: Painted) -> None:
    """Neither legends nor the mark of a preview lie on axes or on each other."""
    for name, (figure, _) in painted.items():
        assert figure.get_suptitle() == "preview at scale 0.5"
        legends = [legend for ax in figure.axes if (legend := ax.get_legend())]
        beside = (*figure.texts, *figure.legends, *legends)
        boxes = [each.get_window_extent() for each in beside]
        axes = [ax.get_window_extent() for ax in figure.axes]
        for place, box in enumerate(boxes):
            assert box.count_overlaps([*axes, *boxes[:place]]) == 0, name


# --- curves of one point ----------------------------------------------------------------


def test_a_curve_of_one_point_is_a_dot(tmp_path: Path) -> None:
    """One epoch gives no line to be seen: a dot is, hollow where the curve is dashed."""

    def draw(figure: Figure) -> None:
        ax = figure.subplots()
        ax.plot([1], [0.5], label="loss")
        ax.plot([1, 2], [np.nan, 0.5], "--", label="cost")
        ax.plot([1, 2], [0.1, 0.2])
        ax.plot([1], [0.7], "x")
        ax.axhline(0.3)
        style.legend_below(figure, ax.get_legend_handles_labels()[0])
        drawn.append(figure)

    drawn: list[Figure] = []
    write_figure(tmp_path, "lone", draw, height=2.0)
    (figure,) = drawn
    assert [line.get_marker() for line in figure.axes[0].lines] == ["o", "o", "None", "x", "None"]
    full, hollow = figure.axes[0].lines[:2]
    assert to_rgba(hollow.get_markerfacecolor()) == to_rgba("white")
    assert to_rgba(full.get_markerfacecolor()) == to_rgba(full.get_color())
    assert [key.get_marker() for key in figure.legends[0].get_lines()] == ["o", "o"]


# --- dark -----------------------------------------------------------------------------


def shapes(svg: str) -> list[str]:
    """Return what an SVG file draws and where, whatever its colours: paths, places and words."""
    return re.findall(r'\b(?:d|x|y|width|height|transform)="[^"]*"|>[^<>]*\w[^<>]*<', svg)


def test_a_dark_figure_is_the_light_one_in_other_colours(painted: Painted) -> None:
    """Nothing moves, comes or goes; and no colour of the light one that has another is left."""
    named = {light.lower() for light in style.DARK} - set(style.DARK.values())
    for name, (_, path) in painted.items():
        light, dark = (file.read_text("utf-8") for file in (path, dark_path(path)))
        assert shapes(light) == shapes(dark), name
        assert len(shapes(light)) > (10 if name == "weights" else 50), name
        assert set(re.findall("#[0-9a-f]{6}", light)) & named
        assert not set(re.findall("#[0-9a-f]{6}", dark)) & named, name


def test_dark_figures_lie_on_the_page_without_an_edge() -> None:
    """Their paper is the page's."""
    sheet = Path(reports.__file__).parent / "templates" / "page.css"
    _, _, dark = sheet.read_text("utf-8").partition("prefers-color-scheme: dark")
    found = re.search(r"--paper: (#\w{6})", dark)
    assert found is not None
    assert found[1] == style.DARK_PAPER


@pytest.mark.parametrize("name", sorted({*style.DARK} - {style.WHITE, style.GRID, style.RULE}))
def test_what_is_drawn_can_be_told_from_dark_paper(name: str) -> None:
    """Words, marks and lines: by the contrast that WCAG 2 asks of text."""
    assert contrast(style.DARK[name], style.DARK_PAPER) >= 4.5


@pytest.mark.parametrize("step", range(0, 256, 15))
def test_curves_can_be_told_from_their_paper(step: int) -> None:
    """On either, by what WCAG 2 asks of graphics, or nearly so where white paper meets green."""
    assert contrast(style.DARK_CURVES(step), style.DARK_PAPER) >= 2.5
    assert contrast(style.CURVES(step), style.WHITE) >= 1.5


@pytest.mark.parametrize("step", range(0, 256, 5))
def test_words_on_a_heat_map_can_be_read(step: int) -> None:
    """On any cell, light or dark, by the contrast that WCAG 2 asks of large text."""
    ink = style.WHITE if step / 255 > style.HEAT_TURN else style.BLACK
    assert contrast(style.HEAT(step), ink) > 3
    assert contrast(style.DARK_HEAT(step), style.DARK[ink]) > 3
