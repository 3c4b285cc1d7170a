"""What to try next and what came of it: trials, plans, the runner, the store, the drivers.

From a notebook::

    from search import LambdaSearch, run

    study = run(LambdaSearch(data="digits"), serial=True)
    study.best, study.trials(), study.report()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.hashing import digest as digest
    from search.lambda_search import LambdaSearch as LambdaSearch
    from search.records import State as State
    from search.records import StudyRecord as StudyRecord
    from search.spec import Execution as Execution
    from search.study import Study as Study
    from search.study import run as run
    from search.trial import Trial as Trial

_HOME = {
    "Execution": "search.spec",
    "LambdaSearch": "search.lambda_search",
    "State": "search.records",
    "Study": "search.study",
    "StudyRecord": "search.records",
    "Trial": "search.trial",
    "digest": "search.hashing",
    "run": "search.study",
}
__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use: workers need few of them."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
