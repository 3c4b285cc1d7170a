"""Figures as files, and what the plots draw."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from kbn.schedule import triangular
from reports.coarse_fine import plots as search_plots
from reports.coarse_fine.findings import findings
from reports.coarse_fine.frames import search_points
from reports.coarse_fine.searched import known_of
from reports.drawing import plots
from reports.drawing.rulers import Ruler, rulers
from reports.drawing.style import BLACK, WIDTH, write_figure
from reports.parts.frames import history_frame
from reports.write import Report
from search.records import Role, State, StudyRecord
from tests.reports.contrast import contrast
from tests.reports.records import (
    CIFAR10,
    DIVERGED_AT_ONCE,
    FAILED,
    REFERENCE,
    SEARCH,
    STUDIES,
    WAITING,
    by_lambda,
    study,
)

LABELS = {
    "lambda": {"L2 strength λ (log scale)", "validation accuracy"},
    "order": {"trial, in the plan's order", "L2 strength λ (log scale)"},
    "differences": {
        "λ",
        "difference of validation accuracy to the best value",
    },
    "learning": {"epoch", "validation loss (nats)", "validation accuracy", "λ", "a", "b"},
    "eta": {"epoch (9 steps each)", "learning rate η"},
    "final": {"epoch", "loss, cost (nats)", "accuracy", "a", "b"},
    "confusion": {"predicted class", "true class"},
    "weights": set(),
}
"""What a figure's axes, colour bar and panels are named, units included."""


def expected(record: StudyRecord) -> set[str]:
    """Return the names of the figures that a study has something to show in."""
    search = [each for each in record.trials if each.stage != "final"]
    names = {"eta"}
    if any(each.state is not State.WAITING for each in search):
        names |= {"lambda", "order"}
    found = known_of(record)
    if found and found.rows:
        names.add("differences")
    if any(each.history for each in search):
        names.add("learning")
    for final in record.stage("final"):
        if final.history:
            names.add("final")
        if final.state is State.COMPLETED:
            names |= {"confusion", "weights"}
    return names


def texts(svg: Path) -> set[str]:
    """Return the texts that a reader of an SVG file sees and can search for."""
    return {
        "".join(node.itertext()).strip()
        for node in ET.parse(svg).iter("{http://www.w3.org/2000/svg}text")  # noqa: S314 - our own file
    }


def points_of(record: StudyRecord, best: float | None) -> pd.DataFrame:
    """Return the points of a study as its report draws them."""
    chosen = None if best is None else (best,)
    return search_points(replace(findings(record), chosen=chosen))


def ruler_of(points: pd.DataFrame) -> Ruler:
    """Return the ruler that a study's points are drawn along."""
    (ruler,) = rulers(SEARCH.space, points["point"].tolist())
    return ruler


def plain(_: object) -> str:
    """Colour every curve alike."""
    return "#123456"


@pytest.fixture
def ax() -> Axes:
    """Return axes to draw on."""
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure.subplots()


def drawn(ax: Axes) -> Axes:
    """Draw a figure: much goes wrong only then."""
    ax.figure.canvas.draw()
    return ax


# --- files ----------------------------------------------------------------------------


FILES = (".svg", "-dark.svg", ".png")
"""How the names of a figure's files end."""


def test_each_figure_is_an_svg_and_a_png(written: tuple[StudyRecord, Report]) -> None:
    """A study has the figures it has results for, each in every format, and nothing else."""
    record, report = written
    files = {path.name for path in (report.path.parent / "figures").iterdir()}
    assert files == {name + end for name in expected(record) for end in FILES}


def test_figures_are_whole_and_of_one_width(written: tuple[StudyRecord, Report]) -> None:
    """Every file can be read, and a page's figures line up."""
    folder = written[1].path.parent / "figures"
    for path in folder.glob("*.png"):
        with Image.open(path) as image:
            image.load()
            assert image.size[0] == round(200 * WIDTH)
    for path in folder.glob("*.svg"):
        assert ET.parse(path).getroot().get("width") == f"{72 * WIDTH:g}pt"  # noqa: S314 - as above


