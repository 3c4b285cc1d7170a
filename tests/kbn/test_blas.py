"""How many threads the BLAS takes: one while networks are at work, then as before."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from kbn import inference as module
from kbn.blas import blas_threads
from kbn.errors import InputError
from kbn.inference import evaluate, predict, predict_proba
from kbn.initialise import he, initialise
from kbn.model import Model
from kbn.network import Network
from kbn.train import train, train_epochs
from tests.kbn.builders import Parts, easy

Work = Callable[[Network, Parts, int], object]


def numbers() -> set[int]:
    """Return the numbers of threads of all BLAS libraries."""
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def _several() -> object:
    """Have a number of threads before each test that no default gives."""
    with threadpool_limits(limits=3, user_api="blas"):
        yield
        assert numbers() == {3}


def test_blocks_within_each_other() -> None:
    """Each gives back what it found."""
    with blas_threads(1):
        with blas_threads(2):
            assert numbers() == {2}
        assert numbers() == {1}
    assert numbers() == {3}


def test_blocks_that_overlap() -> None:
    """Of trainings on two threads the first to end does not take the other's number away."""
    first, second = blas_threads(1), blas_threads(1)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert numbers() == {1}
    second.__exit__(None, None, None)
    assert numbers() == {3}


def test_a_block_that_raises() -> None:
    """The number comes back."""
    with pytest.raises(ZeroDivisionError), blas_threads(1):
        1 / 0  # noqa: B018 - any error will do
    assert numbers() == {3}


@pytest.mark.parametrize("threads", [0, -1])
def test_a_number_that_cannot_be(threads: int) -> None:
    """It is named."""
    with pytest.raises(InputError, match=f"BLAS threads {threads}: choose at least 1"):
        predict(made(easy()), easy().X_train, threads=threads)


def made(parts: Parts) -> Network:
    """Return an untrained network."""
    d = parts.X_train.shape[1]
    rng = np.random.default_rng(0)
    return initialise(inputs=d, hidden=(4,), classes=3, batch_norm=True, init=he(), rng=rng)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_training_takes_what_it_is_given(threads: int) -> None:
    """Steps run with one thread unless more are asked for; between epochs it is the caller's."""
    parts = easy(dtype=np.float32)
    seen: dict[int, set[int]] = {}

    def schedule(step: int) -> float:
        seen.setdefault(step, numbers())  # it is asked again for the record of an epoch
        return 0.01

    asked = {} if threads == 1 else {"threads": threads}
    settings = {"epochs": 2, "batch_size": 60, "lam": 0.0, "alpha": 0.9, "schedule": schedule}
    train(made(parts), parts, rng=np.random.default_rng(0), **settings, **asked)  # type: ignore[arg-type] # a dict
    assert list(seen.values()) == [{threads}] * 4
    for _ in train_epochs(made(parts), parts, rng=np.random.default_rng(0), **settings):  # type: ignore[arg-type] # as above
        assert numbers() == {3}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", ["predict", "predict_proba", "evaluate", "model"])
def test_an_answer_takes_what_it_is_given(
    monkeypatch: pytest.MonkeyPatch, name: str, threads: int
) -> None:
    """Whatever asks a network for scores takes one thread unless more are asked for."""
    seen, parts, scores = set(), easy(dtype=np.float32), module.scores

    def watched(*arguments: object) -> object:
        for each in scores(*arguments):  # type: ignore[arg-type] # as they come
            seen.update(numbers())
            yield each

    monkeypatch.setattr(module, "scores", watched)
    network, X, y = made(parts), parts.X_train, parts.y_train
    asked = {} if threads == 1 else {"threads": threads}
    match name:
        case "predict":
            predict(network, X, **asked)
        case "predict_proba":
            predict_proba(network, X, **asked)
        case "evaluate":
            evaluate(network, X, y, lam=0.0, **asked)
        case _:
            model = Model(network, np.zeros(5), np.ones(5), ("a", "b", "c"))
            model.predict(X, **asked)
            model.predict_proba(X, **asked)
    assert seen == {threads}
