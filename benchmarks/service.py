"""The service's list of many studies, and what those who watch a study cost it.

    python -m benchmarks.service --studies 1000 --watchers 50 --rounds 2

The list is asked for over HTTP, beside the pages of Optuna's dashboard and of MLflow for as many
studies, where those are installed. Watchers are connections that read a running study's events;
training is timed with them and without them, in turns, so that what else the machine does falls on
both. Peers are optional: `pip install '.[service-peers]'`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from tabulate import tabulate

from benchmarks.blocks import OURS, TWIN, in_blocks, quartiles, ratios, values
from benchmarks.host import absent, state
from benchmarks.performance import command, flags, positive, say
from search.client import Service
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.service.requests import Request, keep
from search.study.run import run

GOAL_MS, GOAL_SHARE = 200.0, 0.02
"""Milliseconds that a list of 1,000 studies may take, and the share that watchers may slow."""
SMALL: dict[str, Any] = {"data": "digits", "cycle": "1", "epochs": 2, "final_epochs": 2}
"""A study whose folder is copied."""
TRAINED: dict[str, Any] = {
    "data": "digits",
    "hidden": (50, 50),
    "cycle": "10",
    "epochs": 40,
    "final_epochs": 40,
}
"""A study that is watched while it trains."""
WATCHED = "watched"
PATIENCE = 120.0
"""Seconds that a server is given to answer."""

TEXT = """## The service

`GET /studies` of {studies:,} studies in one folder, all rows of it in one answer, over HTTP on this
machine: the first answer after the server has started reads every study, the others what has
changed. Peers show as many studies, each with one trial or run of the same numbers, as their own
pages ask for them.

{table}

