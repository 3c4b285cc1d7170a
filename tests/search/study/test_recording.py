"""A study's record: what it warns of."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.experiments.coarse_fine.search import CoarseFine
from search.experiments.paper import Paper
from search.settings.spec import StudySpec
from search.settings.values import Cycle
from search.space.vary import vary
from tests.reports.records import Ending, study

EVERY_TWO = Cycle(2, "epochs")


@pytest.mark.parametrize(
    "search",
    [
        Paper(data="digits", cycle=EVERY_TWO, epochs=3, loss_epochs=3, final_epochs=3),
        CoarseFine(
            data="digits",
            vary=vary("--vary", "eta-max=1e-3,1e-2"),
            cycle=EVERY_TWO,
            epochs=3,
            final_epochs=3,
        ),
    ],
    ids=["in every experiment", "at several learning rates"],
)
def test_runs_of_one_length_are_warned_of_once(search: StudySpec, tmp_path: Path) -> None:
    """Three epochs end in mid-cycle, whatever trains for so long."""
    warnings = study(tmp_path, lambda _: Ending(0.5), search=search).warnings
    assert len([text for text in warnings if "3 epochs end in the middle" in text]) == 1
