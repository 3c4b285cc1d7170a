"""The λ search over scikit-learn's cross-validation: its figures, its certainty, its errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_blobs
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import (
    GridSearchCV,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from kbn import InputError, KBNClassifier, LambdaSearchCV
from kbn.errors import DivergedError

X, Y = make_blobs(n_samples=150, centers=4, n_features=5, cluster_std=3.0, random_state=0)
NETWORK = KBNClassifier(
    hidden=(8,), cycle=2, epochs=4, batch_size=20, validation_fraction=0, random_state=0
)
FOLDS = StratifiedKFold(3, shuffle=True, random_state=1)


def quick(estimator: Any = NETWORK, **changed: Any) -> LambdaSearchCV:
    """Return a search of few values on three folds."""
    settings = {"coarse": (1e-3, 1e-2), "fine": (0.5, 1.0, 2.0), "lambda_bounds": "off"}
    return LambdaSearchCV(estimator, **{**settings, "cv": FOLDS, "random_state": 0, **changed})


@pytest.mark.slow
@parametrize_with_checks([quick(clone(NETWORK).set_params(cycle=10, epochs=20), cv=2)])  # type: ignore[untyped-decorator]
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_checks(estimator: LambdaSearchCV, check: Any) -> None:
    """All that scikit-learn asks of a classifier holds, with no exception asked for."""
    check(estimator)


def test_scores_are_those_of_a_grid_search() -> None:
    """Over the values that were tried, scores, ranks and keys are GridSearchCV's."""
    search = quick().fit(X, Y)
    grid = GridSearchCV(NETWORK, {"lam": search.cv_results_["param_lam"].tolist()}, cv=FOLDS)
    expected = grid.fit(X, Y).cv_results_
    assert set(search.cv_results_) == {*expected, "stage"}
    assert search.cv_results_["params"] == expected["params"]
    for key in expected:
        if "test_score" in key:
            np.testing.assert_allclose(search.cv_results_[key], expected[key])
    assert search.best_score_ == pytest.approx(grid.best_score_)
    assert search.n_splits_ == grid.n_splits_
    assert len(pd.DataFrame(search.cv_results_)) == len(expected["params"])


def test_zero_is_a_baseline() -> None:
    """It is measured and compared like any value; the fine grid lies around another one."""
    search = quick(RidgeClassifier(), param="alpha", coarse=(0, 1.0, 100.0)).fit(X, Y)
    assert search.cv_results_["param_alpha"].tolist()[:3] == [0.0, 1.0, 100.0]
    assert 0.0 not in search.cv_results_["param_alpha"][3:]
    assert {0.0} <= {float(row.point[0]) for row in search.comparison_.rows} | {
        search.best_params_["alpha"]
    }


def test_the_plan_is_the_lambda_searchs() -> None:
    """A coarse grid, then a fine one around its best; each stage says why."""
    search = quick().fit(X, Y)
    coarse, fine, final = search.decisions_
    assert coarse == "Coarse grid 1e-3, 1e-2, as specified."
    best_coarse = max(
        search.cv_results_["param_lam"][:2],
        key=dict(
            zip(search.cv_results_["param_lam"], search.cv_results_["mean_test_score"], strict=True)
        ).__getitem__,
    )
    assert fine.startswith("Fine grid")
    assert set(search.cv_results_["param_lam"]) == {
        *(1e-3, 1e-2, 0.5 * best_coarse, 2 * best_coarse)
    }
    assert search.cv_results_["stage"].tolist() == ["coarse"] * 2 + ["fine"] * 2
    assert final.startswith("Final model")


def test_how_sure_the_winner_is() -> None:
    """Ties are those of the comparison, row by row; repeated folds show the noise of seeds."""
    once = quick().fit(X, Y)
    assert once.comparison_.winner == (once.best_params_["lam"],)
    assert once.ties_ == tuple(lam for (lam,) in once.comparison_.ties)
    assert len(once.comparison_.rows) == 3
    assert not once.comparison_.knows_seeds
    cv = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)
    twice = quick(cv=cv).fit(X, Y)
    assert twice.comparison_.knows_seeds
    assert {row.runs for row in twice.comparison_.rows} == {2}
    assert twice.n_splits_ == 6


def test_the_best_is_trained_on_all_rows() -> None:
    """It is the estimator with the chosen λ, and answers for the search."""
    search = quick().fit(pd.DataFrame(X, columns=list("abcde")), pd.Series(Y).map(str))
    again = clone(NETWORK).set_params(**search.best_params_)
    again.fit(pd.DataFrame(X, columns=list("abcde")), pd.Series(Y).map(str))
    frame = pd.DataFrame(X, columns=list("abcde"))
    np.testing.assert_array_equal(search.predict_proba(frame), again.predict_proba(frame))
    assert search.classes_.tolist() == ["0", "1", "2", "3"]
    assert search.score(frame, Y.astype(str)) == again.score(frame, Y.astype(str))
    with pytest.raises(NotFittedError):
        quick().predict(X)
    with pytest.raises(InputError, match="refit False"):
        quick(refit=False).fit(X, Y).predict(X)


def test_other_estimators_and_pipelines() -> None:
    """λ is found at the end of a pipeline, and is whatever parameter is named."""
    search = quick(make_pipeline(StandardScaler(), NETWORK)).fit(X, Y)
    assert set(search.best_params_) == {"kbnclassifier__lam"}
    theirs = RidgeClassifier()
    search = quick(theirs, param="alpha", coarse=(1.0, 10.0)).fit(X, Y)
    assert search.best_params_["alpha"] >= 0.5
    assert search.best_estimator_.random_state is not None
    assert theirs.random_state is None


def test_values_that_diverge_cannot_win() -> None:
    """They have no score, and the last rank; where all do, that is an error."""
    search = quick(coarse=(1e-3, 1e9)).fit(X, Y)
    at = search.cv_results_["param_lam"].tolist().index(1e9)
    assert np.isnan(search.cv_results_["mean_test_score"][at])
    assert search.cv_results_["rank_test_score"][at] == len(search.cv_results_["params"])
    assert search.best_params_["lam"] < 1
    with pytest.raises(DivergedError, match="every training diverged"):
        quick(coarse=(1e8, 1e9), fine=(1.0,)).fit(X, Y)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"cv": ShuffleSplit(3, random_state=0)}, "do not hold the same rows out in each repeat"),
        ({"param": "lambda"}, "param 'lambda': the estimator has no such parameter"),
        ({"coarse": (-1.0, 1.0)}, "--coarse -1: λ must be above 0"),
        ({"select": "worst"}, "--select worst: choose one of best, 1se"),
    ],
)
def test_settings_that_cannot_be(changed: dict[str, Any], message: str) -> None:
    """Each is an error of one line that names the setting."""
    with pytest.raises(InputError, match=message):
        quick(**changed).fit(X, Y)


def test_an_estimator_without_lambda() -> None:
    """Where no parameter is called lam, one has to be named."""
    with pytest.raises(InputError, match="none is called lam; name one"):
        quick(RidgeClassifier()).fit(X, Y)


@pytest.mark.slow
def test_two_processes_find_the_same() -> None:
    """The result does not depend on `n_jobs`."""
    one, two = (quick(n_jobs=n).fit(X, Y) for n in (1, 2))
    np.testing.assert_array_equal(
        one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
