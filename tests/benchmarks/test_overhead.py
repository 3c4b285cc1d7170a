"""The section on trials that do nothing, from made-up turns."""

from __future__ import annotations

from typing import Any

from benchmarks.overhead import section


def turn(name: str, trials: int, number: int, *, milliseconds: float, **what: Any) -> Any:
    """Return what a contestant would print."""
    done = what.get("done", trials)
    return {
        "name": name,
        "trials": trials,
        "round": number,
        "startup": 4.0,
        "seconds": milliseconds * done / 1e3,
        "done": done,
        "peak": 160.0 + what.get("grown", 0.0),
        "grown": what.get("grown", 0.0),
    }


def results(*, dearer: float, grown: float) -> dict[str, Any]:
    """Return two rounds; a trial of the larger study is dearer, and leaves so many MB in all."""
    turns = []
    for number in range(2):
        turns += [
            turn("ours", 1_000, number, milliseconds=4.0 + number),
            turn("Optuna, SQLite", 1_000, number, milliseconds=40.0 + 10 * number, done=300),
            turn("ours", 10_000, number, milliseconds=dearer * (4.0 + number), grown=grown),
        ]
    missing = {"Ray Tune": "not installed", "Ray Tune, actors reused": "not installed"}
    about = {"jobs": 2, "limit": 12.0, "rounds": 2, "about": "a processor"}
    return {**about, "missing": missing, "turns": turns}


def test_the_section_compares_round_by_round_and_names_who_was_cut_off() -> None:
    """A ratio is of the same round; a peer that was cut off, and one that lacks, are named."""
    text = section(results(dearer=1.0, grown=1.0))
    (row,) = [line for line in text.splitlines() if line.startswith("| Optuna, SQLite")]
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[1:4] == [
        "1,000, cut off after 300",
        "45.00 (42.50 to 47.50)",
        "10.00 (10.00 to 10.00)",
    ]
    assert "Left out: Ray Tune and Ray Tune, actors reused (not installed)." in text


def test_the_verdict_is_what_the_figures_say() -> None:
    """The goal is met or missed, and growth is called linear and memory flat only where it is."""
    good = section(results(dearer=1.0, grown=1.0))
    assert "4.50 ms a trial of 1,000" in good
    assert "is met" in good
    assert "the time grows linearly" in good
    assert "as good as flat" in good
    bad = section(results(dearer=1.5, grown=100.0))
    assert "is missed" in bad
    assert "faster than the number of trials" in bad
    assert "11.1 KB to the driver's peak: not flat" in bad
