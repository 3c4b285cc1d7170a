"""The service's list of many studies, and what those who watch a study cost its training.

    python -m benchmarks.service --studies 1000 --watchers 50 --rounds 4

The list is asked for over HTTP, beside the pages of Optuna's dashboard and of MLflow for as many
studies, where those are installed. Peers are optional: `pip install '.[peers]'`.

Watchers are connections that are told the page of a running study as a browser is, and load its
report anew when told to. Two studies train meanwhile, one a core, so that whatever the server
computes it takes from training; a turn is some seconds of it.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import repeat
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from tabulate import tabulate

from benchmarks.blocks import OURS, TWIN, Turn, in_blocks, quartiles, ratios, values
from benchmarks.host import absent, state
from benchmarks.performance import command, flags, positive, say
from search.client import Service
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.service.requests import Request, keep, read_driver
from search.store.folder import PROGRESS
from search.study.run import run

GOAL_MS, GOAL_SHARE = 200.0, 0.02
"""Milliseconds that a list of 1,000 studies may take, and the share that watchers may slow."""
SMALL: dict[str, Any] = {"data": "digits", "cycle": "1", "epochs": 2, "final_epochs": 2}
"""A study whose folder is copied."""
TRAINED: dict[str, Any] = {"data": "digits", "hidden": (50, 50), "cycle": "10", "epochs": 20_000}
"""A study that is watched while it trains; it would go on for hours."""
CORES = 2
"""Studies that train at once, each on a core."""
SETTLE, TURN = 2.0, 5.0
"""Seconds that watchers are given to connect, and of training that a turn measures."""
WATCHED = "watched"
FIGURES = ("epochs a second", "CPU seconds an epoch")
"""Of training, in a turn."""
TOKEN = "0123456789abcdef"  # noqa: S105 - of servers that this benchmark starts
PATIENCE = 120.0
"""Seconds that a server is given to answer."""

TEXT = """## The service

`GET /studies` of {studies:,} studies in one folder, all rows of it in one answer, over HTTP on this
machine: the first answer after the server has started reads every study, the others what has
changed. Peers show as many studies, each with one trial or run of the same numbers, as their own
pages ask for them.

{table}

{verdict}
{absent}
{watchers} connections watch two studies that train at once, a core each: they are told the studies'
pages as browsers are. Drivers neither know of those who watch nor wait for them; what the server
computes is what watching can cost. It takes {beside} % of a core while it is watched, and {alone} %
else: where all {cores} cores train, the difference is {most} % of training, and the goal of
{goal:.0f} % is {met}. Over {seconds:.0f} s of training, with watchers against without, in turns:

{costs}

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
def serving(root: Path, *flags: str) -> Iterator[tuple[Service, int]]:
    """Run our server on a folder; yield a client, and the server's process."""
    token = root.parent / "token"
    token.write_text(TOKEN, encoding="utf-8")
    words = [sys.executable, "-m", "search.serve", "--out", str(root), "--port", "{port}", *flags]
    with started([*words, "--token-file", str(token)], answers) as (address, process):
        yield Service(address, token=TOKEN), process


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
    "MLflow": ("mlflow.server.handlers", mlflow),
}


def there(module: str) -> bool:
    """Say whether a module is installed."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@dataclass(frozen=True)
class Sample:
    """How far a study is, and what was computed until then."""

    when: float
    """Seconds since 1970 at which it was written that so many epochs had ended."""
    epochs: int
    trained: float
    """Seconds that its driver has computed for."""
    served: float
    """Seconds that the server has."""


def sampled(folder: Path, driver: int, server: int) -> Sample:
    """Wait for a study to write how far it is; return that."""
    path = folder / PROGRESS
    before = path.stat().st_mtime_ns
    while path.stat().st_mtime_ns == before:
        time.sleep(0.01)
    held = json.loads(path.read_text(encoding="utf-8"))
    return Sample(held["when"], held["epochs_ended"], computed(driver), computed(server))


def watch(service: Service, name: str, over: threading.Event) -> None:
    """Watch a study's page until it is over, as a browser does: its report is loaded anew, too."""
    known = {"Authorization": f"Bearer {TOKEN}"}
    with (
        httpx.Client(base_url=service.url, headers=known, timeout=PATIENCE) as http,
        http.stream("GET", f"/view/studies/{name}/events") as told,
    ):
        for chunk in told.iter_raw():
            if over.is_set():
                return
            if b"<iframe" in chunk:  # there is a report by then
                http.get(f"/studies/{name}/report.html").raise_for_status()


