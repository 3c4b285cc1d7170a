"""The command `python -m search.verify`: whether a report is what its study's store gives."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click

from kbn.errors import InputError, visible
from kbn.paths import Kind, kind_of, read_text, user_path
from search.records import StudyRecord
from search.settings.spec import StudySpec
from search.settings.values import file_name, text
from search.store.folder import SPEC, STORE
from search.study.archive import unpacked
from search.study.checks import computed, written
from search.study.checks.check import Check, Examined, Verdict
from search.study.command import run_command
from search.study.kept import check_is_study, kept, specification
from search.study.reporting import check_reports
from search.training.problem import Problem, prepare

SOUND, DIFFERENT = 0, 1


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit: 0 nothing differs, 1 something does, 2 bad input."""
    run_command(command, arguments, name="python -m search.verify")


@click.command(
    help="Hold a study's report against its store: FOLDER is the study's, or a zip archive of it. "
    "Every file is made again from the store and compared to the byte; the final model is "
    "evaluated again, where the data are at hand. One line each; exit code 1 where one differs.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.argument("folder")
@click.option(
    "--retrain",
    default=0,
    metavar="N",
    type=click.IntRange(0),
    help="Train N trials again, drawn at random, and compare their results to the byte.",
)
@click.option(
    "--data", metavar="NAME", help="The data set, where it lies elsewhere now: npz:FILE, say."
)
@click.option("--data-dir", metavar="DIR", help="Folder of the data set's files.")
def command(folder: str, retrain: int, data: str | None, data_dir: str | None) -> int:
    """Print a line a check; return the exit code."""
    check_reports()
    path = user_path("FOLDER", folder)
    place = None if data_dir is None else user_path("--data-dir", data_dir)
    named = None if data is None else text("--data", data)
    counts: Counter[Verdict] = Counter()
    with ExitStack() as stack:
        if kind_of(path) is Kind.FILE:
            path = stack.enter_context(unpacked(path))
        for check in checks(path, retrain=retrain, data=named, data_dir=place):
            counts[check.verdict] += 1
            click.echo(visible(str(check)))
    click.echo(_conclusion(counts))
    return DIFFERENT if counts[Verdict.DIFFERS] else SOUND


def _conclusion(counts: Counter[Verdict]) -> str:
    words = {
        Verdict.DIFFERS: "differ",
        Verdict.ELSEWHERE: "differ as another CPU or BLAS lets them",
        Verdict.UNCHECKED: "could not be made here",
    }
    rest = [f"{counts[verdict]} {said}" for verdict, said in words.items() if counts[verdict]]
    agree = f"{counts[Verdict.SAME]} of {counts.total()} checks agree"
    return "; ".join([agree, *rest])


def checks(
    folder: Path, *, retrain: int = 0, data: str | None = None, data_dir: Path | None = None
) -> Iterator[Check]:
    """Yield the checks of a study's folder, which stays as it is.

    Raises `InputError` for what is no study's folder.
    """
    check_is_study(folder)
    try:
        spec, _ = specification(folder)
    except InputError as error:
        yield Check(SPEC, Verdict.DIFFERS, str(error))
        return
    try:
        record = kept(folder, name=_name(folder))
    except InputError as error:
        yield Check(STORE, Verdict.DIFFERS, str(error))
        return
    try:
        problem = _problem(spec if data is None else replace(spec, data=data), data_dir, record)
        about = written.data(record, problem)
    except InputError as error:
        problem = None
        about = Check("data", Verdict.UNCHECKED, f"{error}; --data and --data-dir name them")
    study = Examined(record, problem)
    yield written.store(study)
    yield about
    with tempfile.TemporaryDirectory() as temporary:
        yield from written.report(study, Path(temporary))
        yield from computed.model(study, Path(temporary))
    if problem is not None:
        yield from computed.trained_again(study, problem, retrain)
    elif retrain:
        yield Check("trials", Verdict.UNCHECKED, "none can be trained again without the data")


def _problem(spec: StudySpec, data_dir: Path | None, record: StudyRecord) -> Problem:
    """Return a study's data, ready; raise `InputError` where they are not there."""
    problem = prepare(spec, data_dir=data_dir, say=lambda _: None)
    if problem.record.fingerprint != record.data.fingerprint:
        raise InputError(f"{problem.record.name} holds other data than the study's")
    _ = problem.shared
    return problem


def _name(folder: Path) -> str:
    """Return the name under which a report was written: a folder may have been renamed since."""
    try:
        said = json.loads(read_text(folder / "report.json"))["name"]
        return file_name("the name in report.json", said)
    except (InputError, ValueError, KeyError, TypeError):
        return folder.absolute().name
