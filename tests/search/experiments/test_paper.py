"""All experiments of the reference report in one study."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kbn.errors import InputError
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.experiments.loss_evolution import NINE, LossEvolution
from search.experiments.paper import Paper
from search.experiments.sigma_batchnorm import SigmaBatchNorm
from search.running.runner import run_plans
from search.settings.values import Cycle
from search.store.store import IN_MEMORY, Store
from tests.search.builders import BASE, FakePool, fake_training


def test_the_experiments_are_the_reference_s() -> None:
    """In its order and with its settings, as its report gives them."""
    loss, search, matrix = Paper().experiments()
    assert isinstance(loss, LossEvolution)
    assert isinstance(search, LambdaSearch)
    assert isinstance(matrix, SigmaBatchNorm)
    assert (loss.architectures, loss.epochs, loss.lam) == (((50, 50), NINE), 40, 5e-3)
    assert (search.epochs, search.final_lengths(), search.final_alpha) == (20, (32, 30), 0.7)
    assert search.coarse == (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    assert (matrix.sigmas, matrix.epochs, matrix.lam) == ((1e-1, 1e-3, 1e-4), 20, 5e-3)


def test_what_is_common_is_given_to_all() -> None:
    """Network, seed and replicates reach every experiment; so does the scale, once."""
    paper = Paper(hidden=(8,), seed=3, replicates=2, cycle=Cycle(2, "epochs"), epochs=4, scale=0.25)
    for part in paper.experiments():
        assert (part.hidden, part.seed, part.replicates) == ((8,), 3, 2)
        assert part.cycle == Cycle(1, "epochs")
    assert [part.epochs for part in paper.experiments()] == [20, 2, 2]


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"batch_norm": False}, "--no-batch-norm"),
        ({"init": "normal:0.1"}, "--init"),
        ({"coarse": "1e-3", "fine": "zoom:3"}, "--coarse"),
        ({"sigmas": "0"}, "--sigmas"),
    ],
    ids=str,
)
def test_a_contradiction_is_found_at_once(changes: dict[str, Any], flag: str) -> None:
    """Each experiment's own checks are made when the study is specified."""
    with pytest.raises(InputError, match=flag):
        Paper(**changes)


def test_all_plans_share_one_pool() -> None:
    """Every experiment runs to its end, and a trial that two of them ask for is trained once."""
    paper = Paper(architectures=((5,),), sigmas=(0.1,), epochs=4, loss_epochs=4, lam=1e-2)
    plans = {part.kind: part.plan(BASE) for part in paper.experiments()}
    pool = FakePool(fake_training(lambda lam: 0.5 - lam), rng=np.random.default_rng(0))
    with Store(IN_MEMORY) as store:
        progress = run_plans(plans, pool=lambda: pool, store=store)
    assert {name: each.choice is not None for name, each in progress.items()} == {
        "loss_evolution": True,
        "lambda_coarse_fine": True,
        "sigma_batchnorm": True,
    }
    asked = [
        trial.id for each in progress.values() for stage in each.stages for trial in stage.trials
    ]
    assert len(pool.submitted) == len(set(asked)) < len(asked)
