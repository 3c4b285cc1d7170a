from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster import ClusterError, RayPool, check_address
from cluster.process import environment
from cluster.survey import CONNECT_SECONDS
from tests.cluster.collect import runs, until
from tests.cluster.conftest import ray_settings
from tests.cluster.embedded import holding
from tests.cluster.tasks import work

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def closed() -> Iterator[int]:
    """Yield a port at which nobody listens: it is bound, so that nobody else takes it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def silent() -> Iterator[int]:
    """Yield a port that answers nothing, as behind a firewall: its queue of callers is full."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            with suppress(BlockingIOError):
                caller.connect(server.getsockname())
        yield server.getsockname()[1]


def refusal(address: str) -> str:
    """Return the one line with which an address is refused."""
    with pytest.raises(ClusterError) as caught:
        check_address(address)
    message = str(caught.value)
    assert message.startswith(f"--address {address}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "address",
    [
        "",
        ":",
        "head",
        "head:",
        ":6379",
        "6379",
        "head:0",
        "head:65536",
        "head:-1",
        "head:+1",
        "head: 1",
        "head:6379x",
        "head:6.5",
        "head:0x10",
        "http://head:6379",
        "ray://head:10001",
        "AUTO",
        "local",
        "auto:",
    ],
)
def test_a_malformed_address_is_refused(address: str) -> None:
    """Whoever gives something else than host:port is told what to give."""
    assert "give host:port, as in 10.0.0.1:6379, or auto" in refusal(address)


@given(st.text(alphabet=st.characters(exclude_characters="\r\n")))
def test_whatever_has_no_port_is_refused(text: str) -> None:
    """No text without a port makes Ray, or the network, start."""
    address = re.sub(r":\d+$", ":", text)
    if address != "auto":
        with pytest.raises(ClusterError, match="give host:port"):
            check_address(address)


@pytest.mark.parametrize("host", ["two..dots", "x" * 64, ".", "*", "no such host"])
def test_a_name_that_is_no_host_is_refused(host: str) -> None:
    """A name that cannot even be looked up is an address where nothing answers."""
    refusal(f"{host}:6379")


@pytest.mark.timeout(10)
def test_a_port_without_a_listener_is_refused(closed: int) -> None:
    """The refusal comes at once, with the address, the system's reason and the way out."""
    message = refusal(f"127.0.0.1:{closed}")
    assert "nothing answers there (Connection refused)" in message
    assert f"`ray start --head --port={closed}`" in message


@pytest.mark.timeout(10)
def test_a_silent_host_is_refused(silent: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where packets vanish we wait for some seconds, not for the system's minutes."""
    assert CONNECT_SECONDS < 10
    monkeypatch.setattr("cluster.survey.CONNECT_SECONDS", 0.5)
    assert "nothing answers there (timed out)" in refusal(f"127.0.0.1:{silent}")


@pytest.mark.timeout(10)
def test_a_pool_checks_its_address(closed: int) -> None:
    """A pool refuses a dead address as `check_address` does; Ray would wait for minutes."""
    with pytest.raises(ClusterError, match="nothing answers there"):
        RayPool(work, None, address=f"127.0.0.1:{closed}")


@pytest.mark.parametrize(
    ("family", "host", "written"),
    [
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET, "127.0.0.1", "localhost"),
        (socket.AF_INET6, "::1", "[::1]"),
    ],
    ids=["number", "name", "IPv6"],
)
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "an http://… address is for `python -m cluster.submit`"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "no head of a Ray cluster"),
        (b"", "no head of a Ray cluster"),
        (None, "nothing answers there (timed out)"),
    ],
    ids=["web", "ssh", "hang up", "silence"],
)
@pytest.mark.timeout(20)
def test_a_listener_that_is_no_head_is_refused(
    family: socket.AddressFamily,
    host: str,
    written: str,
    answer: bytes | None,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ray would wait for 40 s and longer; the message says what listens there, where it shows."""
    monkeypatch.setattr("cluster.survey.CONNECT_SECONDS", 0.5)
    with socket.socket(family) as server, ThreadPoolExecutor(1) as pool:
        try:
            server.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        server.listen()
        pool.submit(_answer_once, server, answer)
        assert said in refusal(f"{written}:{server.getsockname()[1]}")


def _answer_once(server: socket.socket, answer: bytes | None) -> None:
    caller, _ = server.accept()
    with caller:
        caller.recv(64)
        if answer is None:
            caller.recv(64)  # until the caller gives up
        else:
            caller.sendall(answer)


@pytest.fixture
def settings() -> Iterator[None]:
    """Keep a test that looks for clusters, and imports Ray, from harming those behind it."""
    with ray_settings():
        yield


def alone(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Hide the clusters of the environment and of Ray's folder; skip where a Ray runs."""
    if holding("ray/raylet/raylet"):
        pytest.skip("another Ray runs on this machine, and `auto` would find it")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(folder))


