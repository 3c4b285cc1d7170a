"""What to try next and what came of it.

From a notebook::

    from search import CoarseFine, LambdaSearch, log, run

    study = run(LambdaSearch(data="digits"), serial=True)
    study.best, study.trials(), study.report()

    run(CoarseFine(data="digits", vary={"eta_max": log(0.01, 1, 5), "hidden": [(50,), (50, 50)]}))

Its rooms, each of which knows only those below it; the modules beside them are the commands:

- `service`: studies over HTTP and from a shell: listed, submitted, watched, compared, fetched.
- `study`: where all packages meet: a study is run or resumed, recorded and reported.
- `running`: a study under way: runner, workers, and what a user sees meanwhile.
- `experiments`: the settings, the plan and the sentences of each experiment.
- `store`: a study's folder and its SQLite file: written, read, checked, salvaged.
- `training`: a trial becomes records: its data, its task, packs, checkpoints, memory.
- `evidence`: what outcomes say: pure statistics, from scores to comparisons.
- `space`: what is varied and where to look next: axes, points, grids, samples.
- `settings`: readers of single settings, and specifications made of them.
- `trial`, `records`, `plan`: the vocabulary: values, and the shape of a plan.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.cross_validation import LambdaSearchCV as LambdaSearchCV
    from search.evidence.digest import digest as digest
    from search.experiments.coarse_fine.search import CoarseFine as CoarseFine
    from search.experiments.lambda_coarse_fine import LambdaSearch as LambdaSearch
    from search.experiments.loss_evolution import LossEvolution as LossEvolution
    from search.experiments.paper import Paper as Paper
    from search.experiments.range_test import RangeTest as RangeTest
    from search.experiments.sigma_batchnorm import SigmaBatchNorm as SigmaBatchNorm
    from search.records import State as State
    from search.records import StudyRecord as StudyRecord
    from search.settings.execution import Execution as Execution
    from search.space.vary import linear as linear
    from search.space.vary import log as log
    from search.space.vary import random as random
    from search.study.run import run as run
    from search.study.study import Study as Study
    from search.trial import Trial as Trial

_HOME = {
    "CoarseFine": "search.experiments.coarse_fine.search",
    "Execution": "search.settings.execution",
    "LambdaSearchCV": "search.cross_validation",
    "LambdaSearch": "search.experiments.lambda_coarse_fine",
    "LossEvolution": "search.experiments.loss_evolution",
    "Paper": "search.experiments.paper",
    "RangeTest": "search.experiments.range_test",
    "SigmaBatchNorm": "search.experiments.sigma_batchnorm",
    "State": "search.records",
    "Study": "search.study.study",
    "StudyRecord": "search.records",
    "Trial": "search.trial",
    "digest": "search.evidence.digest",
    "linear": "search.space.vary",
    "log": "search.space.vary",
    "random": "search.space.vary",
    "run": "search.study.run",
}
__all__ = list(_HOME)


def _refuse_others() -> None:
    """Raise `ImportError` where a file of the user's is found in place of a package of ours."""
    home = Path(__file__).resolve().parent.parent
    for name in ("kbn", "cluster", "reports"):
        if not (home / name).is_dir():  # on a cluster's workers each package lies on its own
            continue
        spec = None if name in sys.modules else find_spec(name)
        file = spec.origin if spec else getattr(sys.modules.get(name), "__file__", None)
        if file is None or Path(file).resolve().parent == home / name:
            continue
        message = (
            f"{file} is found in place of this project's `{name}`: rename it, or use the command "
            "kbn-search, which does not look for modules in the current folder"
        )
        if sys.argv[:1] == ["-m"]:  # Python is still looking for the command to run
            sys.stderr.write(f"error: {message}\n")
            sys.exit(2)
        raise ImportError(message)


_refuse_others()


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use: workers need few of them."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
