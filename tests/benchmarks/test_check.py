"""What `make bench-check` says of ratios that moved, and its exit code."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks import check, overhead, performance
from benchmarks.blocks import OURS, TWIN
from benchmarks.nothing import RAY, SERIAL
from tests.benchmarks.test_host import HOST


def results(ms: float, *, machine: str = "a processor", others: float = 0.0) -> dict[str, Any]:
    """Return four blocks in which ours took so long."""
    turns = [
        {"case": "1,000", "block": block, "who": who, "ms": value * (1 + 0.01 * block)}
        for block in range(4)
        for who, value in ((OURS, ms), (TWIN, 1.01 * ms), (SERIAL, 0.8), (RAY, 1.0))
    ]
    host = HOST | {"machine": machine, "others": [others, 0.0]}
    return {"turns": turns, "missing": {}, "host": host}


@pytest.fixture
def checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[dict[str, Any]], tuple[int, str]]:
    """Return a function that checks what is measured now against what is kept: code and output."""
    performance.keep("overhead", results(3.0), tmp_path)

    def run(now: dict[str, Any]) -> tuple[int, str]:
        monkeypatch.setattr(check, "measured", lambda _, asked: now | {"asked": asked})
        monkeypatch.setattr("sys.argv", ["check", "--only", "overhead", "--results", str(tmp_path)])
        with pytest.raises(SystemExit) as end:
            check.main()
        return int(end.value.code or 0), capsys.readouterr().out

    return run


def test_a_ratio_that_moved_is_named_and_ends_with_code_1(
    checked: Callable[[dict[str, Any]], tuple[int, str]],
) -> None:
    """A trial that costs a third more is seen in both its ratios."""
    code, text = checked(results(4.0))
    (line,) = [line for line in text.splitlines() if f"{OURS} / {RAY}" in line]
    assert code == 1
    assert [cell.strip() for cell in line.split("|")[2:5]] == ["3.000", "4.000", "+33.3%"]
    assert "moved" in line
    assert "2 moved by more than their noise." in text


def test_what_is_as_it_was_ends_with_code_0(
    checked: Callable[[dict[str, Any]], tuple[int, str]],
) -> None:
    """A difference within the noise is shown, and not called moved; another machine is named."""
    code, text = checked(results(3.06, machine="another processor"))
    assert code == 0
    assert "+2.0%" in text
    assert "None moved." in text
    assert "kept on another machine: a processor" in text


def test_on_a_noisy_host_a_ratio_has_to_move_further(
    checked: Callable[[dict[str, Any]], tuple[int, str]],
) -> None:
    """What is seen on a quiet one is not told from what others do; twice as much is."""
    assert checked(results(3.6))[0] == 1
    assert checked(results(3.6, others=0.5))[0] == 0
    assert checked(results(4.8, others=0.5))[0] == 1


def test_what_the_check_asks_for_has_what_it_compares() -> None:
    """The flags of each quick run are flags of its benchmark."""
    for name in check.NAMES:
        benchmark = performance.benchmark_of(name)
        asked: argparse.Namespace = benchmark.parser().parse_args(benchmark.QUICK)
        assert asked.page is None
    asked = overhead.parser().parse_args(overhead.QUICK)
    assert {who for pair in overhead.CHECKED for who in pair[:2]} <= set(asked.only)
