"""Runs the studies whose reports stand here, and copies the reports: `make examples`.

CIFAR-10 has to be on this machine (`--data-dir`, `$KBN_DATA_DIR`), or is downloaded. A study that
is there already is resumed; one that is finished only writes its report again. With another
`--data` the copies go to folders of that name.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
STUDIES = {
    "lambda-coarse-fine": "search.lambda_coarse_fine",
    "lambda-replicates": "search.lambda_coarse_fine --race off --replicates 3 --rounds auto",
    "paper": "search.paper",
    "lambda-eta": "search.coarse_fine --race off --vary eta_max=0.01:1:5 --vary lam=1e-4:1e-1:4",
    "random": (
        "search.coarse_fine --race off --vary lam=random:1e-5:1e-1 --vary eta_max=random:0.01:1 "
        "--samples 20"
    ),
}
"""The study's name without its data, and its command without data and name."""
KEPT = (
    "report.md",
    "report.html",
    "report.json",
    "figures",
    "trials.csv",
    "history.csv",
    "spec.json",
)


def main() -> None:
    """Run the studies that are asked for, and replace the copies of their reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(STUDIES)}  [default: all]")
    parser.add_argument("--data", default="cifar10")
    parser.add_argument("--data-dir", default=None)
    parser.add_argument("--out", type=Path, default=HERE.parents[1] / "runs", help="of studies")
    parser.add_argument("--to", type=Path, default=HERE, help="folder of the copies")
    flags = parser.parse_args()
    for name in flags.names or STUDIES:
        if name not in STUDIES:
            parser.error(f"{name}: there are {', '.join(STUDIES)}")
        study = f"{name}-{flags.data}"
        where = ["--data", flags.data, "--name", study, "--out", str(flags.out)]
        where += ["--data-dir", flags.data_dir] if flags.data_dir else []
        command = [sys.executable, "-m", *STUDIES[name].split(), *where]
        subprocess.run(command, check=True, cwd=HERE.parents[1])  # noqa: S603 - our own command
        _copy(flags.out / study, flags.to / study)


def _copy(made: Path, kept: Path) -> None:
    """Replace the copy of a study's report."""
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for part in KEPT:
        if (made / part).is_dir():
            dark = shutil.ignore_patterns("*-dark.svg")  # the page holds them
            shutil.copytree(made / part, kept / part, ignore=dark)
        else:
            shutil.copy(made / part, kept)


if __name__ == "__main__":
    main()
