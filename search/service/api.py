"""The routes of programs: JSON in, JSON out. Pages for people are in `pages`."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request

from search.service.listing import Listing, Order, listed
from search.service.place import Place
from search.service.summary import StudyState, Summary

router = APIRouter()


def place_of(request: Request) -> Place:
    """Return what the server that is asked shows."""
    place: Place = request.app.state.place
    return place


Here = Annotated[Place, Depends(place_of)]


@router.get("/studies")
def list_studies(
    here: Here,
    state: Annotated[list[StudyState] | None, Query(description="Those in these states.")] = None,
    kind: Annotated[str | None, Query(description="Those of this command.")] = None,
    data: Annotated[str | None, Query(description="Those on this data set.")] = None,
    who: Annotated[str | None, Query(description="Those that this user asked for.")] = None,
    text: Annotated[str | None, Query(description="Those whose name or message holds it.")] = None,
    archived: Annotated[bool, Query(description="Those that were put away.")] = False,  # noqa: FBT002 - a field of a query
    sort: Annotated[Order, Query(description="By what they are sorted.")] = Order.WHEN,
    direction: Annotated[Literal["up", "down"], Query(description="Rising or falling.")] = "down",
    page: Annotated[int, Query(ge=1, le=10**6)] = 1,
    size: Annotated[int, Query(ge=1, le=1_000, description="Studies of a page.")] = 100,
) -> Listing:
    """Return the studies of the folder, a page of them: submitted here, or run by hand."""
    return listed(
        here.folders.summaries(),
        state=state,
        kind=kind,
        data=data,
        who=who,
        text=text,
        archived=archived,
        sort=sort,
        falling=direction == "down",
        page=page,
        size=size,
    )


@router.get("/studies/{name}/summary")
def show_summary(here: Here, name: str) -> Summary:
    """Return a study's row of the list."""
    return here.folders.summary(name)