@pytest.mark.ray
@pytest.mark.usefixtures("settings")
def test_auto_without_a_cluster_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no Ray runs, `auto` says so and names the other ways."""
    alone(monkeypatch, tmp_path)
    message = refusal("auto")
    assert "no Ray runs on this machine" in message
    assert "leave --address out" in message


@pytest.mark.ray
@pytest.mark.usefixtures("settings")
def test_auto_checks_a_cluster_that_is_remembered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, closed: int
) -> None:
    """Ray notes its last cluster in a file, which outlives a cluster that was killed."""
    alone(monkeypatch, tmp_path)
    note = tmp_path / "ray" / "ray_current_cluster"
    note.parent.mkdir()
    note.write_text(f"127.0.0.1:{closed}", encoding="utf-8")
    refusal("auto")


@pytest.mark.ray
@pytest.mark.usefixtures("settings")
def test_auto_checks_the_address_of_theenvironment(
    monkeypatch: pytest.MonkeyPatch, closed: int
) -> None:
    """A `RAY_ADDRESS` at which nothing listens is refused; Ray would wait for minutes."""
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{closed}")
    refusal("auto")


@pytest.mark.ray
@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize("given", ["nonsense", "host:port:more", "ray://127.0.0.1:10001"])
def test_auto_refuses_what_the_environment_says_wrongly(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """A malformed `RAY_ADDRESS` is the user's mistake and gets one line."""
    monkeypatch.setenv("RAY_ADDRESS", given)
    refusal("auto")


def test_settings_last_for_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """What we set is gone after it, also after an error; what the user chose stays throughout."""
    monkeypatch.setenv("KBN_CHOSEN", "by the user")
    monkeypatch.delenv("KBN_OPEN", raising=False)
    settings = {"KBN_CHOSEN": "by us", "KBN_OPEN": "by us"}
    with suppress(RuntimeError), environment(settings):
        inside = os.environ["KBN_CHOSEN"], os.environ["KBN_OPEN"]
        raise RuntimeError
    assert inside == ("by the user", "by us")
    assert os.environ["KBN_CHOSEN"] == "by the user"
    assert "KBN_OPEN" not in os.environ


