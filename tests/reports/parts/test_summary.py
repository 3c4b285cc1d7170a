"""`report.json`: valid, the same for equal studies, and documented field by field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.document import render, sections_of
from reports.parts.summary import VERSION, plain, report_json
from reports.parts.text import NONE
from search.experiments.coarse_fine.search import CoarseFine
from search.experiments.loss_evolution import LossEvolution
from search.experiments.paper import Paper
from search.experiments.range_test import RangeTest
from search.experiments.sigma_batchnorm import SigmaBatchNorm
from search.records import State, StudyRecord
from search.settings.spec import StudySpec
from search.settings.values import Cycle
from search.space.vary import vary
from tests.reports.records import CIFAR10, DIGITS, DIVERGED, FAILED, WAITING, Ending, Endings, study

DOCUMENT = Path(__file__).parents[3] / "docs" / "report-json.md"
STUDIES: tuple[StudySpec, ...] = (
    RangeTest(data="digits", epochs=4),
    LossEvolution(
        data="digits",
        cycle=Cycle(1, "epochs"),
        epochs=2,
        architectures=((8,), (8, 4)),
        replicates=2,
    ),
    SigmaBatchNorm(
        data="digits", hidden=(8, 4), sigmas=(0.1, 1e-3), retune=True, lambdas=(1e-3, 1e-2)
    ),
    Paper(data="cifar10"),
    CoarseFine(
        data="digits",
        vary=vary("--vary", ("eta-max=0.01:0.1:6", "lam=0,1e-4:1e-2:6")),
        fresh=2,
        replicates=2,
    ),
)
ENDINGS: dict[str, Endings] = {
    "well": lambda trial: Ending(0.6, loss=0.8 if trial.batch_norm else 1.0),
    "some badly": lambda trial: (
        Ending(0.6) if trial.batch_norm else DIVERGED if trial.replicate else FAILED
    ),
    "not yet": lambda _: WAITING,
    "beyond all bounds": lambda _: Ending(0.1, loss=float("inf"), loss_error=float("nan")),
}


def ended(folder: Path, spec: StudySpec, endings: Endings) -> StudyRecord:
    """Return a made-up study of a specification."""
    return study(folder, endings, search=spec, data=CIFAR10 if spec.data == "cifar10" else DIGITS)


def written(record: StudyRecord) -> dict[str, Any]:
    """Return what a study's `report.json` holds; a constant that JSON does not have is refused."""
    sections = sections_of(record, [])
    found: dict[str, Any] = json.loads(report_json(record, sections), parse_constant=_refuse)
    return found


def _refuse(name: str) -> None:
    raise AssertionError(name)


@pytest.mark.parametrize("endings", ENDINGS.values(), ids=ENDINGS)
@pytest.mark.parametrize("spec", STUDIES, ids=lambda spec: spec.kind)
def test_it_is_json_however_a_study_stands(
    spec: StudySpec, endings: Endings, tmp_path: Path
) -> None:
    """No value is one that JSON lacks, and two readings of one study are equal."""
    record = ended(tmp_path, spec, endings)
    found = written(record)
    assert found == written(record)
    assert found["version"] == VERSION
    assert (found["kind"], found["finished"]) == (spec.kind, record.finished)


def fields_of(value: object) -> Iterator[str]:
    """Yield the names of all fields at any depth."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from fields_of(each)
    elif isinstance(value, list):
        for each in value:
            yield from fields_of(each)


def documented(text: str) -> set[str]:
    """Return the fields that a part of the document names."""
    return {name for name in re.findall(r"`([^`\n]+)`", text) if name.isidentifier()}


SPREAD = {"runs", "mean", "deviation"}
WORDS = {"null", "first", "last", "supported", "contradicted"}
"""What is set as code there and is a value."""


def test_every_field_is_documented_and_no_other(tmp_path: Path) -> None:
    """The document names what is written, section by section."""
    parts = re.split(r"^## ", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    about = {part.partition("\n")[0]: documented(part) for part in parts[1:]}
    found: dict[str, set[str]] = {}
    for spec in STUDIES:
        for endings in (ENDINGS["well"], ENDINGS["some badly"]):
            record = written(ended(tmp_path, spec, endings))
            assert set(record) | SPREAD <= documented(parts[0])
            for section in record["sections"]:
                assert set(section) <= documented(parts[0])
                names = found.setdefault(section["kind"], set())
                names |= set(fields_of(section["findings"]))
    verdicts = {"not distinguishable", "not tested"}
    assert {name: names - SPREAD - WORDS - verdicts for name, names in found.items() if names} == {
        name: names - SPREAD - WORDS for name, names in about.items()
    }


def test_a_report_says_what_its_findings_say(tmp_path: Path) -> None:
    """Numbers of the text are those of the file, rounded."""
    spec = replace(STUDIES[1], replicates=1)
    record = ended(tmp_path, spec, ENDINGS["well"])
    (section,) = written(record)["sections"]
    text = render(record, figures=False)
    assert section["verdict"] in text
    for effect in section["findings"]["effects"]:
        assert f"{effect['validation_loss']['mean']:+.3f}".replace("-", "−") in text
    assert section["findings"]["networks"][0]["states"] == [State.COMPLETED]
    assert NONE not in section["verdict"]


@dataclass(frozen=True)
class _Record:
    value: object


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), None),
        (float("-inf"), None),
        (np.float64(0.5), 0.5),
        ((1, (True, None)), [1, [True, None]]),
        ({"σ": State.FAILED}, {"σ": "failed"}),
        (_Record("x"), {"value": "x"}),
    ],
)
def test_plain_values(value: object, expected: object) -> None:
    """What is not finite becomes null, records become objects, and enums their words."""
    assert plain(_Record(value)) == {"value": expected}


@pytest.mark.parametrize("value", [{1: "x"}, np.arange(3), {1, 2}, _Record, Path()])
def test_anything_else_is_an_error_of_the_program(value: object) -> None:
    """Nothing is written that a reader would have to guess."""
    with pytest.raises(TypeError):
        plain(_Record(value))
