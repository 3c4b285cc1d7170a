"""The routes of people: pages that a browser shows, and what their buttons do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from kbn.errors import InputError
from kbn.paths import Kind, kind_of
from search.service import verbs
from search.service.api import Here
from search.service.compared import compared
from search.service.details import details
from search.service.errors import ConflictError, UnknownStudyError
from search.service.fetch import FILES, show_log
from search.service.forms import Sent, form, wish
from search.service.listing import Order, listed
from search.service.place import Place
from search.service.render import STATIC, html, static_file
from search.service.schema import KINDS, fields_about
from search.service.submissions import foresee, submit
from search.service.summary import StudyState
from search.service.uploads import uploaded
from search.settings.spec import Execution

router = APIRouter(include_in_schema=False)
SIZE = 50
"""Studies of a page."""
RELOAD = 5
"""Seconds after which a page on which something happens looks again."""
IDLE = 10
"""The same where nothing does."""
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


@router.get("/")
def show_studies(
    request: Request,
    here: Here,
    text: str = "",
    state: StudyState | Literal[""] = "",
    archived: Literal["", "yes"] = "",
    sort: Order = Order.WHEN,
    direction: Literal["up", "down"] = "down",
    page: Annotated[int, Query(ge=1, le=10**6)] = 1,
) -> HTMLResponse:
    """Show the list of studies."""
    rows = here.folders.summaries()
    found = listed(
        rows,
        state=[state] if state else None,
        text=text or None,
        archived=archived == "yes",
        sort=sort,
        falling=direction == "down",
        page=page,
        size=SIZE,
    )
    asked = {"text": text, "state": state, "archived": archived}
    happens = any(not row.state.over for row in rows)

    def address(**changed: object) -> str:
        """Return the address of the same list, with something changed."""
        given = {**asked, "sort": sort, "direction": direction} | changed
        return f"?{urlencode({name: str(value) for name, value in given.items() if value})}"

    return html(
        "studies.html.j2",
        here=here,
        found=found,
        pages=-(-found.total // SIZE),
        any=bool(rows),
        asked=asked,
        sort=sort,
        direction=direction,
        address=address,
        states=tuple(StudyState),
        reload=RELOAD if happens else IDLE,
        path=request.url.path,
    )


@router.get("/view/api")
def show_api(request: Request, here: Here) -> HTMLResponse:
    """Show what programs may ask, as the OpenAPI description has it."""
    about = request.app.openapi()
    settings = {name: list(fields_about(of)) for name, of in KINDS.items()}
    settings["execution"] = list(fields_about(Execution))
    return html("api.html.j2", here=here, about=about, kinds=settings)


@router.get("/view/new")
def show_form(here: Here, kind: str = "") -> HTMLResponse:
    """Show the form of a new study; without a command, what there is to choose from."""
    if kind not in KINDS:
        return html("kinds.html.j2", here=here, kinds=KINDS)
    return _form_page(here, form(kind), HTTPStatus.OK)


@router.post("/view/new")
async def send_form(request: Request, here: Here) -> Response:
    """Preview what a form asks for, or submit it."""
    async with request.form() as given:
        sent = {name: [str(each) for each in given.getlist(name)] for name in given}
    return await run_in_threadpool(_sent, here, sent)


def _sent(here: Place, sent: Sent) -> Response:
    kind = next(iter(sent.get("kind", ())), "")
    if kind not in KINDS:
        raise InputError(f"{kind[:80]}: there is no such command")
    asked = wish(kind, sent)
    try:
        if "submit" in sent:
            return _to(submit(here, asked).name)
        forecast = foresee(here, asked).forecast
    except InputError as error:
        status = HTTPStatus.CONFLICT if isinstance(error, ConflictError) else _UNUSABLE
        return _form_page(here, form(kind, sent, error), status)
    return html(
        "new.html.j2", here=here, form=form(kind, sent), forecast=forecast, uploaded=_data(here)
    )


_UNUSABLE = HTTPStatus.UNPROCESSABLE_ENTITY


def _form_page(here: Place, filled: object, status: int) -> HTMLResponse:
    return html("new.html.j2", status, here=here, form=filled, forecast=None, uploaded=_data(here))


def _data(here: Place) -> Sequence[str]:
    return ("digits", "cifar10", *uploaded(here.root))


@router.get(f"{STUDY}{{name}}")
def show_study(here: Here, name: str) -> HTMLResponse:
    """Show all of a study."""
    found = details(here.folders, name)
    folder = here.folders.folder(name)
    row = found.summary
    log = show_log(here, name).body if row.state is not StudyState.DAMAGED else b""
    return html(
        "study.html.j2",
        here=here,
        study=found,
        row=row,
        log=bytes(log).decode("utf-8", "replace"),
        files=[file for file in FILES if kind_of(folder / file) is Kind.FILE],
        trials=found.trials[:MOST_TRIALS],
        varied=_varied(found.trials),
        reload=None if row.state.over else RELOAD,
    )


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
    return RedirectResponse("/", HTTPStatus.SEE_OTHER) if verb == "delete" else _to(name)


@router.get("/view/compare")
def show_comparison(here: Here, study: Annotated[list[str], Query(max_length=20)]) -> HTMLResponse:
    """Show studies side by side."""
    names = list(dict.fromkeys(study))
    found = compared([here.folders.folder(name) for name in names])
    return html("compare.html.j2", here=here, names=names, title=found.title, body=found.html)


def _to(name: str) -> RedirectResponse:
    return RedirectResponse(f"{STUDY}{quote(name, safe='')}", HTTPStatus.SEE_OTHER)
