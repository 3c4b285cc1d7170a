"""The same coarse λ search from command to end: ours, Ray Tune, Optuna, scikit-learn.

    python -m benchmarks.end_to_end --data cifar10 --rounds 5 --page docs/performance.md

Each is a command of its own, timed from start to end, all in turns; the peers are in
`benchmarks.end_to_end_peers`. One that is not installed is left out, and the page says so.
"""

from __future__ import annotations

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

from benchmarks.end_to_end_page import OURS, UNPACKED, draw, missing_text, section
from benchmarks.performance import compose, keep, parser_of
from benchmarks.processes import measured
from benchmarks.timing import machine
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.settings.spec import Execution
from search.space.narrow import Factors
from search.study.run import slots_here

__all__ = ["draw", "section"]

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


def contestants(*, batch_norm: bool) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return who takes part, and what those who cannot lack."""
    names = (OURS, UNPACKED, "Ray Tune", "Optuna", *(() if batch_norm else ("GridSearchCV",)))
    lacks = {
        name: ", ".join(need for need in NEEDS.get(name, ()) if not importlib.util.find_spec(need))
        for name in names
    }
    return (
        tuple(name for name in names if not lacks[name]),
        {name: lack for name, lack in lacks.items() if lack},
    )


def run(name: str, search: LambdaSearch, data_dir: Path | None) -> dict[str, Any]:
    """Run a contestant's command; return its seconds, and the accuracy of each λ."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        found = folder / "found.json"
        if name in (OURS, UNPACKED):
            words = [sys.executable, *shlex.split(search.command())[1:]]
            words += ["--address", "local", "--out", place, "--name", "ours"]
            words += ["--pack", "auto" if name == OURS else "1"]
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
    return {"name": name, "wall": took.wall, "cpu": took.cpu, "accuracies": accuracies}


def main() -> None:
    """Run all in turns, print the page's part, and write the page if asked to."""
    parser = parser_of(__doc__)
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--coarse", help="values of λ, else those of our search")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each")
    parser.add_argument("--page", type=Path, help="keep the results, and write this page")
    flags = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what runs is then ended, too
    settings: dict[str, Any] = {"data": flags.data, "epochs": flags.epochs}
    settings |= {"cycle": f"{min(10, flags.epochs)}epochs"}
    settings |= {"coarse": flags.coarse} if flags.coarse else {}
    missing: dict[str, str] = {}
    results: dict[str, Any] = {
        "settings": coarse_search(batch_norm=True, **settings).plain(),
        "commands": [],
        "cores": slots_here(Execution()),
        "about": machine("ray", "optuna"),
        "missing": missing,
        "runs": [],
    }
    for number in range(flags.rounds):
        for batch_norm in (True, False):
            search = coarse_search(batch_norm=batch_norm, **settings)
            names, lacks = contestants(batch_norm=batch_norm)
            missing |= lacks
            if not number:
                results["commands"].append(search.command())
            for name in names:
                took = run(name, search, flags.data_dir)
                results["runs"].append({"round": number, "batch_norm": batch_norm, **took})
                best = max(took["accuracies"].values())
                print(
                    f"round {number + 1}, {'with' if batch_norm else 'without'} batch norm, "
                    f"{name}: {took['wall']:.1f} s, {took['cpu']:.1f} s of cores, best {best:.4f}",
                    flush=True,
                )
        if flags.page:
            keep("end_to_end", results)
    print(f"\n{section(results)}", missing_text(missing))
    if flags.page:
        compose(flags.page)


if __name__ == "__main__":
    main()
