"""On what specifications differ."""

from __future__ import annotations

from search.experiments.coarse_fine.search import CoarseFine
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.settings.differences import differences


def test_differences_name_old_and_new() -> None:
    """Each setting that differs is shown with both values, the others are not."""
    old, new = LambdaSearch().plain(), LambdaSearch(epochs=5, coarse=(1e-3, 1e-2)).plain()
    assert differences(old, new) == (
        "epochs 20 → 5",
        "coarse 1e-5,1e-4,1e-3,1e-2,0.1 → 1e-3,1e-2",
    )
    assert differences(old, old) == ()


def test_differences_of_axes_are_named_one_by_one() -> None:
    """An axis that is alike is left out; where the order alone differs, both orders are shown."""
    lam, eta = "lam=1e-4,1e-3", "eta_max=0.1,0.2"
    old = CoarseFine(vary=[lam, eta, "alpha=0.5,0.9"]).plain()
    new = CoarseFine(vary=[lam, "eta_max=0.1,1", "hidden=50/60"], bounds={"lam": (1e-6, 1)}).plain()
    assert [text for text in differences(old, new) if text.startswith(("vary", "bounds"))] == [
        "vary eta_max 0.1,0.2 → 0.1,1",
        "vary alpha 0.5,0.9 → unset",
        "vary hidden unset → 50/60",
        "bounds lam unset → 1e-6,1",
    ]
    turned = differences(CoarseFine(vary=[lam, eta]).plain(), CoarseFine(vary=[eta, lam]).plain())
    assert turned == (f"vary {lam},{eta} → {eta},{lam}",)
