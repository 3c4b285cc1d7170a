"""Checks of what is written: the store's own sums, and the report made from it once more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

import reports
from kbn.paths import Kind, kind_of
from search.evidence.digest import digest
from search.records import Result, StudyRecord
from search.store.folder import FIGURES, GENERATED, SPEC, STORE, TRACEBACK
from search.study.checks.check import Check, Examined, Verdict
from search.study.checks.differences import difference, only_rounded
from search.study.final_model import MODEL, with_mistakes
from search.training.problem import Problem

MISTAKES = "mistakes*"
"""The files of the figure that is made of the images themselves."""
NAMED = 3
"""Things that a line names, at most."""


def store(study: Examined) -> Check:
    """Hold each result's accuracies against the images that it marks as labelled right."""
    record = study.record
    found = [each for each in record.trials if each.result]
    wrong = [each.label for each in found if each.result and not _adds_up(each.result)]
    if wrong:
        some = ", ".join(wrong[:NAMED])
        said = f"{len(wrong)} accuracies are not those of the images marked right: {some}"
        return Check(STORE, Verdict.DIFFERS, said)
    rest = "" if record.finished else "; the study is not finished"
    count = f"{len(found)} of {len(record.trials)} trials have a result"
    return Check(STORE, Verdict.SAME, f"sound; {count}; results' hash {digest(record)}{rest}")


def _adds_up(result: Result) -> bool:
    """Say whether a result's accuracies are those of its own arrays."""
    marks, counts = result.arrays.get("validation_correct"), result.arrays.get("confusion")
    if marks is not None and result.validation is not None:
        n = result.validation.n
        if int(np.unpackbits(marks, count=n).sum()) / n != result.validation.accuracy:
            return False
    if counts is not None and result.test is not None:
        return bool(np.trace(counts) / counts.sum() == result.test.accuracy)
    return True


def data(record: StudyRecord, problem: Problem) -> Check:
    """Hold what the specification says of the data against the data."""
    said, found = (replace(each, name="", notes=()) for each in (record.data, problem.record))
    if said != found:
        names = [name for name, value in vars(said).items() if value != getattr(found, name)]
        return Check(SPEC, Verdict.DIFFERS, f"the data have another {', '.join(names)}")
    sizes = f"{found.train_size} training, {found.validation_size} validation"
    text = f"{sizes} and {found.test_size} test images are what it says"
    return Check(SPEC, Verdict.SAME, text)


def report(study: Examined, into: Path) -> Iterator[Check]:
    """Write the report again into an empty folder, and compare each file with the one there."""
    record = study.record
    if not record.finished and kind_of(record.folder / "report.md") is None:
        yield Check("report.md", Verdict.UNCHECKED, "not written yet; the study is not finished")
        return
    made = replace(record, folder=into)
    if study.problem is None:
        _copy_mistakes(record.folder, into)
    else:
        made = with_mistakes(made, study.problem)
    reports.write(made)
    for name in GENERATED:
        if name not in (FIGURES, MODEL, TRACEBACK):
            yield _compared(study, into, name)
    yield _figures(study, into)


def _copy_mistakes(held: Path, into: Path) -> None:
    (into / FIGURES).mkdir()
    for path in (held / FIGURES).glob(MISTAKES):
        if kind_of(path) is Kind.FILE:
            shutil.copyfile(path, into / FIGURES / path.name)


def _compared(study: Examined, into: Path, name: str) -> Check:
    held, made = study.record.folder / name, into / name
    if kind_of(made) is not Kind.FILE:
        return Check(name, Verdict.DIFFERS, "is none of this report's")
    if kind_of(held) is not Kind.FILE:
        return Check(name, Verdict.DIFFERS, "is not there")
    where = difference(held, made)
    if where and held.suffix in (".md", ".json", ".csv") and not only_rounded(held, made):
        return Check(name, Verdict.DIFFERS, where)
    said = "as made from the store"
    return study.judged(name, same=not where, said=said, otherwise=where)


def _figures(study: Examined, into: Path) -> Check:
    """Compare all figures; on another machine a curve may be drawn a hair's breadth aside."""
    folders = (study.record.folder, into)
    names = {path.name for folder in folders for path in (folder / FIGURES).glob("*")}
    found = [_compared(study, into, f"{FIGURES}/{name}") for name in sorted(names)]
    other = [each for each in found if each.verdict is not Verdict.SAME]
    if other:
        worst = min(other, key=lambda each: each.verdict is not Verdict.DIFFERS)
        said = f"{len(other)} of {len(names)} files differ; {worst.what}: {worst.said}"
        return Check(FIGURES, worst.verdict, said)
    aside = "" if study.problem else ", but for that of mistakes, which shows images"
    return Check(FIGURES, Verdict.SAME, f"{len(names)} files, as drawn from the store{aside}")
