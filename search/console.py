"""The command `kbn-search`: `kbn-search NAME …` is `python -m MODULE …`, wherever it is called.

`python -m` looks for modules in the current folder first, and finds there what a user may have
called `search.py` or `reports.py`; an installed command does not look there.
"""

from __future__ import annotations

import runpy
import sys
from importlib import import_module

import click

MODULES = {
    "lambda-coarse-fine": "search.lambda_coarse_fine",
    "coarse-fine": "search.coarse_fine",
    "range-test": "search.range_test",
    "loss-evolution": "search.loss_evolution",
    "sigma-batchnorm": "search.sigma_batchnorm",
    "paper": "search.paper",
    "store": "search.store",
    "study": "search.study",
    "serve": "search.serve",
    "studies": "search.studies",
    "verify": "search.verify",
    "gradcheck": "kbn.gradcheck",
    "submit": "cluster.submit",
    "status": "cluster.status",
}
BAD_INPUT = 2


def main() -> None:
    """Run the module that the first word names; the beginning of a name will do."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        click.echo(f"usage: kbn-search NAME …, where NAME is one of {', '.join(MODULES)}")
        sys.exit(0)
    if name == "--version":
        versions = import_module("search.training.versions")  # it loads SciPy
        click.echo(f"kbn-search {versions.project_version()}")
        sys.exit(0)
    fitting = [module for known, module in MODULES.items() if known.startswith(name)]
    if len(fitting) != 1:
        why = "begins several" if fitting else "is none"
        click.echo(f"error: {name!r} {why} of {', '.join(MODULES)}", err=True)
        sys.exit(BAD_INPUT)
    sys.argv[1:] = rest
    runpy.run_module(fitting[0], run_name="__main__", alter_sys=True)
