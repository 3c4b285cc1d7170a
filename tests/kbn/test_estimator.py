"""The scikit-learn classifier: its contract, its company, and that it trains what a search does."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_blobs, make_classification
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from kbn import InputError, KBNClassifier, data
from kbn.model import load, save
from search.records import Result
from search.training.trainer import Shared, train_trial
from search.trial import Trial
from tests.kbn.builders import same_bytes

ROOT = Path(__file__).resolve().parents[2]
QUICK: dict[str, Any] = {"hidden": (10,), "cycle": 2, "epochs": 4, "batch_size": 20}
X, Y = make_blobs(n_samples=120, centers=3, n_features=4, random_state=0)


def quick(**changed: Any) -> KBNClassifier:
    """Return a classifier that is trained in milliseconds."""
    return KBNClassifier(**{"random_state": 0, **QUICK, **changed})


@parametrize_with_checks([KBNClassifier(random_state=0)])  # type: ignore[untyped-decorator]
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learns_own_checks(estimator: KBNClassifier, check: Any) -> None:
    """All that scikit-learn asks of a classifier holds, with no exception asked for."""
    check(estimator)


@pytest.mark.parametrize("sigma", [None, 0.01])
def test_a_search_trains_the_same_bytes(sigma: float | None) -> None:
    """With equal settings weights and records are those of the search's trial."""
    digits = data.load("digits")
    split = data.split(digits, validation=0.1, seed=7, stratified=True)
    trial = Trial(
        data="digits",
        fingerprint=digits.fingerprint,
        train_size=len(split.y_train),
        validation_size=len(split.y_validation),
        stratified=True,
        hidden=(20, 10),
        batch_norm=True,
        alpha=0.8,
        init="he" if sigma is None else "normal",
        sigma=sigma,
        schedule="cosine",
        eta_min=1e-4,
        eta_max=0.2,
        cycle_steps=2 * (len(split.y_train) // 50),
        batch_size=50,
        epochs=4,
        lam=1e-3,
        seed=7,
        with_test=True,
    )
    *records, result = train_trial(Shared(split, classes=10), trial)
    classifier = KBNClassifier(
        hidden=(20, 10),
        alpha=0.8,
        sigma=sigma,
        schedule="cosine",
        eta_min=1e-4,
        eta_max=0.2,
        cycle=2,
        batch_size=50,
        epochs=4,
        lam=1e-3,
        validation_fraction=0.1,
        stratified=True,
        random_state=7,
    ).fit(digits.X, digits.y)
    assert isinstance(result, Result)
    assert same_bytes(
        classifier.model_.network, type(classifier.model_.network).from_arrays(result.network)
    )
    costs = [record.validation_cost for record in records]  # type: ignore[union-attr]
    assert [record.validation_cost for record in classifier.history_] == costs
    assert result.test is not None
    assert classifier.score(digits.X_test, digits.y_test) == pytest.approx(result.test.accuracy)


def test_a_seed_is_drawn_as_scikit_learn_draws() -> None:
    """A generator goes on from fit to fit; the same integer gives the same network."""
    rng = np.random.RandomState(3)
    one, other = (quick(random_state=rng).fit(X, Y).model_.network for _ in range(2))
    again = quick(random_state=np.random.RandomState(3)).fit(X, Y).model_.network
    assert not same_bytes(one, other)
    assert same_bytes(one, again)
    assert not same_bytes(*(quick(random_state=None).fit(X, Y).model_.network for _ in range(2)))


@pytest.mark.parametrize(
    "labels",
    [
        np.array([3, 7, -2]),
        np.array([True, False, True]),
        np.array([0.0, 2.0, 5.0], np.float32),
        np.array(["ant", "bee", "ä"]),
        np.array(["ant", "bee", "cow"], object),
    ],
    ids=lambda labels: labels.dtype.name,
)
def test_labels_come_back_as_they_were_given(labels: np.ndarray, tmp_path: Path) -> None:
    """Numbers, truths and texts, in their type; the saved model answers with them, too."""
    y = labels[Y]
    classifier = quick(epochs=20).fit(X, y)
    found = classifier.predict(X)
    assert found.dtype == y.dtype
    assert np.mean(found == y) == classifier.score(X, y) > 0.9
    np.testing.assert_array_equal(classifier.classes_, np.unique(labels))
    save(tmp_path / "model.npz", classifier.model_)
    np.testing.assert_array_equal(load(tmp_path / "model.npz").predict(X), found)


def test_a_data_frame_gives_its_names() -> None:
    """Columns are known by name: others, or another order, are refused; labels may be a Series."""
    frame = pd.DataFrame(X, columns=list("abcd"))
    classifier = quick().fit(frame, pd.Series(Y).map({0: "ant", 1: "bee", 2: "cow"}))
    assert classifier.feature_names_in_.tolist() == list("abcd")
    assert set(classifier.predict(frame)) <= {"ant", "bee", "cow"}
    with pytest.raises(ValueError, match="feature names should match"):
        classifier.predict(frame[list("dcba")])


def test_what_is_no_table_of_numbers_is_refused() -> None:
    """Sparse rows, texts and weights of rows are refused by name."""
    with pytest.raises(TypeError, match=r"(?i)sparse"):
        quick().fit(csr_matrix(X), Y)
    with pytest.raises(ValueError, match="could not convert string to float"):
        quick().fit(X.astype("U8").astype(object) + "x", Y)
    with pytest.raises(TypeError, match="sample_weight"):
        quick().fit(X, Y, sample_weight=np.ones(len(Y)))  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"hidden": ()}, r"hidden \(\): a width"),
        ({"hidden": (5, 0)}, r"hidden \(5, 0\): a width"),
        ({"hidden": (5.5,)}, r"hidden \(5.5,\): a width"),
        ({"lam": -1e-3}, r"lam -0.001: a number of at least 0"),
        ({"lam": np.nan}, r"lam nan: a number"),
        ({"lam": "1"}, r"lam '1': a number"),
        ({"alpha": 1.0}, r"alpha 1.0: a number from 0"),
        ({"sigma": 0.0}, r"σ = 0.0: must be above 0"),
        ({"schedule": "linear"}, r"schedule 'linear': one of triangular"),
        ({"eta_max": 1e-9}, r"η from 1e-05 to 1e-09"),
        ({"cycle": 0}, r"cycle 0: a whole number"),
        ({"epochs": 2.5}, r"epochs 2.5: a whole number"),
        ({"epochs": True}, r"epochs True: a whole number"),
        ({"batch_size": 1}, r"batch_size 1: a whole number"),
        ({"validation_fraction": -0.1}, r"validation_fraction -0.1: a share"),
        ({"validation_fraction": 0.001}, r"validation_fraction of n_samples = 120: .*whole number"),
        ({"validation_fraction": 119}, r"from 1 to 118"),
        ({"random_state": -1}, r"random_state -1: a seed is at least 0"),
        ({"threads": 0}, r"BLAS threads 0"),
        ({"eta_min": 1e20, "eta_max": 1e20}, r"diverged in epoch 1: try an eta_max below 1e\+20"),
    ],
    ids=str,
)
def test_parameters_out_of_bounds(changed: dict[str, Any], message: str) -> None:
    """Each is an error of one line that names the parameter and its value."""
    with pytest.raises(InputError, match=message):
        quick(**changed).fit(X, Y)