class Run:
    """The script beside this file, run by a user with an empty home and no Ray settings."""

    def __init__(self, folder: Path, *how: str) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.report = folder / "report.json"
        self.output = self.errors = ""
        self.before = {*Path.home().glob(".ray*")}
        environment = {name: value for name, value in os.environ.items() if "RAY_" not in name}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.cluster.embedded", self.report, *how],
            cwd=ROOT,
            env=environment | {"HOME": str(self.home), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def found(self) -> dict[str, Any]:
        """Return what the script wrote."""
        found: dict[str, Any] = json.loads(self.report.read_text(encoding="utf-8"))
        return found


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a script that ran to its end, with its output."""
    run = Run(tmp_path_factory.mktemp("embedded"), "close")
    run.output, run.errors = run.process.communicate(timeout=60)
    return run


@pytest.mark.ray
def test_the_script_ran(ran: Run) -> None:
    """The tests below look at a Ray that did its work and lost a worker on the way."""
    assert ran.process.returncode == 0, ran.errors
    found = ran.found()
    assert found["items"] == [["shared", 1]]
    assert found["lost"] == ["WorkerCrashedError"]


@pytest.mark.ray
def test_embedded_ray_prints_nothing(ran: Run) -> None:
    """Standard output belongs to the command, even when Ray reports a dead worker."""
    assert ran.output == ""


@pytest.mark.ray
def test_embedded_ray_leaves_no_file_at_home(ran: Run) -> None:
    """No token, no configuration: the home folder stays as it was."""
    assert list(ran.home.iterdir()) == []
    assert {*Path.home().glob(".ray*")} <= ran.before


@pytest.mark.ray
def test_embedded_ray_opens_no_door(ran: Run) -> None:
    """Whoever lacks the token is turned away at every port, by each service that Ray has there.

    And nobody comes from elsewhere: they are ports of the loopback address.
    """
    doors = ran.found()["doors"]
    assert len(doors) >= 5
    assert {door.rpartition(":")[0] for door in doors} == {"127.0.0.1"}
    harmless = {"UNIMPLEMENTED", "UNAVAILABLE", "404"}
    refused = {"UNAUTHENTICATED", "401", *harmless}
    assert all({*answers} <= refused for answers in doors.values()), doors
    shut = [door for door, answers in doors.items() if {*answers} & {"UNAUTHENTICATED", "401"}]
    assert len(shut) >= 5, doors


@pytest.mark.ray
def test_embedded_ray_talks_to_no_other_machine(ran: Run) -> None:
    """None of its processes, nor the driver, was ever seen connected to another host."""
    assert ran.found()["strangers"] == []


@pytest.mark.ray
def test_embedded_ray_leaves_no_process(ran: Run) -> None:
    """All that belonged to it has ended when the pool is closed; the script waited for it."""
    found = ran.found()
    names = " ".join(found["commands"])
    assert "gcs_server" in names
    assert "raylet" in names
    assert "new in the environment" in found, "the script did not see the end of them"
    assert holding(found["session"]) == []


@pytest.mark.ray
def test_embedded_ray_leaves_no_setting(ran: Run) -> None:
    """The environment is as it was, so that what the script starts next is not influenced."""
    assert ran.found()["new in the environment"] == []


LOADS = """
import os, sys, cluster
before, hook = set(os.environ) | {"RAY_CLIENT_MODE"}, sys.excepthook  # whoever imports Ray has it
assert cluster.load() is cluster.load()
cluster.load().join()
assert "ray" in sys.modules
assert set(os.environ) <= before and sys.excepthook is hook
"""


def test_ray_is_imported_beside_others() -> None:
    """Once, in a thread; the process stays as it was."""
    subprocess.run([sys.executable, "-c", LOADS], check=True, cwd=ROOT)


@pytest.mark.ray
def test_ray_may_be_imported_before(tmp_path: Path) -> None:
    """An embedded Ray starts in a program that knows Ray, or that asked for `auto` in vain."""
    run = Run(tmp_path, "close", "imported")
    _, errors = run.process.communicate(timeout=60)
    assert run.process.returncode == 0, errors
    assert list(run.home.iterdir()) == []


@pytest.mark.ray
def test_no_worker_outlives_a_killed_driver(tmp_path: Path) -> None:
    """When the driver is killed by SIGKILL, its Ray ends without it, all of its processes."""
    run = Run(tmp_path, "wait")
    try:
        until(
            lambda: run.report.with_suffix(".ready").exists() or run.process.poll() is not None,
            what="the script's pool",
        )
    finally:
        run.process.send_signal(signal.SIGKILL)
        _, errors = run.process.communicate(timeout=60)
    assert run.report.exists(), errors
    found = run.found()
    until(lambda: not any(map(runs, found["pids"])), what="the end of Ray's processes")


@pytest.mark.ray
def test_embedded_ray_starts_no_agents(ran: Run) -> None:
    """Nothing serves dashboards or makes environments, and the raylet has waited for neither."""
    started = ran.found()["commands"]
    assert sum(command.startswith("cat") for command in started) == 2
    assert not [command for command in started if "Agent" in command or "agent.py" in command]
