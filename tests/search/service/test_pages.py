"""The pages, without a browser: what they say, what they refuse, what their buttons do."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import httpx
import numpy as np
import pytest

from search.client import Service
from search.records import StudyRecord
from search.service.compared import answer
from search.service.folders import Folders
from search.service.local import Local
from search.service.place import Place
from search.service.queue import waiting
from search.service.requests import Request, keep
from search.service.schema import KINDS
from search.store.folder import SPEC, STORE
from search.study.kept import kept
from tests.reports.markup import Page
from tests.search.service.conftest import DONE, TOKEN, served

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
HOSTILE = """'"><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"""
SMALL_FORM = {
    "kind": "lambda_coarse_fine",
    "specification.data": "digits",
    "specification.hidden": "8",
    "specification.cycle": "1epochs",
    "specification.epochs": "3",
}


def shown(server: httpx.Client, path: str, status: int = 200) -> Page:
    """Return a page as a browser reads it."""
    answer = server.get(path, headers=BROWSER)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return Page(answer.text)


def sent(server: httpx.Client, path: str, fields: dict[str, str], status: int) -> httpx.Response:
    """Send a form."""
    answer = server.post(path, data=fields, headers=BROWSER)
    assert answer.status_code == status, answer.text
    return answer


def test_the_list_says_of_a_study_what_is_known(server: httpx.Client) -> None:
    """Its state, its best accuracy ± standard error, its test accuracy, a curve in words too."""
    page = shown(server, "/")
    (row,) = [each for each in page.all("tr") if DONE in each.text]
    assert "finished" in row.text
    assert row.text.count("±") == 2
    curve = page.one("svg", "spark")
    assert curve.attributes["aria-label"].startswith("validation accuracy 0.")
    assert page.one("a", "main").attributes["href"] == "/view/new"


def test_an_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    """Submit the first study, or run one by hand."""
    with served(Place(Folders(tmp_path / "none"))) as server:
        assert "There is no study in this folder yet." in shown(server, "/").one("main").text


def test_a_list_is_filtered_and_sorted(server: httpx.Client) -> None:
    """By the fields of its form; nothing that fits is said in words."""
    assert DONE in shown(server, f"/?text={DONE[:2]}&state=finished&sort=name").one("main").text
    assert "No study fits." in shown(server, "/?state=failed").one("main").text
    assert "sort" in shown(server, "/?sort=nothing", 422).one("p", "notice").text
    assert shown(server, "/nothing/here", 404).one("h1").text == "Not Found"


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_has_a_form(server: httpx.Client, kind: str) -> None:
    """Each setting has a label and its help, and what stands in it is the default."""
    page = shown(server, f"/view/new?kind={kind}")
    labels = {each.attributes["for"] for each in page.all("label")}
    fields = [e for tag in ("input", "select", "textarea") for e in page.all(tag)]
    shown_fields = [each for each in fields if each.attributes.get("type") != "hidden"]
    assert {each.attributes["id"] for each in shown_fields} == labels
    helps = {each.attributes["id"] for each in page.all("p", "help")}
    for field in shown_fields:
        if field.attributes["id"] != "first":
            assert set(field.attributes["aria-describedby"].split()) <= helps
    (eta,) = [each for each in fields if each.attributes["name"] == "specification.eta_max"]
    assert float(eta.attributes["value"]) == KINDS[kind].__dataclass_fields__["eta_max"].default


def test_commands_are_chosen_from_their_words(server: httpx.Client) -> None:
    """Each with what it does."""
    page = shown(server, "/view/new")
    links = [each.attributes["href"] for each in page.all("a")]
    for kind, of in KINDS.items():
        assert f"/view/new?kind={kind}" in links
        assert of.title in page.one("main").text


