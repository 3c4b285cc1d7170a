"""A study as it goes on: server-sent events, one whenever its row of the list changes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from search.service.api import place_of
from search.service.errors import UnknownStudyError
from search.service.folders import Folders
from search.service.place import Place

router = APIRouter()
EVERY = 1.0
"""Seconds from one look to the next."""
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
    at_once = {"X-Accel-Buffering": "no"}  # to a proxy that would gather events
    return StreamingResponse(
        follow(here.folders, name), media_type="text/event-stream", headers=at_once
    )


async def follow(
    folders: Folders, name: str, *, every: float = EVERY, heartbeat: float = HEARTBEAT
) -> AsyncIterator[str]:
    """Yield a study's events as text, to its end."""
    said, spoke = "", time.monotonic()
    while True:
        try:
            row = await run_in_threadpool(folders.summary, name)
        except UnknownStudyError as error:
            yield _event("end", json.dumps({"name": name, "reason": str(error)}))
            return
        text = row.json
        if text != said:
            said, spoke = text, time.monotonic()
            yield _event("study", text)
        elif time.monotonic() - spoke >= heartbeat:
            spoke = time.monotonic()
            yield ": still there\n\n"
        if row.state.over:
            yield _event("end", text)
            return
        await asyncio.sleep(every)


def _event(kind: str, data: str) -> str:
    return f"event: {kind}\ndata: {data}\n\n"
