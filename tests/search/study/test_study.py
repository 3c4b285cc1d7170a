"""A study to look at: in a notebook, from its folder alone, and in short."""

from __future__ import annotations

import pydoc
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from nbclient import NotebookClient
from nbformat import v4

from kbn.errors import InputError
from search import CoarseFine, Execution, LambdaSearch, Paper, Study, run
from search.settings.setting import Settings
from tests.search.drivers import ROOT
from tests.search.studies import SMALL, TRIALS


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Return a small study that ran through."""
    return run(SMALL, out=tmp_path_factory.mktemp("runs"), name="s", serial=True, quiet=True)


def test_a_folder_is_enough(study: Study) -> None:
    """Opened from it, without specification or data, the study is the one that ran."""
    opened = Study.open(str(study.folder))
    assert opened.trials().equals(study.trials())
    assert opened._repr_html_() == study._repr_html_()
    assert repr(opened) == f"<Study s: {TRIALS} trials, finished>"


def test_no_folder_is_refused(tmp_path: Path) -> None:
    """One line says so."""
    with pytest.raises(InputError, match="does not exist; name a study's folder"):
        Study.open(tmp_path / "nowhere")


def test_a_notebook_shows_verdict_picture_and_table(study: Study) -> None:
    """As HTML that holds its picture, and as Markdown that names it."""
    html, markdown = study._repr_html_(), study._repr_markdown_()
    for text in (html, markdown):
        assert "did best of 3 values" in text.replace("<strong>", "")
        assert text.count("completed") == TRIALS
    assert "data:image/svg+xml;base64," in html
    assert f"]({study.folder.as_posix()}/figures/lambda.png)" in markdown


def test_a_study_that_is_not_finished_says_so(study: Study) -> None:
    """Neither a verdict nor a picture is shown that the study does not have yet."""
    waiting = replace(study.record.experiments[0], finished=False)
    half = Study(replace(study.record, experiments=(waiting,), folder=Path("nowhere")))
    assert half._repr_markdown_().startswith("**Not finished: ")
    assert "figures/" not in half._repr_markdown_()
    assert half.figures == {}
    with pytest.raises(InputError, match=r"report\.html is not there"):
        _ = half.html


def test_figures_and_page_are_at_hand(study: Study) -> None:
    """Each figure by its name, once; the page as text."""
    assert {"lambda", "learning", "confusion"} <= set(study.figures)
    assert not any(name.endswith("-dark") for name in study.figures)
    figure = study.figures["lambda"]
    assert figure._repr_svg_() == figure.svg.read_text(encoding="utf-8")
    assert study.html == (study.folder / "report.html").read_text(encoding="utf-8")


def test_the_best_trial_is_shown_in_a_line(study: Study) -> None:
    """Its weights and histories stay out of the way."""
    shown = repr(study.best)
    assert shown.startswith("<trial 3, final 3 epochs: 3 epochs, completed, validation accuracy")
    assert "test accuracy" in shown
    assert len(shown) < 200
    assert len(repr(study.best.result if study.best else None)) < 1500


@pytest.mark.parametrize("settings", [LambdaSearch, CoarseFine, Paper, Execution])
def test_help_lists_every_setting(settings: type[Settings]) -> None:
    """With its default and what it is for: in a terminal's `help`, too, which takes text alone."""
    assert "Settings\n |  --------" in pydoc.plain(pydoc.render_doc(settings))
    said = (settings.__doc__ or "").partition("Settings\n--------\n")[2]
    heads = [line.split(" = ")[0] for line in said.splitlines() if not line.startswith(" ")]
    assert heads == [field.name for field in fields(settings)]
    assert all(field.metadata["help"].split()[0] in said for field in fields(settings))


def test_off_and_none_mean_one_thing_each() -> None:
    """None is as if nothing were given; `off` switches off."""
    nothing: Any = None
    off: Any = "off"
    assert LambdaSearch(replicate_top=nothing, lambda_bounds=nothing) == LambdaSearch()
    assert LambdaSearch(replicate_top=off, lambda_bounds=off) != LambdaSearch()
    assert Execution(trial_timeout=off) == Execution(trial_timeout=None) == Execution()


def test_the_closing_lines_are_those_of_the_command(tmp_path: Path) -> None:
    """What was found, what to know and where the report is, unless it is to be quiet."""
    script = (
        "from search import run; from tests.search.studies import SMALL\n"
        f"run(SMALL, out={str(tmp_path)!r}, name='s', serial=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    assert "λ = 1e-2 is chosen" in done.stderr
    assert done.stderr.splitlines()[-1] == f"report: {tmp_path / 's' / 'report.md'}"


def executed(*cells: str) -> list[list[dict[str, Any]]]:
    """Run cells in a kernel of Jupyter's; return what each showed."""
    make: Any = v4  # it has no types
    notebook = make.new_notebook(cells=[make.new_code_cell(cell) for cell in cells])
    client = NotebookClient(
        notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(ROOT)}}
    )
    client.execute()
    return [cell.outputs for cell in notebook.cells]


def texts(outputs: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what outputs say in plain text."""
    for each in outputs:
        yield each["data"]["text/plain"] if "data" in each else "".join(each.get("text", ()))


@pytest.mark.timeout(180)
def test_a_notebook_gets_one_bar_and_errors_of_one_line(tmp_path: Path) -> None:
    """The bar is drawn in its place; changed settings under one name take no traceback to tell."""
    where = f"out={str(tmp_path)!r}, name='s', serial=True"
    _, ran, shown, again = executed(
        "from dataclasses import replace\nfrom search import run\n"
        "from tests.search.studies import SMALL",
        f"study = run(SMALL, {where})",
        "study",
        f"run(replace(SMALL, epochs=4), {where})",
    )
    assert {each["output_type"] for each in ran} == {"display_data"}
    said = list(texts(ran))
    assert sum("trials, 0:" in text for text in said) == 1
    assert said[0].startswith(f"12/12 epochs, {TRIALS}/{TRIALS} trials, 0:0")
    assert said[-1].endswith(f"report: {tmp_path / 's' / 'report.md'}\n")
    assert "<strong>" in shown[0]["data"]["text/html"]
    (error,) = again
    assert len(error["traceback"]) == 1
    assert error["traceback"][0].endswith(
        "(epochs 3 → 4): choose another `name`, or `overwrite` to replace it"
    )
