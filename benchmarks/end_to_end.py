"""The same coarse λ search from command to end: ours, Ray Tune, Optuna, scikit-learn.

    python -m benchmarks.end_to_end --data cifar10 --rounds 2 --page docs/performance.md

Each is a command of its own, timed from start to end, all in turns; the peers are in
`benchmarks.end_to_end_peers`. One that is not installed is absent, and the page says so.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shlex
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.blocks import OURS, TWIN, Contestant, Turn, in_blocks
from benchmarks.end_to_end_page import WITH, WITHOUT, draw, section
from benchmarks.performance import command, flags, positive, say
from benchmarks.processes import measured
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.settings.execution import Execution
from search.space.narrow import Factors
from search.study.run import slots_here

__all__ = ["draw", "section"]

CASES = {WITH: (OURS, TWIN, "Ray Tune", "Optuna"), WITHOUT: (OURS, "GridSearchCV")}
"""Who takes part: scikit-learn knows no batch norm."""
NEEDS = {"Ray Tune": ("torch", "tensorboardX", "pyarrow"), "Optuna": ("torch", "optuna")}
"""What must be installed for a peer beyond what the project itself needs."""
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
ENVIRONMENT = os.environ | ONE_THREAD | {"RAY_USAGE_STATS_ENABLED": "0"}


def coarse_search(*, batch_norm: bool, **settings: Any) -> LambdaSearch:
    """Return a search that is its coarse grid, and what no search of ours goes without.

    The fine grid is the coarse winner again, which is not trained twice; the final model is of
    one epoch. The report, its figures and the model's file are written as always.
    """
    return LambdaSearch(
        **settings,
        batch_norm=batch_norm,
        fine=Factors((1.0,)),
        lambda_bounds="off",
        replicate_top="off",
        fresh=0,
        final_epochs=1,
    )


def missing() -> dict[str, str]:
    """Return the peers that cannot take part, and why."""
    lacks = {
        name: [need for need in needs if not importlib.util.find_spec(need)]
        for name, needs in NEEDS.items()
    }
    return {name: f"{', '.join(each)}: not installed" for name, each in lacks.items() if each}


def run(name: str, search: LambdaSearch, data_dir: Path | None) -> tuple[Turn, dict[str, float]]:
    """Run a contestant's command; return its seconds, and the accuracy of each λ."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        found = folder / "found.json"
        if name in (OURS, TWIN):
            words = [sys.executable, *shlex.split(search.command())[1:]]
            words += ["--address", "local", "--out", place, "--name", "ours"]
            words += ["--data-dir", str(data_dir)] if data_dir else []
        else:
            asked = folder / "asked.json"
            plain = search.plain() | {"data_dir": data_dir and str(data_dir)}
            asked.write_text(json.dumps(plain), encoding="utf-8")
            module = "benchmarks.end_to_end_peers"
            words = [sys.executable, "-m", module, name, str(asked), str(found)]
        log = folder / "log"
        took = measured(words, log=log, environment=ENVIRONMENT)
        if took.code:
            said = log.read_text(encoding="utf-8", errors="replace")
            raise SystemExit(f"{said}\n{name} ended with code {took.code}: {shlex.join(words)}")
        if found.exists():
            accuracies = json.loads(found.read_text(encoding="utf-8"))
        else:
            trials = pd.read_csv(folder / "ours" / "trials.csv").query("stage == 'coarse'")
            pairs = zip(trials["params_lam"], trials["validation_accuracy"], strict=True)
            accuracies = {repr(float(lam)): float(accuracy) for lam, accuracy in pairs}
    return {"wall": took.wall, "cpu": took.cpu}, accuracies


def parser() -> argparse.ArgumentParser:
    """Return the flags."""
    found = flags(__doc__, rounds=2)
    found.add_argument("--data", default="cifar10")
    found.add_argument("--epochs", type=positive, default=5)
    found.add_argument("--coarse", help="values of λ, else those of our search")
    return found


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Run all in turns."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what runs is then ended, too
    settings: dict[str, Any] = {"data": asked.data, "epochs": asked.epochs}
    settings |= {"cycle": f"{asked.epochs}epochs"}
    settings |= {"coarse": asked.coarse} if asked.coarse else {}
    lacks, turns, accuracies, commands = missing(), list[Turn](), {}, []
    for case, names in CASES.items():
        search = coarse_search(batch_norm=case == WITH, **settings)
        commands.append(search.command())
        seen = accuracies[case] = dict[str, dict[str, float]]()

        def turn(name: str, search: LambdaSearch = search, seen: Any = seen) -> Turn:
            took, seen[name] = run(name, search, asked.data_dir)
            return took

        blocks: dict[str, Contestant] = {
            name: lambda name=name, turn=turn: turn(name)  # type: ignore[misc]
            for name in names
            if name not in lacks
        }
        turns += in_blocks(blocks, asked.rounds, case=case, say=say)
    return {
        "settings": coarse_search(batch_norm=True, **settings).plain(),
        "commands": commands,
        "cores": slots_here(Execution()),
        "missing": lacks,
        "rounds": asked.rounds,
        "turns": turns,
        "accuracies": accuracies,
    }


if __name__ == "__main__":
    command("end_to_end")
