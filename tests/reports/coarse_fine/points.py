"""Made-up studies of several axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import log10
from pathlib import Path
from typing import Any

from search.evidence.finalists import Top
from search.experiments.coarse_fine.search import CoarseFine
from search.records import StudyRecord
from search.settings.values import Cycle
from search.space.vary import vary
from search.trial import Trial
from tests.reports.records import DIGITS, DIVERGED, Ending, Endings, study

BASE: Mapping[str, Any] = {
    "data": "digits",
    "cycle": Cycle(3, "epochs"),
    "epochs": 3,
    "final_epochs": 6,
    "replicate_top": "off",
    "fresh": 0,
}
TWO = CoarseFine(
    **BASE,
    hidden=(8,),
    vary=vary("vary", {"eta_max": (0.01, 0.1, 1.0), "lam": (1e-3, 1e-2, 1e-1)}),
)
"""A grid of nine points, and a fine one around the best."""
SAMPLE = CoarseFine(
    **BASE,
    hidden=(8,),
    samples=12,
    vary=vary("vary", ("eta_max=random:0.01:1", "lam=random:1e-5:1e-1", "alpha=random:0.1:0.99")),
)
UNORDERED = CoarseFine(
    **{**BASE, "replicate_top": Top(2, 2), "fresh": 1},
    vary=vary(
        "vary",
        {
            "hidden": ((8,), (16, 8)),
            "batch_norm": (True, False),
            "schedule": ("cosine", "constant"),
        },
    ),
)
WIDTHS = CoarseFine(**BASE, vary=vary("vary", {"hidden": ((8,), (16, 8), (32,))}))
BATCHES = CoarseFine(**BASE, hidden=(8,), vary=vary("vary", {"batch_size": (10, 30, 90)}))
ALPHAS = CoarseFine(**BASE, hidden=(8,), vary=vary("vary", {"alpha": (0.1, 0.5, 0.9)}))
SEARCHES = {
    "two axes": TWO,
    "a sample of three": SAMPLE,
    "unordered axes": UNORDERED,
    "widths": WIDTHS,
    "batch sizes": BATCHES,
    "a linear axis": ALPHAS,
}
"""One of each kind."""
MANY = replace(DIGITS, validation_size=1_000)
"""Enough images that the made-up differences are certain."""


def good(trial: Trial) -> Ending:
    """End well, best at η_max = 0.1 and λ = 1e-2, without batch norm a little worse."""
    away = 2.0 * abs(log10(trial.eta_max / 0.1)) + 0.2 * abs(log10(trial.lam / 1e-2))
    away += 0.5 * (not trial.batch_norm) + 0.1 * abs(trial.batch_size - 30) / 30
    return Ending(round(0.9 - 0.1 * away - 0.01 * len(trial.hidden), 3))


def fast_diverges(trial: Trial) -> Ending:
    """End as `good` does, but diverge at the highest learning rate."""
    return DIVERGED if trial.eta_max >= 1.0 else good(trial)


def searched(folder: Path, search: CoarseFine, endings: Endings = good) -> StudyRecord:
    """Return a study of several axes."""
    return study(folder, endings, search=search, data=MANY)
