"""The page `docs/performance.md`, composed of what each benchmark measured last.

    python -m benchmarks.performance

writes it again from the results under `benchmarks/results/`, one JSON file a benchmark, which a
benchmark keeps when it is given `--page`. A benchmark is a module `benchmarks/NAME.py` with

- `parser()`, its flags: those of `flags` and its own;
- `measure(asked)`, which returns what is kept, turns (`benchmarks.blocks`) among it;
- `section(results)`, its part of the page in Markdown, from a heading `##` on, which ends with
  `benchmarks.host.state`;
- `draw(results, folder)`, where there is one, which writes the figures that the part shows;
- `CHECKED` and `QUICK`, where `make bench-check` is to look at it (`benchmarks.check`).

`section` and `draw` get what was kept, so that words can be changed without measuring again.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.host import RULE, watched
from kbn.files import whole_file

RESULTS = Path(__file__).parent / "results"
PAGE = Path("docs/performance.md")
ORDER = ("step", "end_to_end", "edges", "overhead", "scale", "beyond", "service")
"""Benchmarks in the page's order; any other comes after these."""

HEAD = f"""# Performance

Written by `make bench`, or `python -m benchmarks.performance` from `benchmarks/results/`; do not
edit. Figures are medians, with quartiles in brackets. What is compared was measured in turns, in
the same run; a ratio is computed turn by turn, and below 1 the first is faster. Each section says
when it was measured, at which commit, and how quiet the host was.

{RULE}

`make bench-check` measures the main ratios again in a few minutes, and says which of them have
moved by more than their noise since the results of this page.
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
        benchmark = benchmark_of(name)
        if hasattr(benchmark, "draw"):
            benchmark.draw(results, path.parent)
        parts.append(benchmark.section(results).strip() + "\n")
    with whole_file(path) as temporary:
        temporary.write_text("\n".join(parts), encoding="utf-8")


def benchmark_of(name: str) -> Any:
    """Return a benchmark's module."""
    return importlib.import_module(f"benchmarks.{name}")


def flags(text: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """Return the flags that all benchmarks have, with a module's docstring as it is written."""
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=positive, default=rounds, help="blocks of turns")
    parser.add_argument(
        "--disk", type=folder, default=Path(), help="folder whose disk is written to"
    )
    parser.add_argument("--data-dir", type=folder, help="folder of CIFAR-10, where it is read")
    parser.add_argument("--page", type=Path, help="keep the results, and write this page")
    return parser


def positive(text: str) -> int:
    """Return a number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def numbers(text: str) -> tuple[int, ...]:
    """Return numbers from `1,4,16`, sorted."""
    return tuple(sorted({positive(each) for each in text.split(",")}))


def folder(text: str) -> Path:
    """Return a folder that exists."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return Path(text)


def measured(benchmark: Any, asked: argparse.Namespace) -> dict[str, Any]:
    """Return what a benchmark measures, with what is known of the host."""
    with watched() as host:
        results = benchmark.measure(asked)
    return {**results, "host": host}


def command(name: str) -> None:
    """Measure and print a benchmark's section; with `--page`, keep the results and write it."""
    benchmark = benchmark_of(name)
    asked = benchmark.parser().parse_args()
    results = measured(benchmark, asked)
    print(benchmark.section(results))
    if asked.page:
        keep(name, results)
        compose(asked.page)


def say(line: str) -> None:
    """Print a line on how far a measurement is."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--page", type=Path, default=PAGE, help="Markdown file to write")
    compose(parser.parse_args().page)


if __name__ == "__main__":
    main()
