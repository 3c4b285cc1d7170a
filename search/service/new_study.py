"""The page of a new study: a form of a command's settings, its preview, and its submission."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from starlette.datastructures import UploadFile

from kbn.errors import InputError
from search.service.api import Here
from search.service.errors import ConflictError, FieldsError
from search.service.forms import FILE, Form, form, wish
from search.service.pages import to_study
from search.service.place import Place
from search.service.render import html
from search.service.schema import KINDS
from search.service.submissions import foresee, submit
from search.service.uploads import Uploaded, upload, uploaded

router = APIRouter(include_in_schema=False)
ADDRESS = "/view/new"


@router.get(ADDRESS)
def show_form(here: Here, kind: str = "") -> HTMLResponse:
    """Show the form of a new study; without a command, what there is to choose from."""
    if kind not in KINDS:
        return html("kinds.html.j2", here=here, kinds=KINDS)
    return _page(here, form(kind))


@router.post(ADDRESS)
async def send_form(request: Request, here: Here) -> Response:
    """Preview what a form asks for, or submit it; a file that comes with it is kept first."""
    async with request.form() as given:
        sent = {name: [v for v in given.getlist(name) if isinstance(v, str)] for name in given}
        file = given.get(FILE)
        chosen = file if isinstance(file, UploadFile) and file.filename else None
        return await run_in_threadpool(_sent, here, sent, chosen)


def _sent(here: Place, sent: dict[str, list[str]], file: UploadFile | None) -> Response:
    kind = next(iter(sent.get("kind", ())), "")
    if kind not in KINDS:
        raise InputError(f"{kind[:80]}: there is no such command")
    taken = None
    try:
        if file is not None:
            taken = _taken(here, file)
            sent["specification.data"] = [taken.data]
        asked = wish(kind, sent)
        if "submit" in sent:
            return to_study(submit(here, asked).name)
        forecast = foresee(here, asked).forecast
    except InputError as error:
        status = HTTPStatus.CONFLICT if isinstance(error, ConflictError) else _UNUSABLE
        return _page(here, form(kind, sent, error), status, taken=taken)
    return _page(here, form(kind, sent), forecast=forecast, taken=taken)


_UNUSABLE = HTTPStatus.UNPROCESSABLE_ENTITY


def _taken(here: Place, file: UploadFile) -> Uploaded:
    """Keep an uploaded data set; what is wrong with it is said beside its field."""
    try:
        return upload(here.root, file.filename or "", file.file)
    except ConflictError as error:
        raise FieldsError({(FILE,): str(error)}) from error


def _page(
    here: Place,
    filled: Form,
    status: int = HTTPStatus.OK,
    *,
    forecast: Mapping[str, object] | None = None,
    taken: Uploaded | None = None,
) -> HTMLResponse:
    known = ("digits", "cifar10", *uploaded(here.root))
    return html(
        "new.html.j2",
        status,
        here=here,
        form=filled,
        forecast=forecast,
        taken=taken,
        uploaded=known,
    )
