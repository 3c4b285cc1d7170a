"""What goes on, as server-sent events: each part of what is shown when it changes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Hashable
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from search.service.api import place_of
from search.service.errors import UnknownStudyError
from search.service.looks import Look, Looks
from search.service.place import Place

router = APIRouter()
HEARTBEAT = 15.0
"""Seconds after which a comment says that the line is open."""


@router.get(
    "/studies/{name}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
def watch_study(here: Annotated[Place, Depends(place_of)], name: str) -> StreamingResponse:
    """Return a study's row whenever it changes: `study` events, and `end` when it is over.

    The stream ends with the study, or when it is deleted.
    """
    here.folders.summary(name)  # an unknown one is refused before anything is sent

    def look() -> Look:
        row = here.folders.summary(name)
        return Look({"study": row.json}, end=row.json if row.state.over else None)

    return streamed(follow(here.looks, name, look))


def streamed(events: AsyncIterator[str]) -> StreamingResponse:
    """Return events as an answer, which a proxy is not to gather."""
    at_once = {"X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=at_once)


async def follow(
    looks: Looks, what: Hashable, look: Callable[[], Look], *, heartbeat: float = HEARTBEAT
) -> AsyncIterator[str]:
    """Yield what changes of the looks at something as text, to its end or the server's."""
    said: dict[str, str] = {}
    spoke = time.monotonic()
    while not looks.closed:
        try:
            found = await looks.of(what, look)
        except UnknownStudyError as error:
            yield _event("end", json.dumps({"reason": str(error)}))
            return
        new = {kind: text for kind, text in found.parts.items() if said.get(kind) != text}
        if new:
            said |= new
            spoke = time.monotonic()
            yield "".join(_event(kind, text) for kind, text in new.items())
        elif time.monotonic() - spoke >= heartbeat:
            spoke = time.monotonic()
            yield ": still there\n\n"
        if found.end is not None:
            yield _event("end", found.end)
            return
        await asyncio.sleep(looks.every)


def _event(kind: str, data: str) -> str:
    return f"event: {kind}\ndata: {data}\n\n"