def test_axes_carry_labels_with_units(written: tuple[StudyRecord, Report]) -> None:
    """Labels are text in the SVG, so that they can be found, and name their units."""
    for path in (written[1].path.parent / "figures").glob("*.svg"):
        assert texts(path) >= LABELS[path.stem.removesuffix("-dark")]


def test_no_figure_holds_a_date(written: tuple[StudyRecord, Report]) -> None:
    """Neither format says when it was made: it would differ at the next writing."""
    for path in (written[1].path.parent / "figures").glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        assert "dc:date" not in text
        assert not re.search(r"\b20\d\d-\d\d-\d\d\b", text)
    for path in (written[1].path.parent / "figures").glob("*.png"):
        with Image.open(path) as image:
            assert not re.search("date|time", " ".join(map(str, image.info)), re.IGNORECASE)


def test_two_writings_give_equal_bytes(tmp_path: Path) -> None:
    """Nothing of the clock, of chance or of the figure before enters a file."""
    points = points_of(study(tmp_path), 1e-2)

    def draw(figure: Figure) -> None:
        search_plots.accuracy_along(points, ruler_of(points), figure.subplots())

    first = [path.read_bytes() for path in write_figure(tmp_path, "one", draw, height=2)]
    write_figure(tmp_path, "other", lambda figure: figure.subplots().plot([1, 2]), height=3)
    assert [p.read_bytes() for p in write_figure(tmp_path, "two", draw, height=2)] == first


def test_the_caller_s_style_has_no_say(tmp_path: Path) -> None:
    """Settings of a notebook neither change a figure nor are changed by one."""

    def draw(figure: Figure) -> None:
        figure.subplots().plot([1, 2])

    first = [path.read_bytes() for path in write_figure(tmp_path, "one", draw, height=2)]
    own: Any = {"font.size": 20, "svg.hashsalt": "mine", "axes.grid": False, "text.usetex": True}
    own |= {"xtick.labelsize": 20, "lines.marker": "x", "font.family": "of nobody's"}
    with mpl.rc_context(own):
        before = dict(mpl.rcParams)
        second = [path.read_bytes() for path in write_figure(tmp_path, "two", draw, height=2)]
        assert dict(mpl.rcParams) == before
    assert second == first


def test_a_text_is_no_formula(tmp_path: Path) -> None:
    """Dollars and backslashes in a class's name are drawn as they are, also outside the font."""
    names = {"$a$", "$\\frac{$", "$x_{$", "\\alpha", "漢字"}

    def draw(figure: Figure) -> None:
        ax = figure.subplots()
        ax.set_xticks(range(len(names)), sorted(names))
        ax.plot(range(len(names)), label="$^$")
        ax.legend()

    svg, _ = write_figure(tmp_path, "one", draw, height=2)
    assert texts(svg) >= names | {"$^$"}


