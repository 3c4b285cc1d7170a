"""A race from settings to report, on handwritten digits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from search import run
from search.evidence.digest import digest
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.records import Role
from search.study.closing import summary
from search.study.study import Study
from tests.search.studies import SMALL

RACE = replace(SMALL, race=(2, 3), tolerance=0.02)


def roles(study: Study) -> list[Role]:
    """Return what the stages of a study were for."""
    return [stage.role for stage in study.record.stages]


def test_a_race_is_run_reported_and_resumed(tmp_path: Path) -> None:
    """Every value has two runs, one is chosen, the last lines say what it may lose.

    The same command again trains nothing and finds the same.
    """
    study = run(RACE, out=tmp_path, name="race", serial=True, quiet=True)
    assert Role.RACE in roles(study)
    assert study.record.finished
    assert (study.folder / "figures" / "race.svg").exists()
    assert any("runs were spent" in line for line in summary(study, quiet=False))
    again = run(RACE, out=tmp_path, name="race", serial=True, quiet=True)
    assert (digest(again), roles(again)) == (digest(study), roles(study))
    assert len(again.record.sessions) == len(study.record.sessions)


def test_a_study_that_was_begun_without_a_race_goes_on_without_one(tmp_path: Path) -> None:
    """Its specification names none: the command that once was the default still finds it."""
    plain = replace(SMALL, replicate_top="3:3")  # type: ignore[arg-type]
    begun = run(plain, out=tmp_path, name="old", serial=True, quiet=True)
    assert '"race"' not in (begun.folder / "spec.json").read_text()
    settings = {**plain.plain(), "replicate_top": None}
    now = LambdaSearch(**settings)
    assert now.race == (3, 5, 8)
    study = run(now, out=tmp_path, name="old", serial=True, quiet=True)
    assert Role.RACE not in roles(study)
    assert digest(study) == digest(begun)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_race_is_the_same_with_ray(tmp_path: Path) -> None:
    """Looks are barriers: the number and order of workers change nothing."""
    serial = run(RACE, out=tmp_path, name="serial", serial=True, quiet=True)
    on_ray = run(RACE, out=tmp_path, name="ray", address="local", quiet=True)
    assert digest(on_ray) == digest(serial)
    assert roles(on_ray) == roles(serial)