@contextmanager
def watching(service: Service, names: Sequence[str], watchers: int) -> Iterator[None]:
    """Let so many connections watch studies for a block."""
    over = threading.Event()
    threads = [
        threading.Thread(target=watch, args=(service, names[k % len(names)], over), daemon=True)
        for k in range(watchers)
    ]
    for thread in threads:
        thread.start()
    time.sleep(SETTLE)
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def trained(folders: Sequence[Path], drivers: Sequence[int], server: int) -> dict[str, float]:
    """Return what studies did in a turn: epochs a second, and what was computed for them."""

    def samples() -> list[Sample]:
        with ThreadPoolExecutor() as pool:
            return list(pool.map(sampled, folders, drivers, repeat(server)))

    before = samples()
    time.sleep(TURN)
    pairs = list(zip(before, samples(), strict=True))
    epochs = sum(last.epochs - first.epochs for first, last in pairs)
    first, last = pairs[0]
    return {
        "epochs a second": sum((b.epochs - a.epochs) / (b.when - a.when) for a, b in pairs),
        "CPU seconds an epoch": sum(b.trained - a.trained for a, b in pairs) / epochs,
        "share": (last.served - first.served) / (last.when - first.when),
    }


def watched(place: Path, watchers: int, rounds: int) -> list[Turn]:
    """Return what studies that train did in turns, with and without watchers."""
    root = place / "watched"
    with serving(root, "--at-once", str(CORES)) as (service, server):
        names = [
            service.submit(LambdaSearch(**TRAINED, seed=seed), serial=True, name=f"study-{seed}")
            for seed in range(CORES)
        ]
        folders = [root / name for name in names]
        while not all((folder / PROGRESS).exists() for folder in folders):
            time.sleep(0.2)
        drivers = [found.pid for folder in folders if (found := read_driver(folder)) and found.pid]

        def turn(eyes: int) -> dict[str, float]:
            with watching(service, names, eyes):
                return trained(folders, drivers, server)

        blocks = {OURS: lambda: turn(0), TWIN: lambda: turn(0), WATCHED: lambda: turn(watchers)}
        turns = in_blocks(blocks, rounds, warm=1, say=say)
        for name in names:
            service.cancel(name)
    return turns


def parser() -> argparse.ArgumentParser:
    """Return the flags."""
    found = flags(__doc__, rounds=4)
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
    with tempfile.TemporaryDirectory(dir=asked.disk) as place:
        turns = watched(Path(place), asked.watchers, asked.rounds)
    return {
        "studies": asked.studies,
        "watchers": asked.watchers,
        "lists": lists,
        "missing": missing,
        "turns": turns,
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
    alone, beside = (float(np.median(values(turns, who, "share"))) for who in (OURS, WATCHED))
    most = (beside - alone) / CORES
    costs = [
        (figure, *(quartiles(ratios(turns, who, OURS, figure), ".3f") for who in (WATCHED, TWIN)))
        for figure in FIGURES
    ]
    heads = ("", f"{WATCHED} / {OURS}", f"{TWIN} / {OURS}")
    return TEXT.format(
        studies=results["studies"],
        watchers=results["watchers"],
        cores=CORES,
        seconds=TURN,
        table=tabulate(rows, ("", "first answer, ms", "others, ms"), tablefmt="github"),
        verdict=verdict,
        costs=tabulate(costs, heads, tablefmt="github", disable_numparse=True),
        alone=f"{100 * alone:.1f}",
        beside=f"{100 * beside:.1f}",
        most=f"{100 * most:.2f}",
        goal=100 * GOAL_SHARE,
        met="met" if most <= GOAL_SHARE else "missed",
        absent=absent(results["missing"]),
        state=state(results["host"], turns, FIGURES[0]),
    )


if __name__ == "__main__":
    command("service")
