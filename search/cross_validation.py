"""The λ search over a scikit-learn estimator: `LambdaSearchCV`.

The plan is that of `LambdaSearch`, and so are its statistics; only what answers to it is another:
cross-validation in place of a trial. A repeat of the folds takes the place of a replicate, the rows
that were held out that of the validation images. That is why it lives here and not in `kbn`, which
hands its name out (`kbn.LambdaSearchCV`) beside that of the classifier.
"""

from __future__ import annotations

import time
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state, column_or_1d, get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from kbn.errors import DivergedError, InputError
from search.evidence.outcomes import evidence
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.folds import Runs, base_of, repeats_of
from search.plan import Progress
from search.records import Outcome, Role
from search.space.rounds import Rounds
from search.space.widen import Bounds
from search.trial import Trial

SEEDS = 2**31
"""Of these a seed is drawn for the comparison, and for an estimator that has none."""


class LambdaSearchCV(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Search an estimator's λ from coarse to fine, by cross-validated accuracy.

    Every value is measured on the same folds, so values are compared row by row: the winner comes
    with those that cannot be told from it. With a `cv` that repeats its folds the intervals hold
    the noise of seeds, too.

    Parameters
    ----------
    estimator
        A classifier with a parameter for λ, or a pipeline that ends in one. Parameters called
        `random_state` that are None get one seed for all values: they are compared in pairs.
    param
        The parameter that is λ, such as `kbnclassifier__lam`; None for the one called `lam`.
    coarse, fine, rounds, lambda_bounds, select
        As in `search.LambdaSearch`: the grids, how often and how far the search goes on, and
        whether the best value is chosen or the largest within a standard error of it. A 0 in
        `coarse` is a baseline, which other values are compared with, and no grid lies around.
    cv
        As in scikit-learn's searches. Each repeat has to hold the same rows out, each once.
    n_jobs
        Fits at once, as in scikit-learn.
    refit
        Whether the estimator is trained on all rows with the chosen λ at the end.
    random_state
        The seed of the comparison's simulations, and of an estimator that has none.

    Attributes
    ----------
    best_params_, best_score_, best_index_, best_estimator_, cv_results_, n_splits_, refit_time_
        As scikit-learn's searches have them. `best_score_` is the highest of many, and so too
        high: `comparison_.optimism` says by how much.
    ties_
        The values that cannot be told from the best one, ascending.
    comparison_
        Every value against the best one, with intervals: a `search.evidence.compare.Comparison`.
    decisions_
        A sentence a stage of the search: what was tried, and why.
    """

    def __init__(
        self,
        estimator: Any,
        *,
        param: str | None = None,
        coarse: tuple[float, ...] = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1),
        fine: Any = None,
        rounds: Rounds = 1,
        lambda_bounds: Bounds = (1e-7, 1.0),
        select: str = "best",
        cv: Any = None,
        n_jobs: int | None = None,
        refit: bool = True,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.param = param
        self.coarse = coarse
        self.fine = fine
        self.rounds = rounds
        self.lambda_bounds = lambda_bounds
        self.select = select
        self.cv = cv
        self.n_jobs = n_jobs
        self.refit = refit
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, groups: Any = None) -> Self:
        """Search λ, and train the estimator with it on all rows.

        Raises
        ------
        InputError
            A ValueError: when a setting is out of bounds, the folds do not hold the same rows out
            in each repeat, or every training diverges.
        """
        if y is None:
            raise InputError("requires y to be passed, but the target y is None")
        X, y, groups = indexable(X, column_or_1d(y, warn=True), groups)
        seed = int(check_random_state(self.random_state).randint(SEEDS))
        param, estimator = self._prepared(seed)
        folds = list(check_cv(self.cv, y, classifier=is_classifier(estimator)).split(X, y, groups))
        repeats = repeats_of([test for _, test in folds])
        search = LambdaSearch(
            coarse=self.coarse,
            fine=self.fine,
            rounds=self.rounds,
            lambda_bounds=self.lambda_bounds,
            select=self.select,
            replicates=len(repeats),
            replicate_top="off",
            fresh=0,
            seed=seed,
        )
        progress = Progress(search.plan(base_of(search, rows=len(y))))
        runs = Runs(estimator, param, (X, y), folds, repeats, self.n_jobs)
        while progress.choice is None:
            stage = progress.stages[-1]
            if stage.role is Role.FINAL:  # the plan asks for no more than that it was trained
                runs.outcomes.update({trial: Outcome(trial, None) for trial in stage.trials})
            else:
                runs.add(stage)
            progress.advance(runs.outcomes.get)
        self.n_splits_ = len(folds)
        self.cv_results_ = runs.results()
        self.decisions_ = tuple(stage.reason for stage in progress.stages)
        self._choose(search, progress.choice.trial, param, runs)
        if self.refit:
            start = time.perf_counter()
            self.best_estimator_ = clone(estimator).set_params(**self.best_params_).fit(X, y)
            self.refit_time_ = time.perf_counter() - start
        return self

    def _prepared(self, seed: int) -> tuple[str, Any]:
        """Return the name of λ, and the estimator with a seed where it has none."""
        given = self.estimator.get_params(deep=True)
        named = [name for name in given if name.rpartition("__")[2] == "lam"]
        if self.param is None and len(named) != 1:
            several = (
                f"several are called lam ({', '.join(named)})" if named else "none is called lam"
            )
            raise InputError(f"param None: of the estimator's parameters {several}; name one")
        param = named[0] if self.param is None else self.param
        if param not in given:
            raise InputError(
                f"param {param!r:.80}: the estimator has no such parameter; choose one of "
                f"{', '.join(given)}"
            )
        unseeded = [
            name
            for name, value in given.items()
            if name.rpartition("__")[2] == "random_state" and value is None
        ]
        return param, clone(self.estimator).set_params(**dict.fromkeys(unseeded, seed))

    def _choose(self, search: LambdaSearch, chosen: Trial | None, param: str, runs: Runs) -> None:
        """Keep what was chosen, and how sure that is."""
        comparison = evidence([runs.outcomes[trial] for trial in runs.folds_of], search.space)
        if chosen is None or comparison is None:
            raise DivergedError("every training diverged: try a smaller learning rate")
        self.comparison_ = comparison
        self.ties_ = tuple(float(lam) for (lam,) in comparison.ties)  # type: ignore[arg-type]
        self.best_params_ = {param: chosen.lam}
        self.best_index_ = self.cv_results_["params"].index(self.best_params_)
        self.best_score_ = float(self.cv_results_["mean_test_score"][self.best_index_])

    @property
    def classes_(self) -> np.ndarray:
        """The labels, sorted."""
        return self._best().classes_  # type: ignore[no-any-return]

    @property
    def n_features_in_(self) -> int:
        """Number of columns that were trained on."""
        try:
            return int(self._best().n_features_in_)
        except InputError as error:  # as scikit-learn asks before there was a fit
            raise AttributeError(str(error)) from error

    @available_if(lambda self: hasattr(self.estimator, "predict"))  # type: ignore[untyped-decorator]
    def predict(self, X: ArrayLike) -> np.ndarray:
        """Return the best estimator's labels of some rows."""
        return self._best().predict(X)  # type: ignore[no-any-return]

    @available_if(lambda self: hasattr(self.estimator, "predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Return the best estimator's probabilities of the classes."""
        return self._best().predict_proba(X)  # type: ignore[no-any-return]

    def score(self, X: ArrayLike, y: ArrayLike) -> float:
        """Return the best estimator's accuracy on some rows."""
        return float(accuracy_score(y, self.predict(X)))

    def _best(self) -> Any:
        check_is_fitted(self, "best_params_")
        if not self.refit:
            raise InputError("refit False: no estimator was trained on all rows; set it to True")
        return self.best_estimator_

    def __sklearn_tags__(self) -> Any:
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.estimator_type, tags.classifier_tags = inner.estimator_type, inner.classifier_tags
        tags.target_tags, tags.input_tags = inner.target_tags, inner.input_tags
        return tags
