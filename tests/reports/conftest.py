"""A study that ran for real, and a hand-made one of every kind."""

from __future__ import annotations

from pathlib import Path

import pytest

import reports
from reports.drawing.album import Album, Picture
from reports.write import Report
from search import Study, run
from search.records import StudyRecord
from tests.reports import records
from tests.search.conftest import sketches
from tests.search.studies import SMALL


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Return a small study that ran through."""
    return run(SMALL, out=tmp_path_factory.mktemp("runs"), serial=True, quiet=True)


@pytest.fixture(params=records.STUDIES)
def any_study(request: pytest.FixtureRequest, tmp_path: Path) -> StudyRecord:
    """Return a study for each way that one may stand, its folder empty."""
    return records.study(tmp_path, records.STUDIES[request.param])


@pytest.fixture(scope="session", params=records.DRAWN)
def written(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[StudyRecord, Report]:
    """Return a study and its report, figures and all."""
    record = records.study(tmp_path_factory.mktemp("study"), records.STUDIES[request.param])
    return record, reports.write(record)


@pytest.fixture(scope="session", params=records.DRAWN)
def sketched(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[StudyRecord, Report]:
    """Return the same with figures that are planned, but not painted."""
    record = records.study(tmp_path_factory.mktemp("study"), records.STUDIES[request.param])
    with sketches():
        return record, reports.write(record)


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave every figure out, its caption kept: drawing takes nearly all of a report's time."""

    def draw(album: Album, name: str, draw: object, caption: str, *, height: float) -> Picture:
        assert height > 0
        return Picture(f"{name}.png", f"{name}.svg", caption)

    monkeypatch.setattr(Album, "draw", draw)
