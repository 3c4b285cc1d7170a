"""The performance page, composed of what benchmarks kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import end_to_end
from benchmarks.performance import RESULTS, compose, keep, kept


def run(name: str, number: int, wall: float, *, batch_norm: bool = True) -> dict[str, Any]:
    """Return what a contestant's run would give."""
    accuracies = {"0.001": 0.5, "0.01": 0.52 if name == "ours" else 0.53}
    return {
        "name": name,
        "round": number,
        "batch_norm": batch_norm,
        "wall": wall,
        "cpu": 2 * wall,
        "accuracies": accuracies,
    }


def made_up() -> dict[str, Any]:
    """Return results of two rounds and a third that was interrupted."""
    search = end_to_end.coarse_search(batch_norm=True, data="digits", coarse="1e-3,1e-2")
    return {
        "settings": search.plain(),
        "commands": [search.command()],
        "cores": 2,
        "about": "a processor",
        "missing": {"Ray Tune": "pyarrow"},
        "runs": [
            run("ours", 0, 10.0),
            run("Optuna", 0, 5.0),
            run("ours", 0, 10.0, batch_norm=False),
            run("ours", 1, 20.0),
            run("Optuna", 1, 40.0),
            run("ours", 2, 1e6),
        ],
    }


def test_the_page_has_each_benchmark_that_kept_results(tmp_path: Path) -> None:
    """Steps come first, figures lie beside the page, and the last results count."""
    results = tmp_path / "results"
    keep("end_to_end", {"of": "an earlier run"}, results)
    keep("end_to_end", made_up(), results)
    keep("step", dict(kept(RESULTS))["step"], results)
    page = tmp_path / "page.md"
    compose(page, results)
    text = page.read_text(encoding="utf-8")
    assert re.findall("^#+ .*", text, re.MULTILINE) == [
        "# Performance",
        "## One training step",
        "## A coarse search, end to end",
    ]
    figures = re.findall(r"!\[[^]]*\]\(([^)]*)\)", text)
    assert len(figures) == 2
    assert all((tmp_path / figure).stat().st_size for figure in figures)


def test_ratios_are_of_rounds_that_all_have_run(tmp_path: Path) -> None:
    """Each is computed round by round; a peer that is quicker is shown so, one left out named."""
    results = tmp_path / "results"
    keep("end_to_end", made_up(), results)
    compose(tmp_path / "page.md", results)
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("| Optuna"))
    time, core, ratio, core_ratio, best, apart = [
        cell.strip() for cell in row.strip("|").split("|")
    ][1:]
    assert time == "22.5 (13.8 to 31.2)"
    assert core == "45.0 (27.5 to 62.5)"
    assert ratio == core_ratio == "1.25 (0.88 to 1.62)"  # of 10 / 5 and 20 / 40
    assert (best, apart) == ("53.00 % at 1e-2", "1.00")
    assert "Ray Tune was left out: pyarrow is not installed." in text


def test_who_lacks_a_library_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others take part; scikit-learn, which knows no batch norm, only without it."""
    monkeypatch.setattr(end_to_end, "NEEDS", {"Ray Tune": ("no_such_library",), "Optuna": ()})
    names, lacks = end_to_end.contestants(batch_norm=False)
    assert names == ("ours", "ours, --pack 1", "Optuna", "GridSearchCV")
    assert lacks == {"Ray Tune": "no_such_library"}
    assert "GridSearchCV" not in end_to_end.contestants(batch_norm=True)[0]


def test_the_page_is_that_of_the_results_that_are_kept(tmp_path: Path) -> None:
    """The committed page is what its results give, word for word."""
    compose(tmp_path / "performance.md")
    written = Path(RESULTS).parents[1] / "docs" / "performance.md"
    assert (tmp_path / "performance.md").read_text() == written.read_text()
