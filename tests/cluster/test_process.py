"""What a process keeps that holds a Ray, and where it cannot hold one."""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import subprocess
import sys
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cluster import ClusterError
from cluster.embedded import LONGEST_SOCKET, SHORT, private_folder
from cluster.process import ending, environment, frames_emptied, handlers_kept, hold
from cluster.room import cores_here

ROOT = Path(__file__).resolve().parents[2]


class Held:
    """Something that a frame can hold, and that a weak reference sees go."""


def test_an_exception_that_is_kept_holds_nothing_of_the_block() -> None:
    """The frames that have ended are emptied, those of its causes too; the message stays."""
    seen: list[weakref.ref[Held]] = []

    def low() -> None:
        held = Held()
        seen.append(weakref.ref(held))
        raise ValueError("low")

    def high() -> None:
        held = Held()
        seen.append(weakref.ref(held))
        try:
            low()
        except ValueError as error:
            raise KeyError("high") from error

    with pytest.raises(KeyError, match="high") as kept, frames_emptied():
        high()
    gc.collect()
    assert [ref() for ref in seen] == [None, None]
    assert isinstance(kept.value.__cause__, ValueError)


def test_an_exception_from_before_the_block_stays_as_it_was() -> None:
    """What the caller handles meanwhile is theirs, with all that its frames hold."""

    def low() -> None:
        mine = "theirs"
        raise ValueError(mine)

    def high() -> None:
        try:
            low()
        except ValueError:
            with frames_emptied():
                raise KeyError from None

    with pytest.raises(KeyError) as kept:
        high()
    before = kept.value.__context__
    assert before is not None
    assert before.__traceback__ is not None
    assert before.__traceback__.tb_next is not None
    assert before.__traceback__.tb_next.tb_frame.f_locals["mine"] == "theirs"


def test_handlers_stay_the_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks and variables that Ray sets are as they were when the block ends, however it does."""
    monkeypatch.setattr(sys, "excepthook", theirs := lambda *_: None)
    traced = faulthandler.is_enabled()
    for before in (None, "0"):
        with monkeypatch.context() as patch, pytest.raises(OSError, match="no Ray"):  # noqa: PT012
            patch.delenv("PYTHONBREAKPOINT", raising=False)
            with environment({} if before is None else {"PYTHONBREAKPOINT": before}):
                try:
                    with handlers_kept():
                        sys.excepthook = lambda *_: None
                        os.environ["PYTHONBREAKPOINT"] = "ray.util.rpdb._driver_set_trace"
                        faulthandler.enable()
                        raise OSError("no Ray")
                finally:
                    assert sys.excepthook is theirs
                    assert os.environ.get("PYTHONBREAKPOINT") == before
                    assert faulthandler.is_enabled() == traced


class CoreWorker:
    """Ends the process, as Ray's own does, when it hears of a reference while it ends."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.ended = False

    def remove_object_ref_reference(self, reference: str) -> None:
        """Hear that a reference has died."""
        assert not self.ended, "the process would end here"
        self.heard.append(reference)

    def shutdown_driver(self) -> None:
        """End, while references die in other threads."""
        self.ended = True
        _worker().core_worker.remove_object_ref_reference("late")


def _worker() -> Any:
    return sys.modules["ray._private.worker"].global_worker


def test_references_that_die_while_ray_ends_end_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to its end the core worker is told of them, from there on nobody is."""
    core_worker = CoreWorker()
    fake = SimpleNamespace(global_worker=SimpleNamespace(core_worker=core_worker))
    monkeypatch.setitem(sys.modules, "ray._private.worker", fake)
    with ending():
        _worker().core_worker.remove_object_ref_reference("early")
        _worker().core_worker.shutdown_driver()
        _worker().core_worker.remove_object_ref_reference("later")
    assert core_worker.ended
    assert core_worker.heard == ["early"]


def test_a_process_is_on_one_ray_at_a_time() -> None:
    """Whoever asks for a second is told so in one line, and may ask again after the first."""
    with hold():
        with pytest.raises(ClusterError, match="another run of this process") as caught, hold():
            pass
        assert "\n" not in str(caught.value)
    with hold():
        pass


def test_a_folder_is_private_and_does_not_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others cannot enter it, though Ray opens the one inside to all."""
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    with private_folder() as folder:
        assert folder.parent.parent in {tmp_path, SHORT}
        assert folder.parent.stat().st_mode & 0o777 == 0o700
        (folder / "session").mkdir(parents=True)
        (folder / "session" / "log").touch()
    assert not folder.parent.exists()


