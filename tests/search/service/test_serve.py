"""The command `python -m search.serve`, in processes of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from search.client import Service, ServiceError
from search.service.folders import Folders
from search.service.requests import Request, keep
from search.service.server import main
from tests.search.drivers import ROOT, started
from tests.search.service.conftest import DONE
from tests.search.studies import SMALL

SERVE = ("-m", "search.serve")


@contextmanager
def serving(root: Path, *flags: str) -> Iterator[tuple[Service, subprocess.Popen[str]]]:
    """Run a server on a folder; yield a client of it, and its process."""
    words = ("--out", str(root), "--port", "0", *flags)
    with started(*words, program=SERVE, PYTHONUNBUFFERED="1") as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), process.communicate()
        service = Service(address)
        try:
            yield service, process
        finally:
            service.close()
            process.send_signal(signal.SIGINT)
            process.wait(60)


def refused(capsys: pytest.CaptureFixture[str], *flags: str) -> str:
    """Return the line with which a server refuses to start."""
    with pytest.raises(SystemExit) as exit_:
        main(flags)
    said = capsys.readouterr()
    assert (exit_.value.code, said.out) == (2, "")
    (line,) = said.err.splitlines()
    return str(line)


def test_without_its_extra_it_says_how_to_install_it(tmp_path: Path) -> None:
    """In one line, with exit code 2; and `search` itself is imported without it."""
    block = "import sys\nfor name in ('fastapi', 'httpx', 'uvicorn'): sys.modules[name] = None\n"
    (tmp_path / "sitecustomize.py").write_text(block, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    ran = subprocess.run(
        [sys.executable, "-c", "import search, search.client, search.service.shell"],
        env=environment,
        check=False,
    )
    assert ran.returncode == 0
    hidden = (
        "import importlib.util as u\nfound = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'uvicorn' else found(name, *a)\n"
    )
    (tmp_path / "sitecustomize.py").write_text(hidden, encoding="utf-8")
    served = subprocess.run(
        [sys.executable, *SERVE], env=environment, capture_output=True, text=True, check=False
    )
    assert served.returncode == 2
    assert served.stderr == (
        "error: the service needs uvicorn; install it with `pip install 'kbn-search[service]'`\n"
    )


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--token-file", "absent"), "absent cannot be read"),
        (("--token-file", os.devnull), "at least 16 ASCII characters"),
        (("--host", "256.0.0.1"), "cannot listen there"),
        (("--on-end", "nonsense"), "an address is needed"),
        (("--out", os.devnull), "not a folder"),
        (("--address", "127.0.0.1:9"), "127.0.0.1:9"),
    ],
)
def test_what_cannot_be_served_is_one_line(
    flags: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And exit code 2."""
    assert said in refused(capsys, *flags)


def test_a_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "choose another, or --port 0" in refused(
            capsys, "--port", str(taken.getsockname()[1])
        )


def test_it_shows_a_folder_and_leaves_at_ctrl_c(folders: Folders) -> None:
    """The address that it prints has the token; one that is given is not printed."""
    token = folders.root.parent / "token"
    token.write_text("0123456789abcdef\n", encoding="utf-8")
    with serving(folders.root) as (service, process):
        assert [row["name"] for row in service.list()] == [DONE]
    assert process.returncode == 130
    words = ("--out", folders.root, "--port", "0", "--token-file", token, "--read-only")
    with started(*words, program=SERVE, PYTHONUNBUFFERED="1") as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert "token" not in address
        headers = {"Authorization": "Bearer 0123456789abcdef"}
        assert httpx.get(f"{address}health", headers=headers).json()["well"] is True
        assert httpx.post(f"{address}studies", headers=headers).status_code == 403


def test_those_who_watch_are_let_go_when_it_ends(folders: Folders) -> None:
    """They are told that the study may go on; the server complains of nothing."""
    (folders.root / DONE / "report.json").unlink()
    keep(folders.root / DONE, Request(who="ann", when=1.0, wanted=True))
    with serving(folders.root, "--read-only") as (service, process):
        rows = service.watch(DONE)
        assert next(rows)["state"] == "queued"
        process.send_signal(signal.SIGINT)
        with pytest.raises(ServiceError, match=f"it has ended, and {DONE} may go on"):
            next(rows)
        assert process.wait(60) == 130
        assert process.stderr is not None
        _, end = filter(None, process.stderr.read().splitlines())
        assert end == "the server has ended; studies that run go on"


@pytest.mark.slow
def test_a_study_goes_through_a_server(tmp_path: Path) -> None:
    """Forecast, submitted, watched, fetched: as a notebook does it."""
    with serving(tmp_path / "runs") as (service, _):
        assert service.forecast(SMALL, serial=True)["trials"] == 4
        assert service.list() == []
        name = service.submit(SMALL, serial=True, message="a look")
        rows = list(service.watch(name))
        assert rows[-1]["state"] == "finished"
        assert rows[-1]["test"]
        page = service.fetch(name, "report.html", tmp_path / "report.html")
        assert page.stat().st_size > 10_000
