from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from functools import partial

import httpx
from filelock import FileLock

from search.service.events import follow
from search.service.folders import Folders
from search.service.looks import Look, Looks
from search.service.requests import Request, keep
from tests.search.service.conftest import DONE


def events(text: str) -> list[tuple[str, dict[str, object]]]:
    """Return the kinds and data of events in a stream."""
    blocks = [block.split("\n") for block in text.split("\n\n") if block.startswith("event")]
    return [(kind.split(": ")[1], json.loads(data.split(": ", 1)[1])) for kind, data in blocks]


def looks() -> Looks:
    """Return looks of a server that has nothing else to do."""
    return Looks(every=0.01, share=1.0)


def look(folders: Folders) -> Look:
    """Return what a program that watches the one study is told."""
    row = folders.summary(DONE)
    return Look({"study": row.json}, end=row.json if row.state.over else None)


def test_a_study_that_is_over_is_told_once(server: httpx.Client) -> None:
    """Its row, then the end, and the stream ends."""
    answer = server.get(f"/studies/{DONE}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = events(answer.text)
    row = server.get(f"/studies/{DONE}/summary").json()
    assert told == [("study", row), ("end", row)]
    assert server.get("/studies/absent/events").status_code == 404


def test_changes_are_told_as_they_come_and_silence_is_broken(folders: Folders) -> None:
    """Each change is an event; while there is none a comment keeps the line open."""
    folder = folders.root / DONE
    request = Request(who="ann", when=1.0, wanted=True)
    (folder / "report.json").unlink()
    keep(folder, request)

    async def watch() -> list[str]:
        told: list[str] = []
        async for text in follow(looks(), DONE, partial(look, folders), heartbeat=0.05):
            told.append(text)
            if text.startswith(":") and len(told) < 5:
                keep(folder, replace(request, message="changed"))
            elif "changed" in text:
                keep(folder, replace(request, wanted=False))
        return told

    told = asyncio.run(watch())
    assert told[1].startswith(":")
    states = [(kind, row["state"], row["message"]) for kind, row in events("".join(told))]
    assert states == [
        ("study", "queued", ""),
        ("study", "queued", "changed"),
        ("study", "unfinished", ""),
        ("end", "unfinished", ""),
    ]


def test_the_stream_of_a_study_that_is_deleted_ends(folders: Folders) -> None:
    """With the reason."""

    async def watch() -> list[str]:
        told = []
        with FileLock(folders.root / DONE / "study.lock"):
            async for text in follow(looks(), DONE, partial(look, folders)):
                told.append(text)
                shutil.rmtree(folders.root / DONE, ignore_errors=True)
        return told

    (_, (kind, said)) = events("".join(asyncio.run(watch())))
    assert kind == "end"
    assert "no study" in str(said["reason"])


def test_a_page_is_told_its_parts_and_then_those_that_change(
    server: httpx.Client, folders: Folders
) -> None:
    """A study that is over is told once; what a list shows of it changes with the folder."""
    page = server.get(f"/view/studies/{DONE}").text
    told = events(server.get(f"/view/studies/{DONE}/events").text)
    assert [kind for kind, _ in told] == ["study", "report", "log", "end"]
    assert all(str(text).strip() in page for kind, text in told if kind != "end")
    keep(folders.root / DONE, Request(who="ann", when=1.0, message="before"))
    with server.stream("GET", "/view/events", params={"text": DONE}) as answer:
        blocks = answer.iter_text()
        assert "before" in next(blocks)
        keep(folders.root / DONE, Request(who="ann", when=1.0, message="after"))
        ((kind, text),) = events(next(blocks))
    assert kind == "list"
    assert "after" in str(text)
    assert server.get("/view/studies/absent/events").status_code == 404
    assert server.get("/view/events", params={"sort": "nothing"}).status_code == 422