def test_sockets_have_room_in_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the path of temporary files is long, the folder lies elsewhere."""
    monkeypatch.setenv("RAY_TMPDIR", f"/var/{'long' * 20}")
    with private_folder() as folder:
        session = "session_2026-01-01_00-00-00_000000_4194304"
        assert len(os.fsencode(folder / session / "sockets" / "plasma_store")) <= LONGEST_SOCKET


def test_no_folder_for_sockets_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the folder, why, and what to do."""
    monkeypatch.setenv("RAY_TMPDIR", "/nowhere")
    expected = pytest.raises(ClusterError, match=r"^/nowhere: .*\$RAY_TMPDIR")
    with expected as caught, private_folder():
        pass
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what a program saw that has handlers, forks and a Ray of its own."""
    folder = tmp_path_factory.mktemp("life")
    environment = {name: value for name, value in os.environ.items() if "RAY_" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "tests.cluster.life", folder / "found.json"],
        cwd=ROOT,
        env=environment | {"HOME": str(folder), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    return found


WORKS = [["shared", 1]]


@pytest.mark.ray
def test_a_program_keeps_its_handlers(lived: dict[str, Any]) -> None:
    """Of SIGTERM, exceptions, breakpoints and crashes: while Ray runs, and after it."""
    assert set(lived["own, meanwhile"].values()) == {True}, lived
    assert set(lived["own, after"].values()) == {True}, lived


@pytest.mark.ray
def test_the_folder_of_an_embedded_ray_is_private(lived: dict[str, Any]) -> None:
    """Nobody else can put a socket in the place of Ray's; and it is gone with Ray."""
    assert lived["mode"] == "drwx------"
    assert lived["longest socket"] <= LONGEST_SOCKET
    assert not lived["folder stays"]


@pytest.mark.ray
def test_embedded_ray_listens_to_this_machine_alone(lived: dict[str, Any]) -> None:
    """None of its ports can be reached from another machine, not even where no token is asked."""
    assert lived["hosts"] == ["127.0.0.1"]


@pytest.mark.ray
def test_embedded_ray_keeps_to_the_cores_of_its_process(lived: dict[str, Any]) -> None:
    """One that may run on one core, as under `taskset`, runs one task at a time."""
    assert lived["slots"] == 1
    assert cores_here() == len(os.sched_getaffinity(0))


@pytest.mark.ray
def test_a_second_pool_is_refused(lived: dict[str, Any]) -> None:
    """A process can be on one Ray at a time; the first pool works on."""
    (said,) = lived["a second pool"]
    assert said.startswith("another run of this process is on Ray")


@pytest.mark.ray
def test_a_fork_of_a_process_that_used_ray_is_told_so(lived: dict[str, Any]) -> None:
    """It neither hangs nor crashes: one line names the ways out."""
    status, (said,) = lived["in a fork"]
    assert status == 0
    assert "\n" not in said
    assert said.startswith("Ray was used before this process was forked off")


@pytest.mark.ray
def test_a_program_can_start_a_ray_of_its_own_afterwards(lived: dict[str, Any]) -> None:
    """Our token does not stay in Ray; beside the program's Ray a pool is refused in one line."""
    assert lived["its own Ray"] == 17
    (said,) = lived["beside its own Ray"]
    assert said.startswith("this process has started or joined a Ray itself")
    assert "\n" not in said
    assert lived["after its own Ray"] == WORKS


@pytest.mark.ray
def test_a_plain_cluster_can_be_joined_after_an_embedded_ray(lived: dict[str, Any]) -> None:
    """One that knows no tokens."""
    assert lived["on a plain cluster"] == WORKS


@pytest.mark.ray
def test_what_ctrl_c_meets_while_it_starts_ends(lived: dict[str, Any]) -> None:
    """Half a Ray leaves no process and no folder, and the next one starts."""
    assert lived["stopped, and there"] == []
    assert lived["after all"] == WORKS
