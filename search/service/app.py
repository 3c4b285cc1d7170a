"""The web application: routes, what guards them, and what an error looks like."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from cluster import ClusterError
from kbn.errors import InputError, WriteError
from search.service import api, events, fetch, operation
from search.service.errors import ConflictError, FieldsError, UnknownStudyError
from search.service.guard import Guard, Rules
from search.service.place import Place
from search.training.versions import project_version

ROUTERS = [api.router, operation.router, events.router, fetch.router]
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
    app.add_middleware(Guard, rules=rules)
    return app


STATUSES = {
    UnknownStudyError: 404,
    ConflictError: 409,
    InputError: 422,
    ClusterError: 502,
    WriteError: 507,
}


def _answer(status: int) -> Callable[[Request, Exception], Awaitable[JSONResponse]]:
    async def answer(_: Request, error: Exception) -> JSONResponse:
        if isinstance(error, FieldsError):
            detail = [
                {"loc": ["body", *where], "msg": said, "type": "value_error"}
                for where, said in error.errors.items()
            ]
            return JSONResponse({"detail": detail}, status)
        return JSONResponse({"detail": str(error)}, status)

    return answer
