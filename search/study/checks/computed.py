"""Checks of what was computed: the final model evaluated again, and trials trained again."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from kbn.arrays import arrays_of
from kbn.blas import blas_threads
from kbn.epoch import EpochRecord
from kbn.errors import InputError
from kbn.inference import evaluate
from kbn.model import Model, load, save
from kbn.paths import kind_of
from search.evidence.digest import trial_digest
from search.records import Figures, Result, TrialRecord
from search.study.checks.check import Check, Examined, Verdict
from search.study.final_model import MODEL, final_network, further_networks, write_model
from search.training.problem import Problem
from search.training.trainer import BLAS_THREADS, train_trial
from search.trial import NUMERICS


def model(study: Examined, into: Path) -> Iterator[Check]:
    """Hold the final model's file against the network in the store, and against the test set."""
    network, held = final_network(study.record), study.record.folder / MODEL
    if network is None:
        if kind_of(held) is not None:
            yield Check(MODEL, Verdict.DIFFERS, "the store has no final model")
        return
    try:
        there = load(held)
    except InputError as error:
        yield Check(MODEL, Verdict.DIFFERS, str(error))
        return
    made = into / MODEL
    if study.problem is not None:
        write_model(replace(study.record, folder=into), study.problem)
        said = "the store's network, and the data's mean and spread, to the byte"
    else:
        classes = study.record.data.classes
        members = further_networks(study.record)
        save(made, Model(network, there.mean, there.std, classes, there.labels, members))
        said = "the store's network, to the byte; mean and spread take the data to be checked"
    if held.read_bytes() == made.read_bytes():
        yield Check(MODEL, Verdict.SAME, said)
    else:
        yield Check(MODEL, Verdict.DIFFERS, _what_differs(held, made))
    if study.problem is not None and there.network.widths == network.widths:
        yield _evaluated(study, there, study.problem)


def _what_differs(held: Path, made: Path) -> str:
    old, new = arrays_of(held), arrays_of(made)
    names = [name for name in sorted({*old, *new}) if _bytes(old, name) != _bytes(new, name)]
    if not names:
        return "its arrays are the store's, but packed otherwise"
    return f"other {', '.join(names)} than the store's network and the data have"


def _bytes(arrays: Mapping[str, np.ndarray], name: str) -> object:
    found = arrays.get(name)
    return None if found is None else (found.dtype, found.shape, found.tobytes())


def _evaluated(study: Examined, there: Model, problem: Problem) -> Check:
    final = study.record.final
    assert final is not None
    split, kept = problem.test_part(), final.figures("test")
    with blas_threads(BLAS_THREADS):
        found = evaluate(there.network, split.X_test, split.y_test, lam=final.trial.lam)
    again = Figures(found.cost, found.loss, found.accuracy, found.n, found.loss_error)
    said = f"accuracy {again.accuracy:.4f}, loss {again.loss:.4f} on {again.n} images"
    kept_said = f"accuracy {kept.accuracy:.4f}, loss {kept.loss:.4f}" if kept else "nothing"
    return study.judged(
        "test set",
        same=again == kept,
        said=f"{said}, evaluated again",
        otherwise=f"{said}; the store has {kept_said}",
    )


def trained_again(study: Examined, problem: Problem, count: int) -> Iterator[Check]:
    """Train some trials again, drawn at random, and compare all that comes of them."""
    known = [each for each in study.record.trials if each.result]
    for each in sorted(random.sample(known, min(count, len(known))), key=lambda t: t.number):
        yield _trained(each, problem)


def _trained(kept: TrialRecord, problem: Problem) -> Check:
    what = f"trial {kept.number}, {kept.stage} {kept.label}"
    assert kept.result is not None
    if kept.trial.numerics != NUMERICS:
        said = f"trained by arithmetic {kept.trial.numerics}; this version has {NUMERICS}"
        return Check(what, Verdict.UNCHECKED, said)
    items = list(train_trial(problem.shared, kept.trial))
    result = items[-1]
    assert isinstance(result, Result)
    history = tuple(item for item in items if isinstance(item, EpochRecord))
    again = replace(kept, result=result, history=history)
    if trial_digest(kept) == trial_digest(again):
        return Check(what, Verdict.SAME, f"trained again, {_accuracy(result)}, to the byte")
    said = f"{_accuracy(kept.result)} in the store, {_accuracy(result)} trained again"
    there, here = kept.result.environment, result.environment
    if there.computes_as(here):
        return Check(what, Verdict.DIFFERS, said)
    where = f"trained on {there.cpu} with {there.blas}; this is {here.cpu} with {here.blas}"
    return Check(what, Verdict.ELSEWHERE, f"{said}; {where}")


def _accuracy(result: Result) -> str:
    if result.validation is None:
        return str(result.state)
    return f"validation accuracy {result.validation.accuracy:.4f}"