def test_a_form_that_is_wrong_says_so_field_by_field(server: httpx.Client, place: Place) -> None:
    """Beside each field, in a summary that leads to it, and with all that was typed kept."""
    before = place.folders.names()
    wrong = SMALL_FORM | {
        "specification.eta_max": "-1",
        "specification.hidden": HOSTILE,
        "execution.retries": "many",
        "who": "ann",
        "submit": "yes",
    }
    page = Page(sent(server, "/view/new", wrong, 422).text)
    found = {each.attributes["id"]: each.text for each in page.all("p", "error")}
    assert found.keys() == {
        "specification.eta_max-error",
        "specification.hidden-error",
        "execution.retries-error",
    }
    assert "must be finite and above 0" in found["specification.eta_max-error"]
    leads = [each.attributes["href"] for each in page.all("a")]
    assert {"#specification.eta_max", "#specification.hidden", "#execution.retries"} <= set(leads)
    fields = {each.attributes.get("id"): each.attributes for each in page.all("input")}
    assert fields["specification.hidden"]["value"] == HOSTILE
    assert fields["specification.hidden"]["aria-invalid"] == "true"
    assert fields["who"]["value"] == "ann"
    assert all("open" in each.attributes for each in page.all("details"))
    assert place.folders.names() == before


def test_settings_that_do_not_go_together_are_said_above_the_form(server: httpx.Client) -> None:
    """They are no single field's."""
    wrong = SMALL_FORM | {"specification.eta_min": "0.5", "preview": "yes"}
    page = Page(sent(server, "/view/new", wrong, 422).text)
    assert "--eta-min 0.5 is above --eta-max" in page.one("div", "notice").text


def test_a_form_is_submitted_as_it_stands(server: httpx.Client, place: Place) -> None:
    """Its page is shown, and the specification is the one that the flags would make."""
    fields = SMALL_FORM | {"who": "ann", "message": "for the talk", "first": "yes", "submit": "yes"}
    answer = sent(server, "/view/new", fields, 303)
    assert answer.headers["location"] == "/view/studies/lambda-coarse-fine-digits"
    folder = place.folders.folder("lambda-coarse-fine-digits")
    held = json.loads((folder / SPEC).read_text())
    assert (held["hidden"], held["epochs"], held["eta_max"]) == ([8], 3, 0.1)
    request = place.folders.files(folder.name).request()
    assert request is not None
    assert (request.who, request.message, request.first) == ("ann", "for the talk", True)
    page = shown(server, answer.headers["location"])
    assert "queued" in page.one("p", "standing").text


def test_a_file_is_uploaded_with_the_form(
    server: httpx.Client, place: Place, tmp_path: Path
) -> None:
    """It is named in the form by then, with all else as it was, and what is wrong beside it."""
    path = tmp_path / "mine.npz"
    np.savez(path, X=np.random.default_rng(0).normal(size=(200, 6)), y=np.arange(200) % 3)
    fields = SMALL_FORM | {"specification.eta_max": "-1", "who": "ann", "submit": "yes"}

    def send(content: bytes, **changed: str) -> httpx.Response:
        file = {"file": ("mine.npz", content)}
        return server.post("/view/new", data=fields | changed, files=file, headers=BROWSER)

    assert "no .npz file" in Page(send(b"nonsense").text).one("p", "error").text
    assert not list((place.root / ".data").iterdir())
    answer = send(path.read_bytes())
    assert answer.status_code == 422
    page = Page(answer.text)
    inputs = {each.attributes.get("id"): each.attributes for each in page.all("input")}
    assert inputs["specification.data"]["value"] == "npz:mine.npz"
    assert inputs["who"]["value"] == "ann"
    assert page.one("p", "error").attributes["id"] == "specification.eta_max-error"
    assert "160 images of 3 classes" in page.one("main").text
    good = {"specification.eta_max": "0.1", "specification.batch_size": "20"}
    answer = send(path.read_bytes(), **good)
    (name,) = set(place.folders.names()) - {DONE}
    assert answer.headers["location"] == f"/view/studies/{name}"
    assert place.folders.summary(name).data == "npz:mine.npz"
    np.savez(path, X=np.zeros((200, 6)), y=np.arange(200) % 3)
    assert "another file is called" in Page(send(path.read_bytes()).text).one("p", "error").text


