"""Who may import whom: the arrows of the design point one way."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"kbn", "search", "cluster", "reports"}
MODULES = sorted(path.relative_to(ROOT) for part in OURS for path in (ROOT / part).rglob("*.py"))
CORE = {
    *("trial", "records", "values", "plan", "spec", "store", "runner", "trainer", "cycle_end"),
    *("lambda_search", "lambda_words", "lambda_outline", "narrow", "widen", "rounds", "finalists"),
    *(
        "marks",
        "pairs",
        "compare",
        "evidence",
        "mcnemar",
        "loss_curves",
        "sensitivity",
        "reference_report",
    ),
    *("pack", "memory", "schema", "integrity", "salvage", "hashing"),
}
"""Modules of `search` that know networks and the standard library; the others are drivers."""
MEETING_POINTS = {"study": OURS, "command": OURS, "workers": OURS - {"reports"}}
"""Modules of `search` where packages meet, and which."""


def imports(path: Path) -> Iterator[str]:
    """Yield the top-level packages that a module imports anywhere."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield node.module.partition(".")[0]


def allowed(path: Path) -> set[str]:
    """Return which of our packages a module may know."""
    package = path.parts[0]
    if package == "search" and path.stem in MEETING_POINTS:
        return MEETING_POINTS[path.stem]
    return {
        "kbn": {"kbn"},
        "cluster": {"cluster"},
        "search": {"kbn", "search"},
        "reports": {"kbn", "search", "reports"},
    }[package]


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_arrows_point_one_way(path: Path) -> None:
    """A package knows those below it and none above."""
    assert set(imports(path)) & OURS <= allowed(path)


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_heavy_libraries_have_one_home(path: Path) -> None:
    """Ray is imported in `cluster` alone, pandas and matplotlib in `reports` alone."""
    known = set(imports(path))
    assert "ray" not in known or path.parts[0] == "cluster"
    if path != Path("search/study/run.py"):  # names pandas in annotations, for type checkers only
        assert not known & {"pandas", "matplotlib"} or path.parts[0] == "reports"


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_core_of_the_search_is_plain(name: str) -> None:
    """What decides and keeps needs networks, arrays, statistics and the standard library alone."""
    plain = sys.stdlib_module_names | {"kbn", "search", "numpy", "scipy", "jaxtyping"}
    plain |= {"threadpoolctl"}
    assert set(imports(Path("search") / f"{name}.py")) <= plain


def test_the_core_is_all_there() -> None:
    """The list above names modules that exist."""
    assert all((ROOT / "search" / f"{name}.py").exists() for name in CORE | {*MEETING_POINTS})
