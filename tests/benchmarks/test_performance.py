"""The performance page, composed of what benchmarks kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import end_to_end
from benchmarks.blocks import OURS, TWIN
from benchmarks.end_to_end_page import WITH, WITHOUT
from benchmarks.performance import ORDER, RESULTS, benchmark_of, compose, keep, kept
from tests.benchmarks.test_host import HOST


def made_up() -> dict[str, Any]:
    """Return results of two blocks, one of them twice as slow."""
    search = end_to_end.coarse_search(batch_norm=True, data="digits", coarse="1e-3,1e-2")
    times = {OURS: (10.0, 20.0), TWIN: (10.0, 20.0), "Optuna": (5.0, 40.0)}
    turns = [
        {"case": case, "block": block, "who": who, "wall": wall, "cpu": 2 * wall}
        for case in (WITH, WITHOUT)
        for who, walls in times.items()
        for block, wall in enumerate(walls)
    ]
    accuracies = {who: {"0.001": 0.5, "0.01": 0.52} for who in times}
    accuracies["Optuna"] = {"0.001": 0.5, "0.01": 0.53}
    return {
        "settings": search.plain(),
        "commands": [search.command()],
        "cores": 2,
        "missing": {"Ray Tune": "pyarrow: not installed"},
        "rounds": 2,
        "turns": turns,
        "accuracies": {WITH: accuracies, WITHOUT: accuracies},
        "host": HOST,
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


def test_a_search_is_compared_block_by_block(tmp_path: Path) -> None:
    """A peer that is quicker is shown so; one that is absent is named."""
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
    assert "Absent: Ray Tune (pyarrow: not installed)." in text


def test_who_lacks_a_library_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is lacking is said; the others take part."""
    monkeypatch.setattr(end_to_end, "NEEDS", {"Ray Tune": ("no_such_library",), "Optuna": ()})
    assert end_to_end.missing() == {"Ray Tune": "no_such_library: not installed"}


@pytest.mark.parametrize("name", ORDER)
def test_each_benchmark_has_what_the_page_and_its_command_ask_for(name: str) -> None:
    """Flags that all have, and bad values refused by argparse, in one line."""
    benchmark = benchmark_of(name)
    asked = benchmark.parser().parse_args(["--rounds=1", "--disk=.", "--data-dir=."])
    assert asked.rounds == 1
    assert callable(benchmark.measure)
    assert callable(benchmark.section)
    for bad in ("--rounds=0", "--disk=no-such-folder"):
        with pytest.raises(SystemExit, match="2"):
            benchmark.parser().parse_args([bad])


def test_the_page_is_that_of_the_results_that_are_kept(tmp_path: Path) -> None:
    """The committed page is what its results give, word for word."""
    compose(tmp_path / "performance.md")
    written = Path(RESULTS).parents[1] / "docs" / "performance.md"
    assert (tmp_path / "performance.md").read_text() == written.read_text()
