"""Whatever the schema allows, and what it does not, is answered without an unforeseen error."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from search.service.place import Place
from tests.search.service.conftest import DONE, served

EXAMPLES = 60
"""Requests to each route, of each kind."""


def files(folder: Path) -> dict[str, bytes]:
    """Return all that lies under a folder, hidden files included."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def fuzz(client: httpx.Client, mode: GenerationMode) -> int:
    """Send requests to every route; return how many were answered, none with an error of ours."""
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    answered = 0
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr] # a schema of ours has no error

        @settings(
            max_examples=EXAMPLES,
            database=None,
            derandomize=True,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), own=st.booleans())
        def send(case: schemathesis.Case[Any], own: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
            nonlocal answered
            if own and "name" in (case.path_parameters or {}):
                case.path_parameters["name"] = DONE
            answer = case.call(base_url=str(client.base_url), headers=dict(client.headers))
            answered += 1
            assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text}"

        with suppress(Unsatisfiable):  # a route may take anything: nothing is against its schema
            send()
    return answered


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_is_unforeseen(place: Place, mode: GenerationMode) -> None:
    """Nothing is written but studies that were asked for, and those into their folder."""
    outside = place.root.parent / "outside"
    shutil.copytree(place.root, outside)
    before = files(outside)
    with served(place) as client:
        assert fuzz(client, mode) > 5 * EXAMPLES
    assert files(outside) == before
    assert {path.name for path in place.root.parent.iterdir()} == {"outside", "runs"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_server_that_only_shows_writes_nothing(place: Place) -> None:
    """Whatever is sent."""
    before = files(place.root)
    with served(place, read_only=True) as client:
        fuzz(client, GenerationMode.POSITIVE)
    assert files(place.root) == before