{verdict} Training of a small study with {watchers} connections that read its events, beside the
same without them, in turns: {ratio} of its time{share}. The server takes
{beside} % of a core meanwhile, and {alone} % with nobody but who measures.
{absent}
{state}
"""


@contextmanager
def started(words: list[str], ready: Callable[[str], bool]) -> Iterator[tuple[str, int]]:
    """Run a server on a free port; yield its address once it answers, and its process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(  # noqa: S603 - ours, and the peers'
        [word.format(port=port) for word in words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + PATIENCE
        while not ready(address):
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit(f"{words[2]} does not answer")
            time.sleep(0.2)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait()


def answers(address: str) -> bool:
    """Say whether a server answers at all."""
    try:
        httpx.get(address, timeout=5)
    except httpx.HTTPError:
        return False
    return True


@contextmanager
def serving(root: Path) -> Iterator[tuple[Service, int]]:
    """Run our server on a folder; yield a client, and the server's process."""
    token = root.parent / "token"
    token.write_text("0123456789abcdef", encoding="utf-8")
    words = [sys.executable, "-m", "search.serve", "--out", str(root), "--port", "{port}"]
    with started([*words, "--token-file", str(token)], answers) as (address, process):
        yield Service(address, token=token.read_text(encoding="utf-8")), process


def computed(process: int) -> float:
    """Return the seconds that a process has computed for so far."""
    text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def folder_of(place: Path, studies: int) -> Path:
    """Make a folder of so many studies that have ended, each of its own."""
    root = place / "runs"
    first = run(LambdaSearch(**SMALL), out=root, name="s0000", serial=True, quiet=True).folder
    for path in (first / "figures", first / "report.html"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for number in range(1, studies):
        folder = root / f"s{number:04}"
        shutil.copytree(first, folder)
        keep(folder, Request(who="ann", when=float(number), message=f"study {number}"))
    return root


def seconds(ask: Callable[[], object]) -> float:
    """Return the time of a question."""
    start = time.perf_counter()
    ask()
    return time.perf_counter() - start


def ours(place: Path, studies: int, rounds: int) -> list[float]:
    """Return the times of our list, the first of them cold."""
    with serving(folder_of(place, studies)) as (service, _):

        def ask() -> None:
            assert len(service.list(size=studies)) == studies

        return [seconds(ask) for _ in range(rounds + 1)]


def optuna_dashboard(place: Path, studies: int, rounds: int) -> list[float]:
    """Return the same of Optuna's dashboard, on its own SQLite store."""
    import optuna  # noqa: PLC0415 - a peer

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    url = f"sqlite:///{place / 'optuna.db'}"
    storage = optuna.storages.RDBStorage(url)
    for number in range(studies):
        study = optuna.create_study(storage=storage, study_name=f"s{number:04}")
        study.add_trial(optuna.trial.create_trial(value=0.5))
    words = [sys.executable, "-m", "optuna_dashboard._cli", url, "--port", "{port}"]
    with started(words, answers) as (address, _):
        return [
            seconds(lambda: httpx.get(f"{address}/api/studies", timeout=PATIENCE))
            for _ in range(rounds + 1)
        ]


def mlflow(place: Path, studies: int, rounds: int) -> list[float]:
    """Return the same of MLflow's page, one run a study, on its own SQLite store."""
    from mlflow.tracking import MlflowClient  # noqa: PLC0415 - a peer

    url = f"sqlite:///{place / 'mlflow.db'}"
    client = MlflowClient(url)
    experiment = client.create_experiment("studies")
    for number in range(studies):
        run_ = client.create_run(experiment, run_name=f"s{number:04}")
        client.log_metric(run_.info.run_id, "accuracy", 0.5)
    words = [sys.executable, "-m", "mlflow", "server", "--port", "{port}", "--workers", "1"]
    with started([*words, "--backend-store-uri", url], answers) as (address, _):
        asked = {"experiment_ids": [experiment], "max_results": studies}
        search = f"{address}/api/2.0/mlflow/runs/search"
        return [
            seconds(lambda: httpx.post(search, json=asked, timeout=PATIENCE))
            for _ in range(rounds + 1)
        ]


CONTESTANTS: Mapping[str, tuple[str, Callable[[Path, int, int], list[float]]]] = {
    "this service": ("fastapi", ours),
    "optuna-dashboard": ("optuna_dashboard", optuna_dashboard),
    "MLflow": ("mlflow.server", mlflow),
}


def there(module: str) -> bool:
    """Say whether a module is installed."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def watched(place: Path, watchers: int, number: int) -> dict[str, float]:
    """Return the seconds of training of a study that so many connections watch.

    With it comes the share of a core that the server takes meanwhile.
    """
    root = place / f"watched-{number}-{watchers}"
    with serving(root) as (service, process), ExitStack() as stack:
        name = service.submit(LambdaSearch(**TRAINED), serial=True)
        for _ in range(watchers):
            eye = Service(service.url, token="0123456789abcdef")  # noqa: S106 - of this benchmark
            stack.callback(eye.close)
            thread = threading.Thread(target=lambda eye=eye: list(eye.watch(name)), daemon=True)
            thread.start()
        since, before = time.perf_counter(), computed(process)
        for row in service.watch(name):
            state = row["state"]
        share = (computed(process) - before) / (time.perf_counter() - since)
        assert state == "finished", state
        trained = float(sum(trial["duration"] for trial in service.show(name)["trials"]))
        return {"seconds": trained, "share": share}


def parser() -> argparse.ArgumentParser:
    """Return the flags."""
    found = flags(__doc__, rounds=2)
    found.add_argument("--studies", type=positive, default=1_000)
    found.add_argument("--watchers", type=positive, default=50)
    return found


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the times of all lists, and of training with and without watchers."""
    lists, missing = {}, {}
    for name, (module, contestant) in CONTESTANTS.items():
        if not there(module):
            missing[name] = f"{module} is not installed"
            continue
        with tempfile.TemporaryDirectory(dir=asked.disk) as place:
            lists[name] = contestant(Path(place), asked.studies, asked.rounds)
        say(f"{name}: {json.dumps(lists[name])}")
    number = count()

    def turn(watchers: int) -> dict[str, float]:
        with tempfile.TemporaryDirectory(dir=asked.disk) as place:
            return watched(Path(place), watchers, next(number))

    blocks = {OURS: lambda: turn(0), TWIN: lambda: turn(0), WATCHED: lambda: turn(asked.watchers)}
    return {
        "studies": asked.studies,
        "watchers": asked.watchers,
        "lists": lists,
        "missing": missing,
        "turns": in_blocks(blocks, asked.rounds, say=say),
    }


def section(results: Mapping[str, Any]) -> str:
    """Return the section of the page, as Markdown."""
    turns = results["turns"]
    rows = [
        (name, f"{1e3 * times[0]:.0f}", quartiles(1e3 * np.array(times[1:])))
        for name, times in results["lists"].items()
    ]
    median = 1e3 * float(np.median(results["lists"]["this service"][1:]))
    verdict = f"The goal is {GOAL_MS:.0f} ms: it is {'met' if median <= GOAL_MS else 'missed'}."
    slower = ratios(turns, WATCHED, OURS, "seconds")
    met = float(np.median(slower)) <= 1 + GOAL_SHARE
    return TEXT.format(
        studies=results["studies"],
        watchers=results["watchers"],
        table=tabulate(rows, ("", "first answer, ms", "others, ms"), tablefmt="github"),
        verdict=verdict,
        ratio=quartiles(slower, ".3f"),
        alone=f"{100 * np.median(values(turns, OURS, 'share')):.1f}",
        beside=f"{100 * np.median(values(turns, WATCHED, 'share')):.1f}",
        share=f", and the goal of {1 + GOAL_SHARE} is {'met' if met else 'missed'}",
        absent=absent(results["missing"]),
        state=state(results["host"], turns, "seconds"),
    )


if __name__ == "__main__":
    command("service")
