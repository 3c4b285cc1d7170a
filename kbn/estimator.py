"""The networks as a scikit-learn classifier: `kbn.KBNClassifier`.

It trains what the search trains: with equal settings, and `random_state` as the search's seed, the
weights are the same, byte for byte.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Self

import numpy as np
from jaxtyping import Float, Int, Shaped
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from kbn.data import Dataset, Partition, Split, partition, standardised
from kbn.data.own import rows_of
from kbn.epoch import EpochRecord
from kbn.errors import DivergedError, InputError
from kbn.initialise import he, initialise, normal
from kbn.model import Model
from kbn.network import Network
from kbn.parameters import check_parameters
from kbn.schedule import SCHEDULES
from kbn.streams import BATCHES, WEIGHTS, stream
from kbn.train import train
from kbn.training import Status

SEEDS = 2**31
"""Of these a seed is drawn where `random_state` is none itself."""
MEASURED = 1_000
"""Rows that an epoch's training figures are of where none are held out, at most."""


class KBNClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A k-layer network with batch normalisation and a cyclical learning rate.

    Features are standardised by the training rows' mean and standard deviation, so that a scaler
    before it changes nothing. There is no `partial_fit`: those moments, the cycles of the learning
    rate and the order of batches belong to a whole training set. Rows cannot be weighted.

    Parameters
    ----------
    hidden
        Widths of the hidden layers; a number means one layer.
    lam
        L2 strength λ: the cost is the mean cross-entropy + λ·Σ‖W‖².
    batch_norm
        Whether each hidden layer's batches are normalised.
    alpha
        Share of the old value in batch normalisation's moving averages.
    sigma
        Standard deviation of the initial weights; None for √(2/inputs), after K. He et al. (2015).
    schedule
        Learning-rate schedule by its name in `kbn.schedule.ORDINARY`.
    eta_min, eta_max
        The rates that it cycles between.
    cycle
        Length of a cycle, in epochs.
    epochs
        Passes over the training rows.
    batch_size
        Rows in a batch; where there are fewer training rows, all of them.
    validation_fraction
        Share of the rows (below 1) or their number that is held out, only to be measured after
        each epoch; 0 to train on all of them.
    stratified
        Whether every class keeps its share of the rows that are held out.
    random_state
        The seed of held-out rows, initial weights and batches: an integer, which is the search's
        `--seed`, or what scikit-learn takes besides.
    threads
        BLAS threads of training and predicting. One is fastest for networks of this size, and
        gives the same bytes on every machine (see `kbn.blas`).

    Attributes
    ----------
    classes_
        The labels, sorted.
    history_
        A record an epoch (`kbn.epoch.EpochRecord`); `pandas.DataFrame(history_)` makes a table of
        them. The validation figures are NaN where no rows were held out.
    model_
        The network with what it takes to feed it raw rows, a `kbn.model.Model`, which
        `kbn.model.save` writes.
    n_features_in_, feature_names_in_
        As every estimator of scikit-learn has them.
    """

    def __init__(
        self,
        *,
        hidden: int | tuple[int, ...] = (50, 50),
        lam: float = 5e-3,
        batch_norm: bool = True,
        alpha: float = 0.9,
        sigma: float | None = None,
        schedule: str = "triangular",
        eta_min: float = 1e-5,
        eta_max: float = 0.1,
        cycle: int = 10,
        epochs: int = 20,
        batch_size: int = 100,
        validation_fraction: float = 0.1,
        stratified: bool = False,
        random_state: int | np.random.RandomState | None = None,
        threads: int = 1,
    ) -> None:
        self.hidden = hidden
        self.lam = lam
        self.batch_norm = batch_norm
        self.alpha = alpha
        self.sigma = sigma
        self.schedule = schedule
        self.eta_min = eta_min
        self.eta_max = eta_max
        self.cycle = cycle
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.stratified = stratified
        self.random_state = random_state
        self.threads = threads

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train a new network on rows of numbers and their labels.

        Raises
        ------
        InputError
            A ValueError: when a parameter is out of bounds, there are too few rows or classes, or
            (as `DivergedError`) the training diverges.
        """
        rows, labels = validate_data(self, X, y, ensure_min_samples=2)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(column_or_1d(labels, warn=True), return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(f"y has one class ({self.classes_[0]!s:.40}): at least 2 are needed")
        check_parameters(self)
        seed = self._seed()
        dataset = _dataset(rows_of(rows, "X", "fit"), codes.astype(np.int64), len(self.classes_))
        held_out = bool(self.validation_fraction)
        parts = self._parts(dataset.y, seed)
        split = standardised(dataset, parts)
        network, self.history_ = self._train(split, seed)
        if not held_out:
            self.history_ = tuple(replace(each, **_NOTHING) for each in self.history_)
        self.model_ = Model(
            network,
            split.mean,
            split.std,
            classes=tuple(str(label) for label in self.classes_),
            labels=_plain(self.classes_),
        )
        return self

    def predict(self, X: ArrayLike) -> Shaped[np.ndarray, " n"]:
        """Return each row's most likely label.

        Raises
        ------
        InputError
            A ValueError: when a row lies too far from those trained on.
        """
        X = self._checked(X)
        labels = self.model_.predict(X, threads=self.threads)
        return labels.astype(self.classes_.dtype, copy=False)

    def predict_proba(self, X: ArrayLike) -> Float[np.ndarray, "n k"]:
        """Return each row's probabilities of the classes, in the order of `classes_`.

        Raises
        ------
        InputError
            As `predict` does.
        """
        X = self._checked(X)
        return self.model_.predict_proba(X, threads=self.threads)

    def _checked(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self)
        rows: np.ndarray = validate_data(self, X, reset=False)
        return rows

    def _seed(self) -> int:
        if not isinstance(self.random_state, int | np.integer):
            return int(check_random_state(self.random_state).randint(SEEDS))
        if self.random_state < 0:
            raise InputError(f"random_state {self.random_state}: a seed is at least 0")
        return int(self.random_state)

    def _parts(self, y: Int[np.ndarray, " n"], seed: int) -> Partition:
        """Return which rows train, and which are measured after each epoch."""
        if not self.validation_fraction:
            rows = np.arange(len(y))
            some = np.linspace(0, len(y) - 1, min(len(y), MEASURED), dtype=np.intp)
            return Partition(rows, some)
        try:
            return partition(
                y, validation=self.validation_fraction, seed=seed, stratified=self.stratified
            )
        except InputError as error:
            raise InputError(f"validation_fraction of n_samples = {len(y)}: {error}") from error

    def _train(self, split: Split, seed: int) -> tuple[Network, tuple[EpochRecord, ...]]:
        batch_size = min(self.batch_size, len(split.y_train))
        training = train(
            initialise(
                inputs=split.X_train.shape[1],
                hidden=_widths(self.hidden),
                classes=len(self.classes_),
                batch_norm=self.batch_norm,
                init=he() if self.sigma is None else normal(self.sigma),
                rng=stream(seed, 0, WEIGHTS),
            ),
            split,
            epochs=self.epochs,
            batch_size=batch_size,
            lam=self.lam,
            alpha=self.alpha,
            schedule=SCHEDULES[self.schedule](
                self.eta_min, self.eta_max, self.cycle * (len(split.y_train) // batch_size)
            ),
            rng=stream(seed, 0, BATCHES),
            threads=self.threads,
        )
        if training.status is Status.DIVERGED:
            raise DivergedError(
                f"training diverged in epoch {len(training.records) + 1}: try an eta_max below "
                f"{self.eta_max:g}"
            )
        return training.network, training.records


_NOTHING: dict[str, Any] = {
    "validation_cost": math.nan,
    "validation_loss": math.nan,
    "validation_accuracy": math.nan,
    "validation_loss_error": None,
}
"""What a record says of validation where there is none."""


def _dataset(X: np.ndarray, y: Int[np.ndarray, " n"], classes: int) -> Dataset:
    return Dataset(
        name="fit",
        title="fit",
        source="fit",
        X=X,
        y=y,
        X_test=X[:0],
        y_test=y[:0],
        classes=tuple(map(str, range(classes))),
        image_shape=None,
    )


def _widths(hidden: Any) -> tuple[int, ...]:
    return tuple(int(width) for width in np.atleast_1d(hidden))


def _plain(labels: np.ndarray) -> np.ndarray:
    """Return labels as a file can hold them: texts that NumPy has as objects as texts."""
    return labels.astype(str) if labels.dtype.kind == "O" else labels
