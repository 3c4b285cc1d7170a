from __future__ import annotations

import asyncio
import time

import pytest

from search.service.looks import Look, Looks


def test_many_who_watch_share_a_look() -> None:
    """Fifty ask, one looks; whoever asks after the next is due gets a new one."""
    taken: list[int] = []

    def look() -> Look:
        taken.append(1)
        return Look({"number": str(len(taken))})

    async def ask() -> list[str]:
        looks = Looks(every=0.05)
        first = await asyncio.gather(*(looks.of("study", look) for _ in range(50)))
        await asyncio.sleep(0.06)
        return [each.parts["number"] for each in (*first, await looks.of("study", look))]

    assert asyncio.run(ask()) == [*["1"] * 50, "2"]


def test_one_who_leaves_ends_the_look_for_nobody_else() -> None:
    """A connection may be closed while it waits."""

    def look() -> Look:
        time.sleep(0.05)
        return Look({})

    async def ask() -> Look:
        looks = Looks()
        asking = [asyncio.create_task(looks.of("study", look)) for _ in range(2)]
        await asyncio.sleep(0.01)
        asking[0].cancel()
        return await asking[1]

    assert asyncio.run(ask()) == Look({})


def test_a_look_that_computes_long_is_taken_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them together keep to their share of a core, if what they cost they cost again."""
    clock = [0.0]
    monkeypatch.setattr("search.service.looks.time.thread_time", lambda: clock[0])
    now = [100.0]
    monkeypatch.setattr("search.service.looks.time.monotonic", lambda: now[0])
    taken: list[float] = []

    def look() -> Look:
        taken.append(now[0])
        clock[0] += 0.5
        return Look({})

    async def ask() -> None:
        looks = Looks(every=1.0, share=0.1)
        for _ in range(12):
            await looks.of("study", look)
            now[0] += 1.0

    asyncio.run(ask())
    assert taken == [100.0, 101.0, 106.0, 111.0]


def test_what_a_look_raises_is_raised_to_all() -> None:
    """And the next one is a new one."""

    def fail() -> Look:
        raise ValueError("gone")

    async def ask() -> list[object]:
        looks = Looks(every=0.0, share=1e9)
        both = await asyncio.gather(
            *(looks.of("study", fail) for _ in range(2)), return_exceptions=True
        )
        return [*map(str, both), await looks.of("study", lambda: Look({}))]

    assert asyncio.run(ask()) == ["gone", "gone", Look({})]
