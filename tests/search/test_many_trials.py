"""A study of very many trials: driven, killed three times, resumed, reported."""

from __future__ import annotations

import json
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from tests.search.drivers import RESULTS, count, started, wait_for
from tests.search.many_trials import NAME

TRIALS = int(os.environ.get("KBN_TRIALS", "8000"))
"""The slow tests have time for so many; KBN_TRIALS=100000 runs more of them."""
KILLS = 3


def holds(folder: Path, some: int) -> bool:
    """Say whether a study has so many results."""
    return count(folder, RESULTS) >= some


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(1800)
def test_a_study_of_very_many_trials(tmp_path: Path) -> None:
    """No result is lost, and each run goes on where the one before it was killed."""
    program = ("-m", "tests.search.many_trials")
    for kill in range(KILLS):
        with started(tmp_path, str(TRIALS), program=program) as driver:
            some = (kill + 1) * TRIALS // (KILLS + 1)
            wait_for("results", partial(holds, tmp_path / NAME, some))
            driver.send_signal(signal.SIGKILL)
            driver.wait()
        assert some <= count(tmp_path / NAME, RESULTS) < TRIALS
    with started(tmp_path, str(TRIALS), program=program) as driver:
        out, err = driver.communicate()
    assert driver.returncode == 0, err
    assert count(tmp_path / NAME, RESULTS) == TRIALS
    found = json.loads(out)
    assert found["trials"] == TRIALS
    print(found)  # noqa: T201 - a figure for the documents