@pytest.mark.parametrize(
    ("named", "kept"), [("ipympl", "agg"), ("nonsense", "agg"), ("pdf", "pdf")]
)
def test_the_caller_s_backend_has_no_say(named: str, kept: str) -> None:
    """`$MPLBACKEND` of a notebook that is not installed here ends nothing; another one is kept."""
    code = (
        "import os, reports, matplotlib\nprint(matplotlib.get_backend(), os.environ['MPLBACKEND'])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[3],
        env={key: value for key, value in os.environ.items() if key != "DISPLAY"}
        | {"MPLBACKEND": named},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == (f"{kept} {named}\n", "")


def test_a_drawing_that_fails_leaves_the_earlier_figure(tmp_path: Path) -> None:
    """The files stay as they were, and no temporary one is left."""
    paths = write_figure(tmp_path, "one", lambda figure: figure.subplots().plot([1]), height=2)
    before = [path.read_bytes() for path in paths]

    def fail(figure: Figure) -> None:
        # An error when the file is being written.
        figure.text(0.5, 0.5, "$\\no_such_command$", parse_math=True)

    with pytest.raises(ValueError, match="no_such_command"):
        write_figure(tmp_path, "one", fail, height=2)
    assert [path.read_bytes() for path in paths] == before
    assert sorted(tmp_path.iterdir()) == sorted(paths)


# --- accuracy against λ ---------------------------------------------------------------


def test_a_point_a_grid_and_lambda(tmp_path: Path) -> None:
    """A value on both grids is a point in both; the chosen one is marked in both."""
    points = points_of(study(tmp_path), 1e-2)
    assert list(zip(points["stage"], points["value"], strict=True)) == [
        *(("coarse grid", 1e-3), ("coarse grid", 1e-2), ("coarse grid", 1e-1)),
        *(("fine grid", 5e-3), ("fine grid", 1e-2), ("fine grid", 2e-2)),
    ]
    assert list(points["chosen"]) == [False, True, False] * 2
    assert points["accuracy"][1] == 0.9
    assert points["error"][1] == pytest.approx(math.sqrt(0.9 * 0.1 / 100))
    assert points["reference"].isna().all()


def test_points_without_an_accuracy(tmp_path: Path) -> None:
    """What failed or diverged has a place on the axis, what waits has none yet."""
    endings = by_lambda({1e-3: FAILED, 1e-2: WAITING, 1e-1: DIVERGED_AT_ONCE})
    points = points_of(study(tmp_path, endings), None)
    assert list(points["value"]) == [1e-3, 1e-1]
    assert points["accuracy"].isna().all()
    nothing = points_of(study(tmp_path, STUDIES["nothing yet"]), None)
    assert nothing.empty
    assert list(nothing) == list(points)


def test_the_reference_is_drawn_where_it_compares(tmp_path: Path, ax: Axes) -> None:
    """A series of its own, named, on CIFAR-10 with the reference's settings."""
    points = points_of(study(tmp_path, search=REFERENCE, data=CIFAR10), 1e-2)
    assert points["reference"].notna().all()
    search_plots.accuracy_along(points, ruler_of(points), ax)
    names = [str(key.get_label()) for key in search_plots.accuracy_keys(drawn(ax))]
    assert sorted(names[:2]) == ["coarse grid", "fine grid"]
    assert set(names[2:]) == {"reference report", "cannot be told from the best"}


@pytest.mark.parametrize("name", [name for name in STUDIES if name != "nothing yet"])
def test_any_study_draws_its_accuracies(name: str, tmp_path: Path, ax: Axes) -> None:
    """No warning and no empty axis, however few values completed."""
    points = points_of(study(tmp_path, STUDIES[name]), 1e-2)
    drawn(search_plots.accuracy_along(points, ruler_of(points), ax))
    left, right = ax.get_xlim()
    assert ax.get_xscale() == "log"
    assert left < points["value"].min() <= points["value"].max() < right
    assert [text.get_text() for text in ax.texts].count("did not\ncomplete") == (
        points["accuracy"].isna().sum()
    )
    assert (ax.get_xlabel(), ax.get_ylabel()) == (
        "L2 strength λ (log scale)",
        "validation accuracy",
    )


@pytest.mark.parametrize("lam", [1e-5, 1e-2, 1e-1])
def test_the_chosen_lambda_is_marked_inside_the_axes(tmp_path: Path, ax: Axes, lam: float) -> None:
    """A line at its place, and its name on the side that has room for it."""
    points = points_of(study(tmp_path, search=REFERENCE, data=CIFAR10), lam)
    drawn(search_plots.accuracy_along(points, ruler_of(points), ax))
    assert any(np.array_equal(np.asarray(line.get_xdata()), [lam, lam]) for line in ax.lines)
    (label,) = [text for text in ax.texts if "chosen" in text.get_text()]
    box, frame = label.get_window_extent(), ax.get_window_extent()
    assert frame.x0 <= box.x0
    assert box.x1 <= frame.x1


# --- learning curves ------------------------------------------------------------------


UNTRAINED = ("nothing yet", "all failed", "all diverged at once")


@pytest.mark.parametrize("name", [name for name in STUDIES if name not in UNTRAINED])
def test_a_curve_a_trial(name: str, tmp_path: Path, ax: Axes) -> None:
    """Each trained trial's epochs, accuracies as shares; only the chosen one is black."""
    history = history_frame(study(tmp_path, STUDIES[name]))
    history = history[history["stage"] != "final"]
    drawn(
        plots.learning_curves(
            history, "validation_accuracy", ax, by="params_lam", colours=plain, chosen=1e-2
        )
    )
    curves = list(history.groupby("number"))
    assert len(ax.lines) == len(curves)
    for line, (_, curve) in zip(ax.lines, curves, strict=True):
        assert np.array_equal(np.asarray(line.get_xdata()), curve["epoch"])
        assert np.array_equal(np.asarray(line.get_ydata()), curve["validation_accuracy"])
        chosen = (curve["params_lam"] == 1e-2).all()
        assert (to_hex(line.get_color()) == to_hex(BLACK)) == chosen


@pytest.mark.parametrize(
    ("quantity", "label"),
    [
        ("validation_loss", "validation loss (nats)"),
        ("train_cost", "train cost (nats)"),
        ("train_accuracy", "train accuracy"),
    ],
)
def test_a_quantity_has_its_unit(tmp_path: Path, ax: Axes, quantity: str, label: str) -> None:
    """Losses and costs are in nats; accuracies are shares, as in the tables."""
    history = history_frame(study(tmp_path))
    plots.learning_curves(history, quantity, ax, by="params_lam", colours=plain)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", label)
    assert max(np.max(line.get_ydata()) for line in ax.lines) == history[quantity].max()


def test_colours_are_even_on_the_log_axis() -> None:
    """A factor of ten is the same step anywhere; a single λ has a colour too."""
    norm = plots.value_colours([1e-5, 1e-1], log=True).norm
    even = norm(np.array([1e-5, 1e-4, 1e-3, 1e-2, 1e-1]))
    assert np.allclose(even, [0, 0.25, 0.5, 0.75, 1])
    assert np.allclose(plots.value_colours([1e-2], log=True).norm(np.array([1e-2])), 0.5)


# --- learning rate, final model, confusion --------------------------------------------


def test_the_learning_rate_over_training(ax: Axes) -> None:
    """The schedule from 0 to the longest run's end, with a line and a dot at each end."""
    schedule = triangular(1e-5, 1e-1, 900)
    drawn(plots.learning_rate(schedule, [("search", 1800), ("final", 2250)], 90, ax))
    curve, *marks = ax.lines
    x, y = np.asarray(curve.get_xdata()), np.asarray(curve.get_ydata())
    assert x[0] == 0
    assert x[-1] == 2249 / 90
    assert y == pytest.approx([schedule(round(90 * epoch)) for epoch in x])
    dots = [line for line in marks if line.get_marker() == "o"]
    ends = [float(np.asarray(dot.get_xdata())[0]) for dot in dots]
    assert ends == [1799 / 90, 2249 / 90]
    assert [float(np.asarray(dot.get_ydata())[0]) for dot in dots] == [
        schedule(1799),
        schedule(2249),
    ]
    assert [text.get_text() for text in ax.texts] == ["search", "final"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch (90 steps each)", "learning rate η")


def curve_of_final(folder: Path) -> pd.DataFrame:
    """Return the final model's epochs."""
    history = history_frame(study(folder))
    return history[history["stage"] == "final"]


def test_the_final_model_s_losses(tmp_path: Path, ax: Axes) -> None:
    """Cost and loss of both parts, each named, cost solid and loss dashed."""
    curve = curve_of_final(tmp_path)
    drawn(plots.final_losses(curve, ax))
    assert {str(line.get_label()): line.get_linestyle() for line in ax.lines} == {
        "train cost": "-",
        "train loss": "--",
        "validation cost": "-",
        "validation loss": "--",
    }
    for line in ax.lines:
        column = str(line.get_label()).replace(" ", "_")
        assert np.array_equal(np.asarray(line.get_ydata()), curve[column])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "loss, cost (nats)")


@pytest.mark.parametrize(
    ("test", "names"),
    [(0.875, ["train", "validation", "test, at the end"]), (None, ["train", "validation"])],
)
def test_the_final_model_s_accuracies(
    tmp_path: Path, ax: Axes, test: float | None, names: list[str]
) -> None:
    """As shares; the test accuracy is one dot at the end, and none where there is none."""
    drawn(plots.final_accuracies(curve_of_final(tmp_path), test, ax))
    assert [str(line.get_label()) for line in ax.lines] == names
    assert ax.get_ylabel() == "accuracy"
    if test is not None:
        assert np.asarray(ax.lines[-1].get_xydata()).tolist() == [[6, 0.875]]


def test_a_confusion_matrix_is_as_shares_of_the_true_class(ax: Axes) -> None:
    """Rows are true labels; a little is not printed as none, and an absent class is no error."""
    counts = np.array([[999, 1, 0], [25, 75, 0], [0, 0, 0]])
    drawn(plots.confusion(counts, ("a", "b", "c"), ax))
    cells = {text.get_position(): text.get_text() for text in ax.texts}
    assert [[cells[column, row] for column in range(3)] for row in range(3)] == [
        [".99", ".01", "0"],
        [".25", ".75", "0"],
        ["0", "0", "0"],
    ]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")


def test_the_numbers_of_a_confusion_matrix_can_be_read(ax: Axes) -> None:
    """White on dark cells, black on light ones, by the luminance of the cell's own colour."""
    counts = np.array([[100 - share, share] for share in range(0, 101, 5)])
    counts = np.hstack([counts, np.zeros((21, 19), dtype=int)])[:20, :20]
    drawn(plots.confusion(counts, [str(k) for k in range(20)], ax))
    (image,) = ax.images
    for text in ax.texts:
        column, row = (int(position) for position in text.get_position())
        share = counts[row, column] / counts[row].sum()
        assert contrast(image.cmap(share), text.get_color()) > 3, f"{share:.2f}"


@pytest.mark.parametrize("classes", [2, 10, 11, 20, 21, 100])
def test_many_classes_are_drawn(ax: Axes, classes: int) -> None:
    """Up to 20 classes have numbers in their cells; more have colours alone."""
    counts = np.eye(classes, dtype=int)
    plots.confusion(counts, [f"class {k}" for k in range(classes)], ax)
    assert len(ax.texts) == (classes**2 if classes <= 20 else 0)
    assert len(ax.get_xticks()) == len(ax.get_yticks()) == classes


def test_some_of_many_classes_are_named_in_short(ax: Axes) -> None:
    """So many names that they can be read, none longer than that, on one line."""
    names = ["a\nb", "x" * 100_000, *map(str, range(498))]
    drawn(plots.confusion(np.eye(500, dtype=int), names, ax))
    shown = [label.get_text() for label in ax.get_yticklabels()]
    assert shown[0] == "a b"
    assert sum(map(bool, shown)) == plots.NAMED_CLASSES
    drawn(plots.confusion(np.eye(2, dtype=int), names[:2], ax))
    assert ax.get_yticklabels()[1].get_text() == "x" * (plots.NAME_LENGTH - 1) + "…"


def test_every_stage_has_a_style() -> None:
    """A frame holds roles as texts, whatever kind of text they were; rounds differ."""
    named = [(role.value, role) for role in Role if role is not Role.GRID]
    stages = [*named, ("round 3", Role.ROUND)]
    frame = pd.DataFrame([{"stage": stage, "role": role} for stage, role in stages])
    styles = search_plots.stage_styles(frame)
    assert list(styles) == [stage for stage, _ in stages]
    assert styles["round"] != styles["round 3"]
