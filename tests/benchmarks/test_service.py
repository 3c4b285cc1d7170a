"""What the service's benchmark concludes from what it measured."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.blocks import OURS, TWIN
from benchmarks.service import FIGURES, WATCHED, section

HOST = {
    "when": "2026-01-01",
    "commit": "0",
    "machine": "one",
    "minutes": 1.0,
    "others": [0.0, 0.0],
    "stolen": 0.0,
}


def results(share: float, seconds: float = 0.1) -> dict[str, Any]:
    """Return results of turns in which watchers let the server take that share of a core."""
    turns = [
        {"case": "", "block": block, "who": who, **dict.fromkeys(FIGURES, 1.0), "share": taken}
        for block in range(3)
        for who, taken in ((OURS, 0.001), (TWIN, 0.001), (WATCHED, share))
    ]
    return {
        "studies": 1000,
        "watchers": 50,
        "lists": {"this service": [0.9, seconds, seconds]},
        "missing": {"MLflow": "it is not installed"},
        "turns": turns,
        "host": HOST,
    }


@pytest.mark.parametrize(("share", "words"), [(0.021, "1.00 % of"), (0.051, "2.50 % of")])
def test_what_the_server_takes_is_what_training_may_lose(share: float, words: str) -> None:
    """Beside what it takes when nobody watches; both cores train, so that it is half of that."""
    text = " ".join(section(results(share)).split())
    assert f"the difference is {words} training" in text
    assert f"the goal of 2 % is {'met' if share < 0.041 else 'missed'}." in text


@pytest.mark.parametrize(("seconds", "word"), [(0.1, "met"), (0.3, "missed")])
def test_the_list_is_held_to_its_goal(seconds: float, word: str) -> None:
    """By the answers after the first; a peer that is not installed is named."""
    text = section(results(0.001, seconds))
    assert f"The goal is 200 ms: it is {word}." in text
    assert "MLflow (it is not installed)" in text
