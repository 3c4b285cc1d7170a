"""The routes of people: pages that a browser shows, and what their buttons do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from kbn.paths import Kind, kind_of
from search.service import verbs
from search.service.api import Here
from search.service.compared import compared
from search.service.details import details
from search.service.errors import UnknownStudyError
from search.service.events import follow, streamed
from search.service.fetch import FILES, show_log
from search.service.listing import Order, listed
from search.service.looks import Look
from search.service.owner import owner_of
from search.service.place import Place
from search.service.render import STATIC, html, static_file, text
from search.service.schema import KINDS, fields_about
from search.service.summary import StudyState
from search.settings.execution import Execution

router = APIRouter(include_in_schema=False)
SIZE = 50
"""Studies of a page."""
MOST_TRIALS = 500
"""Trials that a page shows; all of them are in `trials.csv`."""
STUDY = "/view/studies/"


@router.get(f"{STATIC}{{name}}")
def load(name: str) -> Response:
    """Return a style or a script."""
    found = static_file(name)
    if found is None:
        raise UnknownStudyError(f"{name[:80]}: there is no such file")
    return found


class Question(BaseModel):
    """Which studies a list shows, in which order."""

    model_config = ConfigDict(frozen=True)

    text: str = ""
    state: StudyState | Literal[""] = ""
    archived: Literal["", "yes"] = ""
    sort: Order = Order.WHEN
    direction: Literal["up", "down"] = "down"
    page: int = Field(1, ge=1, le=10**6)

    def address(self, **changed: object) -> str:
        """Return the address of the same list, with something changed."""
        given = self.model_dump(mode="json") | {"page": ""} | changed
        return f"?{urlencode({name: str(value) for name, value in given.items() if value})}"


Asked = Annotated[Question, Query()]


@router.get("/")
def show_studies(request: Request, here: Here, asked: Asked) -> HTMLResponse:
    """Show the list of studies."""
    return html("studies.html.j2", **_listed(here, asked), path=request.url.path)


@router.get("/view/events")
def watch_studies(here: Here, asked: Asked) -> StreamingResponse:
    """Return the list whenever it changes, as the page has it."""

    def look() -> Look:
        return Look(_parts(("list",), _listed(here, asked)))

    return streamed(follow(here.looks, asked, look))


def _listed(here: Place, asked: Question) -> dict[str, Any]:
    """Return what a list shows."""
    rows = here.folders.summaries()
    found = listed(
        rows,
        state=[asked.state] if asked.state else None,
        text=asked.text or None,
        archived=asked.archived == "yes",
        sort=asked.sort,
        falling=asked.direction == "down",
        page=asked.page,
        size=SIZE,
    )
    pages, states = -(-found.total // SIZE), tuple(StudyState)
    return {
        "here": here,
        "found": found,
        "pages": pages,
        "any": bool(rows),
        "asked": asked,
        "states": states,
    }


def _parts(names: Iterable[str], context: Mapping[str, Any]) -> dict[str, str]:
    """Return the live parts of a page, as JSON texts."""
    return {name: json.dumps(text(f"live/{name}.html.j2", **context)) for name in names}


@router.get("/view/api")
def show_api(request: Request, here: Here) -> HTMLResponse:
    """Show what programs may ask, as the OpenAPI description has it."""
    about = request.app.openapi()
    settings = {name: list(fields_about(of)) for name, of in KINDS.items()}
    settings["execution"] = list(fields_about(Execution))
    return html("api.html.j2", here=here, about=about, kinds=settings)


@router.get(f"{STUDY}{{name}}")
def show_study(here: Here, name: str) -> HTMLResponse:
    """Show all of a study."""
    return html("study.html.j2", **_shown(here, name))


@router.get(f"{STUDY}{{name}}/events")
def watch_study(here: Here, name: str) -> StreamingResponse:
    """Return the parts of a study's page whenever they change, until it is over."""
    here.folders.summary(name)  # an unknown one is refused before anything is sent

    def look() -> Look:
        shown = _shown(here, name)
        over = shown["row"].state.over
        return Look(_parts(("study", "report", "log"), shown), end="{}" if over else None)

    return streamed(follow(here.looks, (STUDY, name), look))


def _shown(here: Place, name: str) -> dict[str, Any]:
    """Return what a study's page shows."""
    found = details(here.folders, name)
    folder = here.folders.folder(name)
    row = found.summary
    log = show_log(here, name).body if row.state is not StudyState.DAMAGED else b""
    return {
        "here": here,
        "study": found,
        "row": row,
        "log": bytes(log).decode("utf-8", "replace"),
        "files": [file for file in FILES if kind_of(folder / file) is Kind.FILE],
        "report_at": owner_of(folder / "report.html")[1],
        "trials": found.trials[:MOST_TRIALS],
        "varied": _varied(found.trials),
    }


def _varied(trials: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the settings in which trials differ, as columns of `trials.csv` name them."""
    columns = [name for name in (trials[0] if trials else ()) if name.startswith("params_")]
    return [name for name in columns if len({str(each[name]) for each in trials}) > 1]


Verb = Callable[[Place, str], object]
VERBS: dict[str, Verb] = {
    "stop": lambda here, name: verbs.stop(here.folders, name, here.launcher.jobs),
    "cancel": lambda here, name: verbs.cancel(here.folders, name, here.launcher.jobs),
    "retry": lambda here, name: verbs.retry(here.folders, name),
    "archive": lambda here, name: verbs.archive(here.folders, name),
    "unarchive": lambda here, name: verbs.archive(here.folders, name, away=False),
    "delete": lambda here, name: verbs.delete(here.folders, name),
}
"""What the buttons of a study's page do."""


@router.post(f"{STUDY}{{name}}/{{verb}}")
def do(here: Here, name: str, verb: str) -> RedirectResponse:
    """Do what a button says, and show what has come of it."""
    if verb not in VERBS:
        raise UnknownStudyError(f"{verb[:80]}: choose one of {', '.join(VERBS)}")
    VERBS[verb](here, name)
    here.wake()
    return RedirectResponse("/", HTTPStatus.SEE_OTHER) if verb == "delete" else to_study(name)


@router.get("/view/compare")
def show_comparison(here: Here, study: Annotated[list[str], Query(max_length=20)]) -> HTMLResponse:
    """Show studies side by side."""
    names = list(dict.fromkeys(study))
    found = compared([here.folders.folder(name) for name in names])
    return html("compare.html.j2", here=here, names=names, title=found.title, body=found.html)


def to_study(name: str) -> RedirectResponse:
    """Lead to a study's page."""
    return RedirectResponse(f"{STUDY}{quote(name, safe='')}", HTTPStatus.SEE_OTHER)
