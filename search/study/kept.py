"""A study as its folder holds it: told from `spec.json`, read from the store; nothing changes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from kbn.errors import InputError
from kbn.paths import Kind, kind_of
from search.experiments.coarse_fine.search import CoarseFine
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.experiments.loss_evolution import LossEvolution
from search.experiments.paper import Paper
from search.experiments.range_test import RangeTest
from search.experiments.sigma_batchnorm import SigmaBatchNorm
from search.records import DataRecord, StudyRecord
from search.settings.spec import StudySpec
from search.store.decode import FOREIGN, read_record
from search.store.folder import DATA_SET, SPEC, STORE, check_files, read_specification
from search.study.recording import kept_record

SPECIFICATIONS: dict[object, type[StudySpec]] = {
    each.kind: each
    for each in (CoarseFine, LambdaSearch, LossEvolution, Paper, RangeTest, SigmaBatchNorm)
}


def kept(folder: Path, *, name: str | None = None) -> StudyRecord:
    """Return a study's record as its folder holds it, whether it is finished or not.

    `name` is the study's, where that is not its folder's.

    Raises
    ------
    InputError
        When there is no study, or one that is damaged or was run by another version.
    """
    check_is_study(folder)
    spec, data = specification(folder)
    return kept_record(spec, data, name=name or folder.absolute().name, folder=folder)


def check_is_study(folder: Path) -> None:
    """Refuse what is no study's folder."""
    kind = kind_of(folder)
    if kind is not Kind.FOLDER:
        what = f"is a {kind}" if kind else "does not exist"
        raise InputError(f"{folder} {what}; name a study's folder, such as runs/NAME")
    check_files(folder)
    for name in (SPEC, STORE):
        if kind_of(folder / name) is None:
            raise InputError(f"{folder} holds no study: there is no {name}; name a study's folder")


def specification(folder: Path) -> tuple[StudySpec, DataRecord]:
    """Return the specification and the data that a study's `spec.json` names."""
    path = folder / SPEC
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
        fields = {field.name: field.metadata["later"] for field in dataclasses.fields(kind)}
        needed = {name for name, later in fields.items() if not later}
        if not needed <= held.keys() <= fields.keys():
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
