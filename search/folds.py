"""Cross-validation in place of trials: what `LambdaSearchCV`'s plan is answered with.

A repeat of the folds takes the place of a replicate, the rows that were held out that of the
validation images.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from kbn.errors import DivergedError, InputError
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.plan import Stage
from search.records import Figures, Outcome, Result, State
from search.training.environment import environment
from search.trial import Trial


@dataclass(frozen=True)
class Fold:
    """What one fit and its held-out rows gave."""

    right: np.ndarray | None
    """Which of them were labelled right; None where the training diverged."""
    fit_seconds: float
    score_seconds: float

    @property
    def score(self) -> float:
        """Share of rows labelled right; NaN where the training diverged."""
        return math.nan if self.right is None else float(self.right.mean())


class Runs:
    """What cross-validation gave for the trials of a plan."""

    def __init__(
        self,
        estimator: Any,
        param: str,
        data: tuple[Any, Any],
        folds: Sequence[tuple[np.ndarray, np.ndarray]],
        repeats: Sequence[Sequence[int]],
        n_jobs: int | None,
    ) -> None:
        self._estimator, self._param, self._data = estimator, param, data
        self._folds, self._repeats, self._n_jobs = folds, repeats, n_jobs
        self.folds_of: dict[Trial, list[Fold]] = {}
        self.outcomes: dict[Trial, Outcome] = {}
        self._stages: dict[float, str] = {}
        """The first stage that asked for each λ, in the plan's order."""

    def add(self, stage: Stage) -> None:
        """Train and measure the trials of a stage that are not known yet."""
        new = [trial for trial in stage.trials if trial not in self.folds_of]
        jobs = [(trial, k) for trial in new for k in self._repeats[trial.replicate]]
        done = iter(
            Parallel(n_jobs=self._n_jobs)(
                delayed(_fitted)(
                    clone(self._estimator).set_params(**{self._param: trial.lam}),
                    *self._data,
                    *self._folds[k],
                )
                for trial, k in jobs
            )
        )
        for trial in new:
            repeat = self._repeats[trial.replicate]
            self.folds_of[trial] = [next(done) for _ in repeat]
            rows = np.argsort(np.concatenate([self._folds[k][1] for k in repeat]))
            self.outcomes[trial] = _outcome(trial, self.folds_of[trial], rows)
            self._stages.setdefault(trial.lam, stage.name)

    def results(self) -> dict[str, Any]:
        """Return what every value gave, under the keys of scikit-learn's searches."""
        runs = {
            lam: [
                fold for trial, each in self.folds_of.items() if trial.lam == lam for fold in each
            ]
            for lam in self._stages
        }
        scores = np.array([[fold.score for fold in folds] for folds in runs.values()])
        mean = scores.mean(axis=1)
        ranks = rankdata(-np.nan_to_num(mean, nan=-1.0), method="min")
        return {
            **_mean_and_std("fit_time", runs, "fit_seconds"),
            **_mean_and_std("score_time", runs, "score_seconds"),
            f"param_{self._param}": np.ma.MaskedArray(list(runs), mask=False, dtype=float),
            "params": [{self._param: lam} for lam in runs],
            **{f"split{k}_test_score": column for k, column in enumerate(scores.T)},
            "mean_test_score": mean,
            "std_test_score": scores.std(axis=1),
            "rank_test_score": ranks.astype(np.int32),
            "stage": np.array(list(self._stages.values())),
        }


def _mean_and_std(name: str, runs: dict[float, list[Fold]], field: str) -> dict[str, np.ndarray]:
    times = np.array([[getattr(fold, field) for fold in folds] for folds in runs.values()])
    return {f"mean_{name}": times.mean(axis=1), f"std_{name}": times.std(axis=1)}


def repeats_of(tests: Sequence[np.ndarray]) -> list[list[int]]:
    """Return which folds make each repeat: together they hold each row out once."""
    repeats: list[list[int]] = [[]]
    seen: set[int] = set()
    rows: list[set[int]] = []
    for k, test in enumerate(tests):
        if seen & set(test.tolist()):
            rows.append(seen)
            repeats.append([])
            seen = set()
        repeats[-1].append(k)
        seen |= set(test.tolist())
    rows.append(seen)
    if any(each != rows[0] for each in rows):
        raise InputError(
            "cv: its folds do not hold the same rows out in each repeat, so that values could not "
            "be compared row by row; choose StratifiedKFold, RepeatedStratifiedKFold or the like"
        )
    return repeats


def _fitted(estimator: Any, X: Any, y: Any, train: np.ndarray, test: np.ndarray) -> Fold:
    """Train on some rows, and label others."""
    start = time.perf_counter()
    try:
        estimator.fit(_rows(X, train), _rows(y, train))
    except DivergedError:
        return Fold(None, time.perf_counter() - start, 0.0)
    fitted = time.perf_counter()
    right = np.asarray(estimator.predict(_rows(X, test)) == np.asarray(_rows(y, test)))
    return Fold(right, fitted - start, time.perf_counter() - fitted)


def _rows(of: Any, rows: np.ndarray) -> Any:
    if hasattr(of, "iloc"):
        return of.iloc[rows]
    return (of if hasattr(of, "shape") else np.asarray(of))[rows]


def _outcome(trial: Trial, folds: Sequence[Fold], order: np.ndarray) -> Outcome:
    """Return a repeat's folds as what came of a trial; rows stand in the order of their numbers."""
    marks = [fold.right for fold in folds if fold.right is not None]
    diverged = len(marks) < len(folds)
    accuracy = math.fsum(fold.score for fold in folds) / len(folds)
    result = Result(
        trial_id=trial.id,
        state=State.DIVERGED if diverged else State.COMPLETED,
        epochs=trial.epochs,
        train=None,
        validation=None if diverged else Figures(math.nan, math.nan, accuracy, len(order)),
        test=None,
        seconds=math.fsum(fold.fit_seconds + fold.score_seconds for fold in folds),
        environment=environment(),
        arrays={}
        if diverged
        else {"validation_correct": np.packbits(np.concatenate(marks)[order])},
    )
    return Outcome(trial, result)


def base_of(search: LambdaSearch, *, rows: int) -> Trial:
    """Return the trial that the plan varies: no more of it is asked for than λ and replicate."""
    return Trial(
        data="cross-validation",
        fingerprint="",
        train_size=max(rows, search.batch_size),
        validation_size=rows,
        stratified=False,
        hidden=search.hidden,
        batch_norm=True,
        alpha=search.alpha,
        init=search.init.name,
        sigma=None,
        schedule=search.schedule,
        eta_min=search.eta_min,
        eta_max=search.eta_max,
        cycle_steps=search.cycle.length * search.batch_size,
        batch_size=search.batch_size,
        epochs=search.epochs,
        lam=0.0,
        seed=search.seed,
    )
