"""The reference's claims on losses, held against runs whose losses are made up image by image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float
from scipy.stats import binom

from reports.paper.discussion import Claim, Verdict, judge
from reports.paper.loss_claims import UNPAIRED, loss_claims
from search.evidence.sides import RATE
from search.experiments.loss_evolution import LossEvolution
from search.records import LOSSES, TRAIN_FALL, VALIDATION_LOSSES, StudyRecord, TrialRecord
from search.settings.values import Cycle
from search.trial import Trial
from tests.reports.records import DIVERGED, WAITING, Ending, study

DEEP = (9, 8, 7)
LOSS = LossEvolution(
    data="digits", architectures=((8,), DEEP), cycle=Cycle(2, "epochs"), epochs=6, lam=0.0
)
N = 200


def losses(
    folder: Path, factor: Callable[[Trial], float], error: float = 0.01
) -> tuple[Claim, ...]:
    """Return the claims on a loss evolution whose losses are as told; e.g. 0.5 is half as high."""
    record = study(folder, lambda t: Ending(loss=factor(t), loss_error=error), search=LOSS)
    return judge(list(loss_claims(record)))


def verdicts(claims: Sequence[Claim]) -> list[Verdict]:
    """Return what is said of each claim: falls, ends lower, twice; larger when deep."""
    return [claim.verdict for claim in claims]


def test_batch_norm_that_helps_is_said_to(tmp_path: Path) -> None:
    """It ends lower in both networks, and by more in the deep one."""
    found = losses(
        tmp_path, lambda t: 1.0 if not t.batch_norm else 0.5 if t.hidden == DEEP else 0.8
    )
    assert verdicts(found) == [Verdict.SUPPORTED] * 5
    assert all(each.these_networks for each in found)
    assert "[9, 8, 7]" in found[-1].text
    assert "0.400 ± 0.010 with, 0.500 ± 0.010 without" in found[1].figures


def test_batch_norm_that_harms_is_said_to(tmp_path: Path) -> None:
    """What ends higher contradicts; so does an effect that is smaller in the deep network."""
    found = losses(
        tmp_path, lambda t: 1.0 if not t.batch_norm else 1.1 if t.hidden == DEEP else 0.5
    )
    assert verdicts(found)[1::2] == [Verdict.SUPPORTED, Verdict.CONTRADICTED]
    assert verdicts(found)[-1] == Verdict.CONTRADICTED


def test_what_lies_within_the_errors_is_left_open(tmp_path: Path) -> None:
    """Neither ends lower, and nothing keeps falling, when the errors are larger than all of it."""
    assert set(verdicts(losses(tmp_path, lambda t: 1.0, error=9.0))) == {Verdict.OPEN}


def test_what_did_not_complete_is_not_tested(tmp_path: Path) -> None:
    """A run that diverged, or has not ended, says nothing of the loss at the end."""
    for ending in (DIVERGED, WAITING, Ending(loss_error=None)):
        record = study(tmp_path, lambda t, e=ending: e, search=LOSS)  # type: ignore[misc]
        assert {claim.otherwise for claim in loss_claims(record)} == {Verdict.UNTESTED}


def test_an_error_of_nothing_is_one(tmp_path: Path) -> None:
    """Losses that are the same on every image have an error, and it is 0."""
    assert verdicts(losses(tmp_path, lambda t: 0.5 if t.batch_norm else 1.0, error=0.0))[:2] == (
        [Verdict.SUPPORTED] * 2
    )


def test_where_cycles_end_within_an_epoch_nothing_is_compared(tmp_path: Path) -> None:
    """Two epochs' losses are compared at the same point of a cycle, or not at all."""
    search = replace(LOSS, cycle=Cycle(13, "steps"), epochs=4)
    record = study(tmp_path, lambda t: Ending(), search=search)
    assert record.trials[0].trial.before_last_cycle is None
    falls = next(loss_claims(record))
    assert falls.otherwise is Verdict.UNTESTED


# --- image by image -------------------------------------------------------------------

World = Callable[[Trial], Mapping[str, Float[np.ndarray, " n"]]]
"""A run's losses image by image: `before` and `train`, of training images, and `validation`."""


def measured(record: StudyRecord, world: World, *, kept: bool = True) -> StudyRecord:
    """Return a record whose runs have other losses, with those of single images or without."""
    return replace(
        record, trials=tuple(_measured(each, world, kept=kept) for each in record.trials)
    )


def _measured(record: TrialRecord, world: World, *, kept: bool) -> TrialRecord:
    result, losses = record.result, world(record.trial)
    assert result is not None
    assert result.train is not None
    assert result.validation is not None
    epoch = record.trial.before_last_cycle
    assert epoch is not None
    before, train, validation = (losses[name] for name in ("before", "train", "validation"))
    error = {name: float(each.std()) / np.sqrt(N) for name, each in losses.items()}
    arrays = {VALIDATION_LOSSES: validation, TRAIN_FALL: before - train}
    history = list(record.history)
    history[epoch - 1] = replace(
        history[epoch - 1], train_loss=float(before.mean()), train_loss_error=error["before"]
    )
    return replace(
        record,
        history=tuple(history),
        result=replace(
            result,
            train=replace(result.train, loss=float(train.mean()), loss_error=error["train"]),
            validation=replace(
                result.validation, loss=float(validation.mean()), loss_error=error["validation"]
            ),
            arrays={name: each.astype(np.float16) for name, each in arrays.items()} if kept else {},
        ),
    )


