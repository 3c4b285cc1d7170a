"""The coarse λ search with what users would pick instead, each in a process of its own.

    python -m benchmarks.end_to_end_peers NAME ASKED.json FOUND.json

is what `benchmarks.end_to_end` starts. ASKED holds the settings of our own search and the folder
of the data; FOUND gets the validation accuracy of each λ after its last epoch.

All read and split the images as our search does. The PyTorch trials start from our trials' weights
and see their batches, so that they do the same; they are given what makes them quickest: gathering
by index in place of a data loader, no loss fetched from a step, images shared by all processes.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.neural_network import MLPClassifier

from benchmarks.peers import TorchTraining
from benchmarks.whole_ray import whole_ray
from kbn.schedule import SCHEDULES
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.settings.execution import Execution
from search.study.run import slots_here
from search.training.problem import Problem, prepare
from search.training.trainer import Shared, initial_network
from search.trial import Purpose, Trial

Accuracies = dict[float, float]
"""λ → validation accuracy."""
CORES = slots_here(Execution())


def torch_trial(shared: Shared, trial: Trial) -> Iterator[float]:
    """Train a trial in PyTorch; yield each epoch's validation accuracy."""
    split, classes = shared.split, shared.classes
    network = initial_network(trial, inputs=split.X_train.shape[1], classes=classes)
    training = TorchTraining(network, split.X_train, split.y_train, lam=trial.lam)
    eta = SCHEDULES[trial.schedule](trial.eta_min, trial.eta_max, trial.cycle_steps)
    rng, step = trial.rng(Purpose.BATCHES), count()
    n, batch = len(split.y_train), trial.batch_size
    for _ in range(trial.epochs):
        for rows in rng.permutation(n)[: n - n % batch].reshape(-1, batch):
            training.step(rows, eta(next(step)))
        yield training.accuracy(split.X_validation, split.y_validation)


def ray_tune(problem: Problem, grid: tuple[float, ...], folder: Path) -> Accuracies:
    """Search with Ray Tune, on an embedded Ray; actors are used again."""
    images = problem.shared.split
    size = sum(array.nbytes for array in vars(images).values() if isinstance(array, np.ndarray))
    with whole_ray(2 * size):
        tune: Any = importlib.import_module("ray.tune")

        def trainable(config: dict[str, float], shared: Shared, base: Trial) -> None:
            for accuracy in torch_trial(shared, replace(base, lam=config["lam"])):
                tune.report({"accuracy": accuracy})

        bound = tune.with_parameters(trainable, shared=problem.shared, base=problem.base)
        tuner = tune.Tuner(
            tune.with_resources(bound, {"cpu": 1}),
            param_space={"lam": tune.grid_search(list(grid))},
            tune_config=tune.TuneConfig(
                metric="accuracy", mode="max", reuse_actors=True, max_concurrent_trials=CORES
            ),
            run_config=tune.RunConfig(storage_path=str(folder), verbose=0),
        )
        results = tuner.fit()
        if results.errors:
            raise results.errors[0]
        return {each.config["lam"]: each.metrics["accuracy"] for each in results}


def grid_sampler(problem: Problem, grid: tuple[float, ...], folder: Path) -> Accuracies:
    """Search with Optuna's grid sampler, in processes that share a study in a journal file."""
    optuna: Any = importlib.import_module("optuna")

    def study() -> Any:
        backend = optuna.storages.journal.JournalFileBackend(str(folder / "journal.log"))
        return optuna.create_study(
            study_name="coarse",
            storage=optuna.storages.JournalStorage(backend),
            sampler=optuna.samplers.GridSampler({"lam": grid}, seed=0),
            direction="maximize",
            load_if_exists=True,
        )

    def objective(trial: Any) -> float:
        lam = trial.suggest_float("lam", min(grid), max(grid))
        accuracy = 0.0
        for epoch, accuracy in enumerate(
            torch_trial(problem.shared, replace(problem.base, lam=lam)), start=1
        ):
            trial.report(accuracy, epoch)
        return accuracy

    fork = multiprocessing.get_context("fork")
    left = fork.Value("i", len(grid))

    def work() -> None:
        mine = study()
        while _take(left):
            mine.optimize(objective, n_trials=1)

    study()
    workers = [fork.Process(target=work) for _ in range(min(CORES, len(grid)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return {trial.params["lam"]: trial.value for trial in study().trials}


def _take(left: Any) -> bool:
    """Tell whether there is a trial left, and take it: the study's own count would come late."""
    with left.get_lock():
        if not left.value:
            return False
        left.value -= 1
        return True


def grid_search(problem: Problem, grid: tuple[float, ...], folder: Path) -> Accuracies:  # noqa: ARG001 - it keeps nothing
    """Search with scikit-learn's nearest: α = 2λ · batch, at a cycle's mean rate throughout."""
    split, base = problem.shared.split, problem.base
    X = np.concatenate((split.X_train, split.X_validation))
    y = np.concatenate((split.y_train, split.y_validation))
    fold = np.repeat((-1, 0), (len(split.y_train), len(split.y_validation)))
    model = MLPClassifier(
        hidden_layer_sizes=base.hidden,
        solver="sgd",
        batch_size=base.batch_size,
        learning_rate_init=(base.eta_min + base.eta_max) / 2,
        momentum=0.0,
        max_iter=base.epochs,
        tol=0.0,
        n_iter_no_change=base.epochs + 1,
        random_state=base.seed,
    )
    search = GridSearchCV(
        model,
        {"alpha": [2 * lam * base.batch_size for lam in grid]},
        cv=PredefinedSplit(fold),
        n_jobs=CORES,
        refit=False,
        error_score="raise",
    )
    warnings.simplefilter("ignore", ConvergenceWarning)
    search.fit(X, y)
    return dict(zip(grid, map(float, search.cv_results_["mean_test_score"]), strict=True))


PEERS: dict[str, Callable[[Problem, tuple[float, ...], Path], Accuracies]] = {
    "Ray Tune": ray_tune,
    "Optuna": grid_sampler,
    "GridSearchCV": grid_search,
}


def main(name: str, asked: Path, found: Path) -> None:
    """Search with one peer and write what was found."""
    settings = json.loads(asked.read_text(encoding="utf-8"))
    data_dir = settings.pop("data_dir")
    search = LambdaSearch(**settings)
    problem = prepare(search, data_dir=data_dir and Path(data_dir), say=print)
    problem.measuring.result()  # by a thread, which processes forked before its end would wait for
    with tempfile.TemporaryDirectory() as folder:
        accuracies = PEERS[name](problem, search.coarse, Path(folder))
    plain = {repr(lam): accuracies[lam] for lam in search.coarse}
    found.write_text(json.dumps(plain), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