def test_a_name_that_is_taken_shows_the_differences(server: httpx.Client) -> None:
    """Above the form, which is kept."""
    fields = SMALL_FORM | {"name": DONE, "specification.seed": "5", "submit": "yes"}
    page = Page(sent(server, "/view/new", fields, 409).text)
    assert "seed 0 → 5" in page.one("div", "notice").text


def test_a_page_of_a_study_has_its_parts(server: httpx.Client, place: Place) -> None:
    """Verdict, stages, trials, files, command, settings, report."""
    page = shown(server, f"/view/studies/{DONE}")
    headings = [each.text for each in page.all("h2")]
    assert headings == ["Stages", "Report", "Trials", "By hand", "Settings"]
    links = {each.attributes["href"] for each in page.all("a")}
    for name in ("report.html", "trials.csv", "model.npz", "archive.zip"):
        assert f"/studies/{DONE}/{name}" in links
    source = page.one("iframe").attributes["src"]
    assert source.startswith(f"/studies/{DONE}/report.html?at=")
    assert server.get(source).status_code == 200
    (table,) = page.all("table", "sortable")
    assert "λ" in table.text
    assert "python -m search.lambda_coarse_fine --data digits" in page.one("main").text


def test_watchers_read_a_study_once(
    server: httpx.Client, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its plan is replayed when its store has changed, however many look at it."""
    read: list[Path] = []

    def counted(folder: Path) -> StudyRecord:
        read.append(folder)
        return kept(folder)

    monkeypatch.setattr("search.service.details.kept", counted)
    for _ in range(3):
        assert "coarse" in shown(server, f"/view/studies/{DONE}").one("main").text
    assert len(read) == 1
    store = place.root / DONE / STORE
    os.utime(store, ns=(store.stat().st_atime_ns, store.stat().st_mtime_ns + 10**9))
    shown(server, f"/view/studies/{DONE}")
    assert len(read) == 2


def test_buttons_do_what_they_say(server: httpx.Client, place: Place) -> None:
    """Those that a state allows are there, and each leads back to a page."""

    def buttons() -> list[str]:
        """Return what the buttons of the study's page say."""
        page = shown(server, f"/view/studies/{DONE}")
        return [each.text for each in page.all("button")]

    assert buttons() == ["Put away", f"Move {DONE} into the bin"]
    at = f"/view/studies/{DONE}"
    assert sent(server, f"{at}/archive", {}, 303).headers["location"] == at
    assert buttons()[0] == "Take it back into the list"
    assert "No study fits." in shown(server, "/").one("main").text
    sent(server, f"{at}/unarchive", {}, 303)
    sent(server, f"{at}/retry", {}, 303)
    assert buttons() == ["Take it out of the queue"]
    sent(server, f"{at}/stop", {}, 303)
    assert sent(server, f"{at}/delete", {}, 303).headers["location"] == "/"
    assert place.folders.in_bin() == [DONE]
    assert shown(server, at, 404).one("h1").text == "Not Found"


def test_a_queue_sees_what_a_button_did(server: httpx.Client, place: Place) -> None:
    """One that has looked at the study before, too."""
    view = Folders(place.root)
    assert waiting(view) == []
    sent(server, f"/view/studies/{DONE}/retry", {}, 303)
    assert waiting(view) == [place.root / DONE]


def test_a_button_that_comes_too_late_says_so(server: httpx.Client) -> None:
    """On a page, with the reason."""
    answer = sent(server, f"/view/studies/{DONE}/stop", {}, 409)
    assert "does not run; it is finished" in Page(answer.text).one("p", "notice").text
    sent(server, f"/view/studies/{DONE}/explode", {}, 404)


def test_a_server_that_only_shows_has_no_buttons(place: Place) -> None:
    """Nor a form."""
    with served(replace(place, read_only=True), read_only=True) as server:
        assert shown(server, f"/view/studies/{DONE}").all("button") == []
        links = {each.attributes["href"] for each in shown(server, "/").all("a")}
        assert "/view/new" not in links


def test_what_users_wrote_is_shown_as_text(server: httpx.Client, place: Place) -> None:
    """A study's name, who asked for it and the message become neither markup nor template."""
    name = "ann's {{ 7 - 7 }} & #1 %2e"
    folder = place.root / DONE
    keep(folder, Request(who=HOSTILE, when=1.75e9, message=HOSTILE))
    folder.rename(place.root / name)
    path = f"/view/studies/{quote(name)}"
    for page in (shown(server, "/"), shown(server, path)):
        assert HOSTILE in page.one("main").text
        assert {each.attributes.get("src", "")[:8] for each in page.all("script")} == {"/static/"}
        assert page.all("img") == []
        assert name in page.one("main").text
    links = [each.attributes["href"] for each in shown(server, "/").all("a")]
    assert path in links


def test_a_damaged_study_is_shown_as_damaged(server: httpx.Client, place: Place) -> None:
    """Its page says why, and the list has it beside the others."""
    (place.root / DONE / SPEC).write_text("{")
    assert "damaged" in shown(server, "/").one("main").text
    page = shown(server, f"/view/studies/{DONE}")
    assert "cannot be read" in page.one("p", "notice").text


def test_whoever_has_no_token_is_asked_for_it(server: httpx.Client) -> None:
    """A browser is shown a form; its style comes without a token, and nothing else does."""
    del server.headers["Authorization"]
    page = shown(server, "/", 401)
    assert page.one("input").attributes["type"] == "password"
    assert [each.attributes["for"] for each in page.all("label")] == ["token"]
    for each in page.all("link", "") + page.all("script"):
        address = each.attributes.get("href") or each.attributes["src"]
        if address.startswith("/"):
            assert server.get(address).status_code == 200
    assert server.get("/static/../api.py").status_code == 401
    assert server.get("/static/none.css").status_code == 404
    assert server.post("/static/page.css").status_code == 401
    assert server.get("/").json()["detail"].startswith("a token is needed")


def test_studies_are_compared(
    server: httpx.Client, place: Place, ended: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As JSON and as a page; what cannot be compared is one line on a page."""
    monkeypatch.setattr("search.service.compared.asked", lambda _, question: answer(question))
    shutil.copytree(ended, place.root / "again")
    found = server.get(f"/compare?a={DONE}&b=again").json()
    assert [each["name"] for each in found["findings"]["studies"]] == [DONE, "again"]
    assert found["findings"]["settings"] == []
    assert found["text"].startswith(f"# {DONE} and again\n")
    service = Service(str(server.base_url), token=TOKEN)
    with service._http:
        assert service.compare(DONE, "again") == found
    assert Local(place.root).compare(DONE, "again") == found
    page = shown(server, f"/view/compare?study={DONE}&study=again")
    assert page.one("h1").text == f"{DONE} and again"
    assert len(page.all("figure")) == 2
    for names, status in ((f"study={DONE}", 422), (f"study={DONE}&study=none", 404)):
        assert shown(server, f"/view/compare?{names}", status).all("p", "notice")
    assert server.get(f"/compare?a={DONE}&b=none").status_code == 404


def test_the_api_is_described(server: httpx.Client) -> None:
    """Each route with its parameters, each command's settings with help and default."""
    page = shown(server, "/view/api")
    heads = [each.text for each in page.all("h2")]
    assert {"GET /studies", "POST /studies", "GET /studies/{name}/events"} <= set(heads)
    assert not any("/view" in head for head in heads)
    assert [each.text for each in page.all("h3")] == [*KINDS, "execution"]
    text = page.one("main").text
    assert "Largest learning rate." in text
    assert "Those in these states." in text
