"""Which values are trained again."""

from __future__ import annotations

import pytest

from kbn.errors import InputError
from search.evidence.finalists import Top, finalists, top
from search.evidence.scores import standing
from search.records import State
from tests.search.builders import LAMBDAS, outcome


def test_the_best_values_come_first() -> None:
    """By mean accuracy; of equal ones the larger; those that did not complete not at all."""
    outcomes = [
        outcome(1e-4, 0.4),
        outcome(1e-3, 0.6),
        outcome(1e-2, 0.6),
        outcome(1e-1, 0.9, state=State.DIVERGED),
    ]
    known = standing(outcomes, LAMBDAS)
    assert finalists(known, 2) == ((1e-2,), (1e-3,))
    assert finalists(known, 9) == ((1e-2,), (1e-3,), (1e-4,))


@pytest.mark.parametrize("text", ["0", "3:0", "x", "3:", ":3", "3:3:3", "", "-1"])
def test_a_bad_number_is_refused(text: str) -> None:
    """Each is refused by a message that names the flag."""
    with pytest.raises(InputError, match="--replicate-top"):
        top("--replicate-top", text)


def test_it_reads_back() -> None:
    """A rule's text is what the flag takes; a number alone stands for three replicates."""
    for rule in (Top(3, 3), Top(2, 5)):
        assert top("--replicate-top", str(rule)) == rule
    assert top("--replicate-top", "4") == Top(4, 3)
    assert top("--replicate-top", "off") == "off"
