"""Runs the studies whose reports stand here, and copies the reports: `make examples`.

CIFAR-10 has to be on this machine (`$KBN_DATA_DIR`), or is downloaded. A study that is there
already is resumed; one that is finished only writes its report again.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
STUDIES = {
    "lambda-coarse-fine-cifar10": "search.lambda_coarse_fine",
    "lambda-replicates-cifar10": "search.lambda_coarse_fine --replicates 3 --rounds auto",
    "paper-cifar10": "search.paper",
    "lambda-eta-cifar10": "search.coarse_fine --vary eta_max=0.01:1:5 --vary lam=1e-4:1e-1:4",
    "random-cifar10": (
        "search.coarse_fine --vary lam=random:1e-5:1e-1 --vary eta_max=random:0.01:1 --samples 20"
    ),
}
"""The study's name, and its command without data and name."""
KEPT = ("report.md", "report.html", "figures", "trials.csv", "history.csv", "spec.json")


def main() -> None:
    """Run every study into `runs/`, then replace the copies of its report here."""
    for name, words in STUDIES.items():
        command = [sys.executable, "-m", *words.split(), "--data", "cifar10", "--name", name]
        subprocess.run(command, check=True, cwd=HERE.parents[1])  # noqa: S603 - our own command
        made, kept = HERE.parents[1] / "runs" / name, HERE / name
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        for part in KEPT:
            if (made / part).is_dir():
                dark = shutil.ignore_patterns("*-dark.svg")  # the page holds them
                shutil.copytree(made / part, kept / part, ignore=dark)
            else:
                shutil.copy(made / part, kept)


if __name__ == "__main__":
    main()