def world_of(
    rng: np.random.Generator, *, seeds: float, own: float = 0.3, gain: float = 0.0
) -> World:
    """Return one in which nothing falls and batch norm lowers validation loss by `gain`.

    Images differ much, and the kinds of network in what images suit them; a run has an error of
    its own on each image, and one on all of them, that of its seed.
    """
    train, validation = rng.gamma(1.5, size=(2, N))
    kinds: dict[tuple[tuple[int, ...], bool], Float[np.ndarray, "3 n"]] = {}

    def losses(trial: Trial) -> Mapping[str, Float[np.ndarray, " n"]]:
        kind = trial.hidden, trial.batch_norm
        suits = kinds.setdefault(kind, rng.normal(0, 0.2, (3, N)))
        own_error = rng.normal(0, own, (3, N)) + rng.normal(0, seeds, (3, 1))
        end = validation - gain * trial.batch_norm
        return {
            name: base + error
            for name, base, error in zip(
                ("before", "train", "validation"),
                (train, train, end),
                suits + own_error,
                strict=True,
            )
        }

    return losses


def record_of(folder: Path, replicates: int) -> StudyRecord:
    """Return a loss evolution of so many runs of each network."""
    return study(folder, lambda t: Ending(), search=replace(LOSS, replicates=replicates))


def wrong(record: StudyRecord, studies: int, *, seeds: float, kept: bool = True) -> tuple[int, int]:
    """Count the studies with any wrong verdict, and those wrong on the second claim by itself."""
    rng, found, second = np.random.default_rng(len(record.trials)), 0, 0
    for _ in range(studies):
        claims = list(loss_claims(measured(record, world_of(rng, seeds=seeds), kept=kept)))
        found += any(each.verdict is not Verdict.OPEN for each in judge(claims))
        second += judge([claims[1]])[0].verdict is not Verdict.OPEN
    return found, second


@pytest.mark.parametrize(("replicates", "seeds"), [(1, 0.0), (2, 0.1), (3, 0.1)])
def test_few_studies_hold_a_wrong_verdict(tmp_path: Path, replicates: int, seeds: float) -> None:
    """Of five claims that are all at their bounds: any in one study of 20, each in as many."""
    studies = 300
    bound = binom.isf(1e-4, studies, RATE)
    assert max(wrong(record_of(tmp_path, replicates), studies, seeds=seeds)) <= bound


@pytest.mark.slow
@pytest.mark.parametrize(
    ("replicates", "seeds"),
    [(1, 0.0), *((r, s) for r in (2, 3, 5) for s in (0.0, 0.03, 0.1, 0.5))],
)
@pytest.mark.parametrize("kept", [True, False])
def test_few_studies_hold_a_wrong_verdict_anywhere(
    tmp_path: Path, replicates: int, seeds: float, *, kept: bool
) -> None:
    """The same with more studies, of which a rate of 8 % would be caught."""
    studies = 2_000
    bound = binom.isf(1e-4, studies, RATE)
    assert binom.cdf(bound, studies, 0.08) < 0.05
    record = record_of(tmp_path, replicates)
    assert max(wrong(record, studies, seeds=seeds, kept=kept)) <= bound


def test_pairing_sees_what_unpaired_errors_hide(tmp_path: Path) -> None:
    """A gain of a third of an unpaired error is seen image by image; without them it is said."""
    record, rng = record_of(tmp_path, 1), np.random.default_rng(3)
    world = world_of(rng, seeds=0.0, own=0.05, gain=0.08)
    whole = measured(record, world)
    bare = replace(
        whole,
        trials=tuple(
            replace(each, result=each.result and replace(each.result, arrays={}))
            for each in whole.trials
        ),
    )
    paired, unpaired = (judge(list(loss_claims(each)))[1] for each in (whole, bare))
    assert (paired.verdict, unpaired.verdict) == (Verdict.SUPPORTED, Verdict.OPEN)
    assert UNPAIRED not in paired.figures
    assert UNPAIRED in unpaired.figures


def test_losses_of_some_runs_alone_do_not_pair(tmp_path: Path) -> None:
    """A study that a newer version went on with has them of its later runs: none is paired."""
    record = measured(record_of(tmp_path, 2), world_of(np.random.default_rng(4), seeds=0.0))
    first, *others = record.trials
    assert first.result is not None
    bare = replace(first, result=replace(first.result, arrays={}))
    found = judge(list(loss_claims(replace(record, trials=(bare, *others)))))
    assert [UNPAIRED in each.figures for each in found] == [True, True, False, False, True]
    assert set(LOSSES) == set(others[0].result.arrays if others[0].result else ())
