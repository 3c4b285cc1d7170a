from __future__ import annotations

import http.client
from collections.abc import Iterator

import httpx
import pytest

from search.service.guard import POLICY, SANDBOXED, Rules
from search.service.place import Place
from tests.search.service.conftest import DONE, TOKEN, served

VERBS = [
    ("GET", "/studies"),
    ("GET", f"/studies/{DONE}"),
    ("GET", f"/studies/{DONE}/summary"),
    ("GET", f"/studies/{DONE}/events"),
    ("GET", "/view/events"),
    ("GET", f"/view/studies/{DONE}/events"),
    ("GET", f"/studies/{DONE}/report.md"),
    ("GET", f"/studies/{DONE}/archive.zip"),
    ("GET", "/openapi.json"),
    ("GET", "/health"),
    ("GET", "/metrics"),
    ("GET", "/bin"),
    ("GET", "/data"),
    ("GET", "/absent"),
    ("POST", "/studies"),
    ("POST", "/data"),
    *(("POST", f"/studies/{DONE}/{verb}") for verb in ("stop", "cancel", "retry", "archive")),
    ("DELETE", f"/studies/{DONE}"),
    ("POST", f"/bin/{DONE}/restore"),
]
CHANGES = [(verb, path) for verb, path in VERBS if verb != "GET"]


@pytest.fixture
def stranger(server: httpx.Client) -> Iterator[httpx.Client]:
    """Return a client of the same server that has no token."""
    with httpx.Client(base_url=server.base_url) as client:
        yield client


@pytest.mark.parametrize(("verb", "path"), VERBS)
def test_everything_needs_the_token(stranger: httpx.Client, verb: str, path: str) -> None:
    """Every page and verb, one that there is not included; a wrong token is none."""
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "kbn-0=1; token=2"}):
        answer = stranger.request(verb, path, headers=headers)
        assert answer.status_code == 401, answer.text
        assert TOKEN not in answer.text


def test_a_token_in_the_address_becomes_a_cookie(stranger: httpx.Client) -> None:
    """That no script and no other site's page can use; the address then holds it no more."""
    answer = stranger.get("/studies", params={"size": 1, "token": TOKEN})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/studies?size=1"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{Rules(TOKEN).cookie}={TOKEN}")
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert stranger.get("/studies").status_code == 200
    assert httpx.get(stranger.base_url.join("/studies?token=wrong")).status_code == 401


def test_a_token_in_an_address_leads_to_no_other_host(stranger: httpx.Client) -> None:
    """A path that begins with two strokes would be another host's address."""
    port = stranger.base_url.port
    line = http.client.HTTPConnection("127.0.0.1", port)
    line.request("GET", f"//evil.example/?token={TOKEN}")
    assert line.getresponse().headers["location"] == "/evil.example/"
    line.close()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::2]:80"])
def test_another_name_is_refused(server: httpx.Client, host: str) -> None:
    """A name of somebody else may come to point to this machine: a page of his asks by it."""
    assert server.get("/studies", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost:1", "[::1]:8420", "LOCALHOST", "studies.example"])
def test_its_own_names_are_answered(place: Place, host: str) -> None:
    """Those of a machine for itself, and those that the server was given."""
    with served(place, hosts=("studies.example",)) as server:
        assert server.get("/studies", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(("verb", "path"), CHANGES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_changes_nothing(
    server: httpx.Client, verb: str, path: str, headers: dict[str, str]
) -> None:
    """Though the browser has the token: another port of this machine is another site, too."""
    assert server.request(verb, path, headers=headers).status_code == 403


def test_a_page_of_its_own_may(server: httpx.Client) -> None:
    """As browsers send it."""
    origin = str(server.base_url).rstrip("/")
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert server.post(f"/studies/{DONE}/archive", headers=headers).status_code == 200


@pytest.mark.parametrize(("verb", "path"), CHANGES)
def test_what_only_shows_changes_nothing(place: Place, verb: str, path: str) -> None:
    """Whatever is asked of it; and it shows."""
    with served(place, read_only=True) as server:
        answer = server.request(verb, path)
        assert answer.status_code == 403
        assert "read-only" in answer.json()["detail"]
        assert server.get(f"/studies/{DONE}/summary").status_code == 200


def test_what_is_sent_is_bounded(place: Place) -> None:
    """What says how long it is, and what does not; an upload has a bound of its own."""
    with served(place, largest_upload=1000) as server:
        json = {"Content-Type": "application/json"}
        long = b" " * (2**20 + 1)
        assert server.post("/studies", content=long, headers=json).status_code == 413
        pieces = iter([long[:1000], long[1000:]])
        assert server.post("/studies", content=pieces, headers=json).status_code == 413
        file = {"file": ("x.npz", b" " * 1001)}
        assert server.post("/data", files=file).status_code == 413


def test_every_answer_tells_a_browser_to_load_nothing_else(server: httpx.Client) -> None:
    """Refusals, too; a report, which holds its script itself, is shown as if from nowhere."""
    for path, policy in (
        ("/studies", POLICY),
        ("/absent", POLICY),
        (f"/studies/{DONE}/report.html", SANDBOXED),
    ):
        answer = server.get(path)
        assert answer.headers["content-security-policy"] == policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
    assert "'unsafe-inline'" not in POLICY
    assert "allow-same-origin" not in SANDBOXED