def test_one_class_and_values_too_large() -> None:
    """What cannot be learnt from is refused."""
    with pytest.raises(InputError, match=r"y has one class \(0\)"):
        quick().fit(X, Y * 0)
    huge = X.copy()
    huge[5, 0] = 1e200
    with pytest.raises(InputError, match="beyond 1e"):
        quick().fit(huge, Y)


def test_nothing_held_out() -> None:
    """Every row is trained on; the records have no validation figures, and all others."""
    classifier = quick(validation_fraction=0).fit(X, Y)
    steps = classifier.history_[-1].step
    assert steps == 4 * (120 // 20)
    frame = pd.DataFrame(classifier.history_)
    assert frame["validation_accuracy"].isna().all()
    assert frame["train_accuracy"].notna().all()


def test_few_rows_are_one_batch() -> None:
    """A batch is the whole training set where that is smaller than the batch asked for."""
    classifier = quick(batch_size=10_000).fit(X, Y)
    assert classifier.history_[-1].step == 4


@pytest.mark.slow
def test_in_a_grid_search_over_a_pipeline() -> None:
    """A grid over λ and widths finds the same in one process and in two."""
    grid = {"kbnclassifier__lam": [1e-4, 1e-2], "kbnclassifier__hidden": [(5,), (10, 5)]}
    network = make_pipeline(StandardScaler(), quick(epochs=20))
    one, two = (GridSearchCV(network, grid, cv=2, n_jobs=n).fit(X, Y) for n in (1, 2))
    assert one.best_score_ > 0.8
    np.testing.assert_array_equal(
        one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(one.predict(X), two.predict(X))


def test_clones_and_pickles() -> None:
    """A clone has the settings alone; a pickle answers as what was pickled."""
    classifier = quick().fit(X, Y)
    assert clone(classifier).get_params() == classifier.get_params()
    with pytest.raises(NotFittedError):
        clone(classifier).predict(X)
    again = pickle.loads(pickle.dumps(classifier))  # noqa: S301 - our own
    np.testing.assert_array_equal(again.predict_proba(X), classifier.predict_proba(X))


def test_calibrated() -> None:
    """Its probabilities can be calibrated."""
    calibrated = CalibratedClassifierCV(quick(epochs=20), cv=2).fit(X, Y)
    assert calibrated.score(X, Y) > 0.9
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1.0)


CASES: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {
    "digits": lambda: (data.load("digits").X.astype(float), data.load("digits").y),
    "shells": lambda: make_classification(
        1_200, 30, n_informative=12, n_classes=4, n_clusters_per_class=2, random_state=1
    ),
    "two classes": lambda: make_classification(
        1_500, 8, n_informative=5, class_sep=0.7, random_state=2
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_as_good_as_scikit_learns_network(case: str) -> None:
    """Held out, it labels as many rows right as MLPClassifier does, or more, within the noise.

    The difference is taken row by row: three standard errors of it are noise.
    """
    rows, labels = CASES[case]()
    ours = KBNClassifier(hidden=(50, 50), epochs=40, lam=1e-3, random_state=0)
    theirs = MLPClassifier((50, 50), max_iter=200, random_state=0, early_stopping=True)
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    right = [
        cross_val_predict(each, rows, labels, cv=folds) == labels
        for each in (ours, make_pipeline(StandardScaler(), theirs))
    ]
    difference = right[0].astype(float) - right[1]
    error = difference.std() / np.sqrt(len(labels))
    assert difference.mean() > -3 * error


def test_kbn_loads_without_scikit_learn() -> None:
    """Whoever imports `kbn`, or trains with it, loads neither scikit-learn nor a search."""
    script = (
        "import sys, kbn, kbn.train, kbn.data; "
        "assert 'sklearn' not in sys.modules and 'search' not in sys.modules; "
        "kbn.KBNClassifier; assert 'sklearn' in sys.modules and 'search' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
