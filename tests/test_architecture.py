"""Who may import whom: arrows of the design point one way, between packages and between rooms."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = {"ray": "cluster", "pandas": "reports", "matplotlib": "reports"}
"""Libraries that are imported in one package alone."""

FLOORS: dict[str, tuple[str, ...]] = {
    "kbn": ("kbn",),
    "cluster": ("cluster", "cluster.jobs", "cluster.submit"),
    "search": (
        "search.trial",
        "search.records",
        "search.plan",
        "search.settings",
        "search.space",
        "search.evidence",
        "search.training",
        "search.store",
        "search.experiments",
        "search.running",
        "search.study",
        "search.client",
        "search.export",
        "search.service",
        "search",  # the commands, and the names that the package hands out
    ),
    "reports": (
        "reports.parts",
        "reports.drawing",
        "reports.page",
        "reports.coarse_fine",
        "reports.loss_evolution",
        "reports.sigma_batchnorm",
        "reports.range_test",
        "reports.paper",
        "reports.compare",
        "reports",  # the whole document
    ),
}
"""Rooms of each package, from the ground up; each knows itself and those below it."""

BELOW = {"kbn": set(), "cluster": set(), "search": {"kbn"}, "reports": {"kbn", "search"}}
"""What each package knows of the others."""
MEETING_POINTS = {
    "search.running": {"kbn", "cluster"},
    "search.study": {"kbn", "cluster", "reports"},
    "search.service": {"kbn", "cluster", "reports"},
    "search.export": {"kbn", "reports"},
}
"""Rooms where packages meet, and which they know there."""
SEEN_BY_REPORTS = (
    *("search.trial", "search.records", "search.plan", "search.settings", "search.space"),
    *("search.evidence", "search.experiments"),
)
"""What of `search` a report is made from: records and evidence, never what runs or keeps."""
PATHS = sorted(path.relative_to(ROOT) for part in FLOORS for path in (ROOT / part).rglob("*.py"))


def name_of(path: Path) -> str:
    """Return a module's dotted name."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


MODULES = {name_of(path): path for path in PATHS}


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that a module imports anywhere, for type checkers alone too."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


def top(module: str) -> str:
    """Return the package of a module."""
    return module.partition(".")[0]


def room(module: str) -> str:
    """Return the room that a module is in: the longest name on the list that it begins with."""
    floors = FLOORS[top(module)]
    inside = [name for name in floors if f"{module}.".startswith(f"{name}.")]
    return max(inside, key=len)


@pytest.mark.parametrize("module", MODULES)
def test_arrows_point_one_way(module: str) -> None:
    """A package knows those below it and none above, but for the rooms where they meet."""
    home = top(module)
    known = BELOW[home] | MEETING_POINTS.get(room(module), set()) | {home}
    if home == "search" and module.count(".") == 1:  # a command
        known |= {"kbn", "cluster"}
    assert {top(name) for name in imports(MODULES[module])} & set(FLOORS) <= known


@pytest.mark.parametrize("module", MODULES)
def test_a_room_knows_those_below_it(module: str) -> None:
    """Inside a package no arrow points from a lower room to a higher one."""
    floors = FLOORS[top(module)]
    for name in imports(MODULES[module]):
        if top(name) == top(module) and name != top(module):
            assert floors.index(room(name)) <= floors.index(room(module)), name


def test_every_module_has_a_room() -> None:
    """A new module, or a new folder, has to be put into a room of the list."""
    for module, path in MODULES.items():
        where = room(module)
        flat = where == top(module) and path.name not in {"__init__.py", "__main__.py"}
        assert not flat or module in TOP_LEVEL or top(module) == "kbn", module
    assert set(TOP_LEVEL) <= set(MODULES)


TOP_LEVEL = {
    *(f"search.{name}" for name in ("lambda_coarse_fine", "coarse_fine", "loss_evolution")),
    *("search.sigma_batchnorm", "search.paper", "search.range_test", "search.console"),
    *("search.serve", "search.studies", "search.cross_validation", "search.folds"),
    "search.verify",
    *(f"cluster.{name}" for name in ("address", "command_line", "connect", "embedded", "errors")),
    *(f"cluster.{name}" for name in ("events", "later", "lean", "probe", "process", "ray_pool")),
    *(f"cluster.{name}" for name in ("bundles", "messages", "retry", "room", "serial", "signals")),
    *("cluster.status", "cluster.supervise", "cluster.survey", "cluster.watch"),
    *("reports.document", "reports.overview", "reports.write"),
}
"""Modules that lie in a package itself, beside its rooms: the commands, and the pools."""


def test_no_circle_of_modules() -> None:
    """No module imports itself by way of others."""
    arrows = {
        module: {name for name in imports(path) if name in MODULES and name != module}
        for module, path in MODULES.items()
    }
    while free := [module for module, known in arrows.items() if not known & set(arrows)]:
        for module in free:
            del arrows[module]
    assert not arrows


@pytest.mark.parametrize("module", MODULES)
def test_heavy_libraries_have_one_home(module: str) -> None:
    """Ray is imported in `cluster` alone, pandas and matplotlib in `reports` alone.

    But for what names pandas in annotations, and for what reads tables with it.
    """
    if module in {"search.study.study", "kbn.data.table"}:
        return
    for library in {top(name) for name in imports(MODULES[module])} & set(HEAVY):
        assert top(module) == HEAVY[library]


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) in SEEN_BY_REPORTS])
def test_what_decides_is_plain(module: str) -> None:
    """What decides and compares needs networks, arrays, statistics and the standard library."""
    plain = sys.stdlib_module_names | {"kbn", "search", "numpy", "scipy", "jaxtyping"}
    assert {top(name) for name in imports(MODULES[module])} <= plain


@pytest.mark.parametrize("module", [name for name in MODULES if top(name) == "reports"])
def test_reports_are_made_of_records(module: str) -> None:
    """A report is made from records and evidence; it knows nothing of stores and workers."""
    for name in imports(MODULES[module]):
        if top(name) == "search":
            assert room(name) in SEEN_BY_REPORTS, name


def test_records_are_read_without_a_network() -> None:
    """Whoever reads records loads neither SciPy's BLAS, nor Ray, nor what draws."""
    heavy = {"scipy", "ray", "pandas", "matplotlib", "threadpoolctl"}
    script = "import sys, search.records, search.trial, search.plan; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    assert not heavy & {top(name) for name in loaded}


def test_a_name_handed_out_is_no_arrow() -> None:
    """Of `kbn`'s names one is search's: no module of `kbn` loads it before somebody asks."""
    of_kbn = [name for name in MODULES if top(name) == "kbn"]
    script = (
        f"import sys, {', '.join(of_kbn)}; assert 'search' not in sys.modules; "
        "import search; assert kbn.LambdaSearchCV is search.LambdaSearchCV"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
