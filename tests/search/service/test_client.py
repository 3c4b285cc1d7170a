from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import numpy as np
import pytest

from kbn.errors import InputError
from search.client import Service, ServiceError
from search.service.place import Place
from search.study.kept import specification
from tests.search.service.conftest import DONE, TOKEN
from tests.search.studies import SMALL


@pytest.fixture
def service(server: httpx.Client) -> Iterator[Service]:
    """Return a service by the address that a server prints."""
    service = Service(f"{server.base_url}/?token={TOKEN}")
    yield service
    service.close()


def test_studies_are_listed_and_shown(service: Service) -> None:
    """As rows of plain values."""
    (row,) = service.list()
    assert row == service.summary(DONE)
    assert service.list(state="queued") == []
    assert service.show(DONE)["summary"] == row
    assert service.log(DONE) == ""


def test_a_specification_is_submitted_as_it_is(service: Service, place: Place) -> None:
    """With its message and its execution; the same again is the same study."""
    spec = SMALL.__class__(**{**SMALL.plain(), "seed": 5, "hidden": (4, 4)})
    name = service.submit(spec, message="a look", who="ann", serial=True, retries=2)
    kept, _ = specification(place.root / name)
    assert kept == spec
    found = service.show(name)["request"]
    assert (found["who"], found["message"]) == ("ann", "a look")
    assert found["execution"] == {"serial": True, "retries": 2}
    assert service.submit(spec) == name
    assert service.forecast(spec) == {"trials": 4}


def test_a_study_is_stopped_and_tried_again_put_away_and_deleted(service: Service) -> None:
    """Each verb returns what the study then is."""
    name = service.submit(SMALL.__class__(**{**SMALL.plain(), "seed": 5}))
    assert service.stop(name)["state"] == "unfinished"
    assert service.retry(name, first=True)["first"] is True
    assert service.cancel(name)["state"] == "unfinished"
    assert service.archive(name)["archived"] is True
    assert service.archive(name, away=False)["archived"] is False
    assert service.delete(name) == name
    assert service.restore(name)["name"] == name


def test_a_study_is_watched_to_its_end(service: Service) -> None:
    """One that is over ends at once."""
    assert [row["state"] for row in service.watch(DONE)] == ["finished"]


def test_files_are_fetched_whole(service: Service, place: Place, tmp_path: Path) -> None:
    """And one that is not there leaves nothing."""
    path = service.fetch(DONE, "report.md", tmp_path / "mine.md")
    assert path.read_bytes() == (place.root / DONE / "report.md").read_bytes()
    with pytest.raises(ServiceError, match="choose one of"):
        service.fetch(DONE, "study.db", tmp_path / "x")
    assert {path.name for path in tmp_path.iterdir()} == {"mine.md", "runs"}


def test_a_data_set_is_sent_and_named(service: Service, tmp_path: Path) -> None:
    """By what specifications call it there."""
    path = tmp_path / "mine.npz"
    np.savez(path, X=np.random.default_rng(0).normal(size=(50, 3)), y=np.arange(50) % 2)
    assert service.upload(path) == "npz:mine.npz"
    with pytest.raises(InputError, match="cannot be read"):
        service.upload(tmp_path / "absent.npz")


def test_what_is_wrong_is_said_as_the_server_says_it(service: Service) -> None:
    """A sentence; and field by field for whoever shows a form."""
    with pytest.raises(ServiceError, match="no study of this name"):
        service.summary("absent")
    with pytest.raises(ServiceError) as error:
        service._ask("POST", "/studies", json={"kind": SMALL.kind, "specification": {"seed": -1}})
    assert error.value.errors.keys() == {"specification.seed"}


def test_a_server_that_is_not_there_is_said_not_to_be(server: httpx.Client) -> None:
    """Nor is one that speaks something else, or wants another token."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
    for url, said in ((address, "is it there"), (str(server.base_url), "a token is needed")):
        with (
            closing(Service(url, token="x")) as service,  # noqa: S106 - no token of anything
            pytest.raises(ServiceError, match=said),
        ):
            service.list()


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://host", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    """Before anything is asked."""
    with pytest.raises(InputError, match="an address is needed"):
        Service(url)


def test_without_a_token_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be in the address, an argument, or the environment."""
    monkeypatch.delenv("KBN_SERVICE_TOKEN", raising=False)
    with pytest.raises(InputError, match="a token is needed"):
        Service("http://127.0.0.1:1")
    monkeypatch.setenv("KBN_SERVICE_TOKEN", "x")
    with closing(Service("http://127.0.0.1:1/")) as service:
        assert repr(service) == "<Service http://127.0.0.1:1>"
