"""The command `python -m search.study report`: a report again, from a study's folder alone."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

import click

from kbn.errors import InputError
from kbn.output import checked_output
from kbn.paths import Kind, kind_of, user_path
from search.experiments.coarse_fine.search import CoarseFine
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.experiments.loss_evolution import LossEvolution
from search.experiments.paper import Paper
from search.experiments.range_test import RangeTest
from search.experiments.sigma_batchnorm import SigmaBatchNorm
from search.records import DataRecord
from search.settings.spec import StudySpec
from search.store.decode import FOREIGN, read_record
from search.store.folder import DATA_SET, SPEC, STORE, check_files, locked, read_specification
from search.study.command import conclude, exit_code
from search.study.recording import kept_record
from search.study.run import Stopped, Study, check_reports

SPECIFICATIONS: dict[object, type[StudySpec]] = {
    each.kind: each
    for each in (CoarseFine, LambdaSearch, LossEvolution, Paper, RangeTest, SigmaBatchNorm)
}


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit, with the codes of the command that ran the study."""
    with checked_output():
        code = exit_code(
            partial(
                _commands().main,
                args=None if arguments is None else list(arguments),
                prog_name="python -m search.study",
                standalone_mode=False,
            )
        )
    sys.exit(code)


def _commands() -> click.Group:
    @click.group(help="Look after a study that was run.")
    def group() -> None:
        pass

    @group.command(
        help="Write the report of the study in FOLDER again, its figures and tables too: from what "
        "is kept there, without its data set and without Ray. Nothing is trained; the model and "
        "the picture of its worst mistakes, which take the images themselves, stay as they are."
    )
    @click.argument("folder")
    def report(folder: str) -> int:
        return _report(user_path("FOLDER", folder))

    return group


def _report(folder: Path) -> int:
    check_reports()
    _check(folder)
    try:
        with locked(folder):
            study = kept_study(folder)
            study.report()
    except KeyboardInterrupt:
        raise Stopped("stopped: the same command writes the rest of the report") from None
    return conclude(study)


def kept_study(folder: Path) -> Study:
    """Return a study as its folder holds it, whether it is finished or not; change nothing.

    Raises
    ------
    InputError
        When there is no study, or one that is damaged or was run by another version.
    """
    _check(folder)
    spec, data = _read(folder / SPEC)
    return Study(kept_record(spec, data, name=folder.absolute().name, folder=folder))


def _check(folder: Path) -> None:
    """Refuse what is no study's folder."""
    kind = kind_of(folder)
    if kind is not Kind.FOLDER:
        what = f"is a {kind}" if kind else "does not exist"
        raise InputError(f"{folder} {what}; name a study's folder, such as runs/NAME")
    check_files(folder)
    for name in (SPEC, STORE):
        if kind_of(folder / name) is None:
            raise InputError(f"{folder} holds no study: there is no {name}; name a study's folder")


def _read(path: Path) -> tuple[StudySpec, DataRecord]:
    """Return the specification and the data that a study's `spec.json` names."""
    held = read_specification(path)
    driver = held.pop("driver", None)
    kind = SPECIFICATIONS.get(driver) if isinstance(driver, str) else None
    if kind is None:
        raise InputError(
            f"{path} names no driver of this version ({driver!r:.80}); update this package"
        )
    described, fingerprint = held.pop(DATA_SET, None), held.pop("fingerprint", None)
    if described is None:
        raise InputError(
            f"{path} does not say what the data were, as those of older versions do not: "
            f"run the study's command, python -m search.{driver}, once more where the data set is"
        )
    try:
        if {field.name for field in dataclasses.fields(kind)} != held.keys():
            raise ValueError("other settings than this version has")
        data = read_record(DataRecord, dict(described))
        if data.fingerprint != fingerprint:
            raise ValueError("two fingerprints of its data")
        spec = kind(**held)
    except (InputError, *FOREIGN) as error:
        raise InputError(
            f"{path} holds what no study of this version writes ({error}); restore a copy, or run "
            "the study's command again"
        ) from error
    return spec, data
