"""The routes of programs: JSON in, JSON out. Pages for people are in `pages`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Query, Request, Response, UploadFile

from search.service import verbs
from search.service.compared import compared
from search.service.details import Details, details
from search.service.listing import Listing, Order, listed
from search.service.place import Place
from search.service.prepared import Prepared
from search.service.schema import LONGEST_NAME, submission
from search.service.submissions import Wish, foresee, submit
from search.service.summary import StudyState, Summary
from search.service.uploads import Uploaded, upload, uploaded
from search.service.verbs import Submitted

router = APIRouter()
CREATED = 201


def place_of(request: Request) -> Place:
    """Return what the server that is asked shows."""
    place: Place = request.app.state.place
    return place


Here = Annotated[Place, Depends(place_of)]
Who = Annotated[str, Body(embed=True, max_length=LONGEST_NAME, description="Who asks for it.")]


@router.get("/studies", response_model=Listing)
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
    page: Annotated[int, Query(ge=1, le=10**6, description="Which page, from 1.")] = 1,
    size: Annotated[int, Query(ge=1, le=1_000, description="Studies of a page.")] = 100,
) -> Response:
    """Return the studies of the folder, a page of them: submitted here, or run by hand."""
    found = listed(
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
    return Response(found.json, media_type="application/json")


@router.post("/studies", responses={201: {"description": "It is new, and waits."}})
def submit_study(
    here: Here,
    response: Response,
    sent: Annotated[submission(), Body()],  # type: ignore[valid-type] # made at runtime
    dry_run: Annotated[bool, Query(description="Say what it would do; write nothing.")] = False,  # noqa: FBT002 - a field of a query
) -> Submitted | Prepared:
    """Queue a study: a specification, and how to run it.

    The same specification on the same data is the same study: its name comes back, and it goes on
    where it had ended early. With `dry_run` its trials, memory and time come back.
    """
    wish = wish_of(sent)
    if dry_run:
        return foresee(here, wish)
    done = submit(here, wish)
    response.status_code = CREATED if done.created else 200
    return done


def wish_of(sent: Any) -> Wish:
    """Return what a model of `schema.submission` asks for; what was not sent is not in it."""
    fields: dict[str, Any] = sent.model_dump(exclude_unset=True)
    return Wish(**fields)


@router.get("/compare")
def compare_studies(
    here: Here,
    a: Annotated[str, Query(description="A study.")],
    b: Annotated[str, Query(description="Another one.")],
    more: Annotated[list[str] | None, Query(max_length=18, description="Further ones.")] = None,
) -> dict[str, Any]:
    """Return studies side by side, as `findings` and in words, as `text`.

    They hold the settings that differ, curves and final models. Studies that validate on the same
    images are compared image by image, with intervals and the set of what cannot be told from the
    best; of others it is said why they cannot be.
    """
    folders = [here.folders.folder(name) for name in (a, b, *(more or ()))]
    found = compared(folders, drawn=False)
    return {"findings": found.findings, "text": found.text}


@router.get("/studies/{name}")
def show_study(here: Here, name: str) -> Details:
    """Return all of a study: its row, settings, findings, stages and trials."""
    return details(here.folders, name)


@router.get("/studies/{name}/summary")
def show_summary(here: Here, name: str) -> Summary:
    """Return a study's row of the list."""
    return here.folders.summary(name)


@router.post("/studies/{name}/stop")
def stop_study(here: Here, name: str) -> Summary:
    """Let a study start no more trials: it ends when those that run have."""
    verbs.stop(here.folders, name, here.launcher.jobs)
    return _after(here, name)


@router.post("/studies/{name}/cancel")
def cancel_study(here: Here, name: str) -> Summary:
    """End a study now, with nothing of it left running; trials that have ended are kept."""
    verbs.cancel(here.folders, name, here.launcher.jobs)
    return _after(here, name)


@router.post("/studies/{name}/retry")
def retry_study(
    here: Here,
    name: str,
    who: Who = "",
    first: Annotated[bool, Body(embed=True, description="Ahead of those that wait.")] = False,  # noqa: FBT002 - a field of the body
) -> Summary:
    """Queue a study again: trials that failed are tried again, and the others go on."""
    verbs.retry(here.folders, name, who=who, first=first)
    return _after(here, name)


@router.post("/studies/{name}/archive")
def archive_study(
    here: Here,
    name: str,
    away: Annotated[bool, Query(description="False takes it back.")] = True,  # noqa: FBT002 - a field of a query
) -> Summary:
    """Put a study away, or take it back: lists leave out those that were put away."""
    verbs.archive(here.folders, name, away=away)
    return _after(here, name)


@router.delete("/studies/{name}")
def delete_study(here: Here, name: str) -> dict[str, str]:
    """Move a study into the bin, unless it runs; return its name there."""
    return {"deleted": verbs.delete(here.folders, name)}


@router.get("/bin")
def list_bin(here: Here) -> list[str]:
    """Return the names of the studies in the bin."""
    return here.folders.in_bin()


@router.post("/bin/{name}/restore")
def restore_study(here: Here, name: str) -> Summary:
    """Move a study out of the bin."""
    return _after(here, verbs.restore(here.folders, name))


def _after(here: Place, name: str) -> Summary:
    here.wake()
    return here.folders.summary(name)


@router.get("/data")
def list_data(here: Here) -> list[str]:
    """Return what specifications call the data sets that were uploaded."""
    return uploaded(here.root)


@router.post("/data")
def upload_data(here: Here, file: UploadFile) -> Uploaded:
    """Keep a data set, an `.npz` file, for specifications to name; it is read without pickle."""
    return upload(here.root, file.filename or "", file.file)
