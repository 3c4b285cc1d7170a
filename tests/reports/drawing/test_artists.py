"""Figures drawn beside each other, in forks of the process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kbn.errors import WriteError
from reports.drawing.artists import Artists

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")


@pytest.fixture(params=[1, 2])
def artists(request: pytest.FixtureRequest) -> Artists:
    """Return artists that draw here, and some that draw beside each other."""
    return Artists(request.param)


def test_all_is_drawn_and_told(tmp_path: Path, artists: Artists) -> None:
    """However many draw, each figure is drawn once, and each one's end is told."""
    told: list[Exception | None] = []
    for number in range(5):
        path = tmp_path / f"{number}"
        artists.draw(lambda path=path: path.write_text(str(path)), told.append)  # type: ignore[misc]
    artists.finish()
    assert told == [None] * 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "2", "3", "4"]


def test_several_draw_elsewhere(tmp_path: Path) -> None:
    """One draws in this process; several draw in others, which end with what they draw."""
    for at_once in (1, 2):
        artists = Artists(at_once)
        artists.draw(lambda: (tmp_path / "pid").write_text(str(os.getpid())), lambda _: None)
        artists.finish()
        drew = int((tmp_path / "pid").read_text())
        assert (drew == os.getpid()) == (at_once == 1)
    with pytest.raises(ProcessLookupError):
        os.kill(drew, 0)


def raising(error: Exception) -> Callable[[], None]:
    """Return work that comes to nothing."""

    def work() -> None:
        raise error

    return work


class Own(Exception):  # noqa: N818 - a user's
    """One that no other process can make again."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


def test_what_is_raised_is_told(artists: Artists) -> None:
    """Of its type where that can be sent; a full disk stays one, with its way out."""
    told: list[Exception | None] = []
    full = WriteError("figures/lambda.svg", OSError(28, "No space left on device"))
    for error in (ValueError("no point"), full, Own(1, 2)):
        artists.draw(raising(error), told.append)
    artists.finish()
    by_text = {str(error): error for error in told}
    assert type(by_text["no point"]) is ValueError
    arrived = by_text[str(full)]
    assert isinstance(arrived, WriteError)
    assert arrived.way_out == "make room"
    assert [text for text in by_text if "1 and 2" in text]


def test_one_that_is_killed() -> None:
    """An artist that the system ends, as for want of memory, costs its own figure."""
    told: list[Exception | None] = []
    artists = Artists(2)
    for _ in range(2):
        artists.draw(lambda: os.kill(os.getpid(), signal.SIGKILL), told.append)
        artists.draw(lambda: None, told.append)
    artists.finish()
    ended = "the process that drew it was ended"
    assert sorted(map(str, told)) == ["None", "None", ended, ended]


def test_nobody_waits_for_what_is_abandoned() -> None:
    """What still draws is ended, and nothing is told of it, nor of what waits."""
    told: list[Exception | None] = []
    artists = Artists(2)
    artists.draw(lambda: None, lambda _: raising(OSError("a full disk"))())
    artists.draw(signal.pause, told.append)
    with pytest.raises(OSError, match="full"):
        artists.finish()
    artists.draw(signal.pause, told.append)
    artists.abandon()
    artists.finish()
    assert told == []


def test_forks_have_what_was_warmed_up() -> None:
    """It leaves no file, and what finds fonts knows some then."""
    code = (
        "import reports; reports.warm_up(); from matplotlib.font_manager import fontManager; "
        "assert fontManager._findfont_cached.cache_info().currsize"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
