"""The web application: routes, what guards them, and what an error looks like."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exception_handlers import (
    http_exception_handler,
    request_validation_exception_handler,
)
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from cluster import ClusterError
from kbn.errors import InputError, WriteError
from search.service import api, events, fetch, new_study, operation, pages
from search.service.errors import ConflictError, FieldsError, UnknownStudyError
from search.service.guard import Guard, Rules
from search.service.place import Place
from search.service.render import STATIC, refusal, wants_page
from search.training.versions import project_version

ROUTERS = [
    *(pages.router, new_study.router),
    *(api.router, operation.router, events.router, fetch.router),
]
"""The last one has a route for any file of a study, so that it comes last."""


def create_app(place: Place, rules: Rules) -> FastAPI:
    """Return the application that shows a place to those who keep the rules."""
    app = FastAPI(
        title="kbn-search",
        version=project_version(),
        summary="Studies: submit, list, watch, compare, stop and fetch.",
        docs_url=None,  # those pages would be loaded from another host
        redoc_url=None,
    )
    app.state.place, app.state.rules = place, rules
    for router in ROUTERS:
        app.include_router(router)
    for error, status in STATUSES.items():
        app.add_exception_handler(error, _answer(status))
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_middleware(Guard, rules=rules, refuse=refused, free=STATIC)
    return app


STATUSES = {
    UnknownStudyError: 404,
    ConflictError: 409,
    InputError: 422,
    ClusterError: 502,
    WriteError: 507,
}


def refused(headers: Headers, status: int, why: str) -> Response:
    """Return the answer to a request that is refused: a page for people, else JSON."""
    return refusal(status, why) if wants_page(headers) else JSONResponse({"detail": why}, status)


def _answer(status: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, FieldsError):
            detail = [
                {"loc": ["body", *where], "msg": said, "type": "value_error"}
                for where, said in error.errors.items()
            ]
            return JSONResponse({"detail": detail}, status)
        return refused(request.headers, status, str(error))

    return answer


async def _unreadable(request: Request, error: Exception) -> Response:
    """Answer to what FastAPI does not let through: it has its own way of saying so in JSON."""
    assert isinstance(error, RequestValidationError)
    if not wants_page(request.headers):
        return await request_validation_exception_handler(request, error)
    said = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
    return refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(said))


async def _no_route(request: Request, error: Exception) -> Response:
    """Answer to an address, or a method, that nothing is at."""
    assert isinstance(error, HTTPException)
    if not wants_page(request.headers):
        return await http_exception_handler(request, error)
    return refusal(error.status_code, str(error.detail))
