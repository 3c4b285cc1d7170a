"""The plans of loss evolution and of the σ × batch norm matrix, with made-up accuracies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kbn.errors import InputError
from search.experiments.loss_evolution import NINE, LossEvolution
from search.experiments.sigma_batchnorm import Cell, SigmaBatchNorm, cell_of
from search.plan import Progress, replay
from search.records import Outcome, State
from search.settings.spec import Experiment
from search.trial import Purpose, Trial
from tests.search.builders import BASE, result


def follow(
    experiment: Experiment,
    accuracy: Callable[[Trial], float] = lambda trial: 0.5,
    state: Callable[[Trial], State] = lambda trial: State.COMPLETED,
) -> Progress:
    """Run a plan to its end on made-up endings."""
    return replay(
        experiment.plan(BASE),
        lambda trial: Outcome(trial, result(trial, accuracy(trial), state=state(trial))),
    )


@pytest.mark.parametrize(
    "experiment",
    [
        LossEvolution(replicates=2),
        LossEvolution(architectures=((9,), (8, 7))),
        SigmaBatchNorm(),
        SigmaBatchNorm(sigmas=(1.0, 2.0), replicates=3, retune=True, lambdas=(1e-3, 1e-2)),
    ],
    ids=lambda experiment: experiment.command(),
)
def test_the_outline_counts_what_will_be_trained(experiment: Experiment) -> None:
    """A dry run's numbers are those of the plan that follows, and the plan comes to its end."""
    progress = follow(experiment)
    assert progress.choice is not None
    assert progress.choice.trial is None
    for outline, stage in zip(experiment.outline(), progress.stages, strict=True):
        assert (outline.name, outline.trials) == (stage.name, len(set(stage.trials)))
        assert {trial.epochs for trial in stage.trials} == {outline.epochs}
        labels = {(stage.label(trial), trial.replicate) for trial in stage.trials}
        assert len(labels) == len(stage.trials)


def test_loss_evolution_trains_each_network_both_ways() -> None:
    """From the same weights and on the same batches, with the λ that was given."""
    (stage,) = follow(LossEvolution(lam=1e-2)).stages
    assert [(trial.hidden, trial.batch_norm) for trial in stage.trials] == [
        ((50, 50), True),
        ((50, 50), False),
        (NINE, True),
        (NINE, False),
    ]
    assert {trial.lam for trial in stage.trials} == {1e-2}
    assert not any(trial.with_test for trial in stage.trials)
    first, second = (trial.rng(Purpose.BATCHES).random() for trial in stage.trials[:2])
    assert first == second


def test_the_first_architecture_follows_hidden() -> None:
    """Without a list of architectures `--hidden` is compared with the deep network, once."""
    assert LossEvolution(hidden=(8,)).architectures == ((8,), NINE)
    assert LossEvolution(hidden=NINE).architectures == (NINE,)


def test_the_matrix_opens_the_test_set_in_every_cell() -> None:
    """Its cells differ in σ and batch norm alone."""
    (stage,) = follow(SigmaBatchNorm()).stages
    assert [cell_of(trial) for trial in stage.trials] == [
        Cell(sigma, norm) for sigma in (1e-1, 1e-3, 1e-4) for norm in (True, False)
    ]
    assert all(trial.with_test and trial.lam == 5e-3 for trial in stage.trials)


def test_retuning_chooses_by_validation_in_each_cell() -> None:
    """Each cell goes on with its own best λ, and the decision log names all of them."""
    wanted = {Cell(0.1, batch_norm=True): 1e-4, Cell(0.1, batch_norm=False): 1e-2}
    study = SigmaBatchNorm(sigmas=(0.1,), retune=True, lambdas=(1e-4, 1e-3, 1e-2))
    retune, matrix = follow(
        study, lambda trial: 0.6 if trial.lam == wanted[cell_of(trial)] else 0.5
    ).stages
    assert not any(trial.with_test for trial in retune.trials)
    assert {cell_of(trial): trial.lam for trial in matrix.trials} == wanted
    assert "σ=0.1 with batch norm: 1e-4; σ=0.1 without batch norm: 1e-2" in matrix.reason


def test_a_cell_in_which_nothing_completed_keeps_the_given_strength() -> None:
    """The matrix still has that cell, so that it can show how it ends."""
    study = SigmaBatchNorm(sigmas=(0.1,), retune=True, lambdas=(1e-3, 1e-2), lam=0.5)
    _, matrix = follow(
        study, state=lambda trial: State.COMPLETED if trial.batch_norm else State.DIVERGED
    ).stages
    assert {trial.batch_norm: trial.lam for trial in matrix.trials} == {True: 1e-2, False: 0.5}


@pytest.mark.parametrize(
    ("make", "changes", "words"),
    [
        (SigmaBatchNorm, {"sigmas": "0.1,0"}, "--sigmas 0: must be finite and above 0"),
        (SigmaBatchNorm, {"sigmas": "1,1"}, "1 is named twice"),
        (SigmaBatchNorm, {"sigmas": ""}, "--sigmas is empty"),
        (SigmaBatchNorm, {"replicates": 0}, "--replicates 0"),
        (SigmaBatchNorm, {"batch_norm": False}, "--no-batch-norm"),
        (SigmaBatchNorm, {"init": "normal:0.1"}, "--init normal:0.1"),
        (LossEvolution, {"batch_norm": False}, "--no-batch-norm"),
        (LossEvolution, {"architectures": "50,50/50,50"}, "50,50 is named twice"),
        (LossEvolution, {"architectures": "/"}, "--architectures is empty"),
        (LossEvolution, {"architectures": "5,0"}, "--architectures 0"),
    ],
    ids=str,
)
def test_bad_settings_are_named(
    make: type[LossEvolution | SigmaBatchNorm], changes: dict[str, Any], words: str
) -> None:
    """The value, the bound and the way out, in one line."""
    with pytest.raises(InputError, match=words):
        make(**changes)
