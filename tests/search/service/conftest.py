"""What the service's tests share: a folder with a study that ended, and a server on it."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from search.service.app import create_app
from search.service.folders import Folders
from search.service.guard import Rules
from search.service.place import Place
from search.service.prepared import Prepared
from search.settings.execution import Execution
from search.settings.spec import StudySpec
from search.study.run import identity_of, run
from search.training.problem import prepare
from tests.search.conftest import sketch
from tests.search.studies import SMALL

TOKEN = "a-token-that-nobody-guesses"  # noqa: S105 - of servers that tests start
DONE = "done"
"""The name of the study that ended."""


@pytest.fixture(scope="session")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small study that was run by hand, to its end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reports.drawing.album.write_figure", sketch)
        return run(
            SMALL, serial=True, quiet=True, out=tmp_path_factory.mktemp("by-hand"), name=DONE
        ).folder


@pytest.fixture
def folders(tmp_path: Path, ended: Path) -> Folders:
    """Return a folder of studies that holds the one that ended."""
    root = tmp_path / "runs"
    shutil.copytree(ended, root / DONE)
    return Folders(root)


def in_this_process(spec: StudySpec, how: Execution, *, forecast: bool = False) -> Prepared:
    """Do what `search.service.prepared.prepared` does, but for the forecast."""
    problem = prepare(spec, data_dir=how.data_dir, say=lambda _: None)
    return Prepared(
        identity=identity_of(spec, problem),
        name=spec.study_name(problem.record.name),
        forecast={"trials": 4} if forecast else None,
    )


@pytest.fixture
def place(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Return a place that starts nothing, and looks at data in this process."""
    monkeypatch.setattr("search.service.submissions.prepared", in_this_process)
    return Place(folders)


@contextmanager
def served(place: Place, **rules: Any) -> Iterator[httpx.Client]:
    """Yield a client, which has the token, of a server in a thread of this process."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(place, Rules(TOKEN, **rules)), log_level="critical")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{listening.getsockname()[1]}",
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=60,
    )
    try:
        with client:
            yield client
    finally:
        running.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture
def server(place: Place) -> Iterator[httpx.Client]:
    """Return a client of a server that shows the place."""
    with served(place) as client:
        yield client
