"""The page `docs/performance.md`, composed of what each benchmark measured last.

    python -m benchmarks.performance

writes it again from the results under `benchmarks/results/`, one JSON file a benchmark, which a
benchmark keeps when it is given `--page`. A benchmark `benchmarks/NAME.py` has two functions:

- `section(results)` returns its part of the page, in Markdown, from a heading `##` on;
- `draw(results, folder)`, where there is one, writes the figures that the part shows.

Both get what was kept, so that words and figures can be changed without measuring again.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kbn.files import whole_file

RESULTS = Path(__file__).parent / "results"
PAGE = Path("docs/performance.md")
ORDER = ("step", "end_to_end", "edges", "overhead", "scale", "service")
"""Benchmarks in the page's order; any other comes after these."""

HEAD = """# Performance

Written by `make bench`, or `python -m benchmarks.performance` from `benchmarks/results/`; do not
edit. Figures are medians, with quartiles in brackets. Everything that is compared was measured in
turns, in the same run; a ratio is computed turn by turn, and below 1 the first is faster.
"""


def keep(name: str, results: Mapping[str, Any], folder: Path = RESULTS) -> Path:
    """Keep what a benchmark measured, in place of what it measured before; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    text = json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False)
    with whole_file(path) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8")
    return path


def kept(folder: Path = RESULTS) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the benchmarks that have results, in the page's order, with them."""

    def place(path: Path) -> tuple[int, str]:
        return ORDER.index(path.stem) if path.stem in ORDER else len(ORDER), path.stem

    for path in sorted(folder.glob("*.json"), key=place):
        yield path.stem, json.loads(path.read_text(encoding="utf-8"))


def compose(path: Path = PAGE, folder: Path = RESULTS) -> None:
    """Write the page and its figures, which lie beside it, from the results that there are."""
    parts = [HEAD]
    for name, results in kept(folder):
        benchmark = importlib.import_module(f"benchmarks.{name}")
        if hasattr(benchmark, "draw"):
            benchmark.draw(results, path.parent)
        parts.append(benchmark.section(results).strip() + "\n")
    with whole_file(path) as temporary:
        temporary.write_text("\n".join(parts), encoding="utf-8")


def parser_of(text: str | None) -> argparse.ArgumentParser:
    """Return a parser that shows a module's docstring as it is written."""
    return argparse.ArgumentParser(description=text, formatter_class=argparse.RawTextHelpFormatter)


def measurement_parser(text: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """Return the flags of a benchmark that writes to a disk in rounds and has a section."""
    parser = parser_of(text)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--disk", type=Path, default=Path(), help="folder whose disk is written to")
    parser.add_argument("--page", type=Path, help="keep the results, and write this page")
    return parser


def publish(name: str, results: Mapping[str, Any], section: str, page: Path | None) -> None:
    """Print a benchmark's section; with a page, keep the results and write it."""
    print(section)
    if page:
        keep(name, results)
        compose(page)


def main() -> None:
    """Write the page."""
    parser = parser_of(__doc__)
    parser.add_argument("--page", type=Path, default=PAGE, help="Markdown file to write")
    compose(parser.parse_args().page)


if __name__ == "__main__":
    main()
