"""Studies side by side, as a reader sees them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reports.compare.facts import Compared
from reports.compare.findings import findings
from reports.compare.section import StudiesCompared, literal, render
from search.experiments.coarse_fine.search import CoarseFine
from search.experiments.sigma_batchnorm import SigmaBatchNorm
from search.records import TEST_CORRECT, StudyRecord, TrialRecord
from search.settings.values import Cycle
from search.space.narrow import Factors
from search.space.vary import vary
from tests.reports.markup import Page
from tests.reports.records import (
    CIFAR10,
    SEARCH,
    WAITING,
    Ending,
    by_lambda,
    good,
    study,
)

WIDER = replace(SEARCH, hidden=(16,))


def pair(tmp_path: Path) -> tuple[StudyRecord, StudyRecord]:
    """Return two studies on the same images, the second a little better."""
    better = by_lambda({}, lambda trial: Ending(good(trial).accuracy + 0.02))
    return (
        replace(study(tmp_path), name="narrow"),
        replace(study(tmp_path, better, search=WIDER), name="wide"),
    )


def test_settings_that_differ_are_shown_and_no_others(tmp_path: Path) -> None:
    """Each with every study's value."""
    (setting,) = findings(pair(tmp_path)).settings
    assert (setting.name, setting.typed) == ("hidden", ("8", "16"))


def test_two_experiments_differ_in_what_only_one_has(tmp_path: Path) -> None:
    """A setting that a study does not have is a gap."""
    rates = vary("--vary", ["eta_max=0.1,0.2"])
    other = CoarseFine(data="digits", hidden=(8,), cycle=Cycle(3, "epochs"), vary=rates)
    found = findings([study(tmp_path), replace(study(tmp_path, search=other), name="rates")])
    typed = {each.name: each.typed for each in found.settings}
    assert typed["experiment"] == ("lambda_coarse_fine", "coarse_fine")
    assert typed["vary"][0] == ""
    assert typed["coarse"][1] == ""
    assert "| coarse" in render(found)


def test_runs_of_one_specification_differ_in_nothing(tmp_path: Path) -> None:
    """It is said."""
    text = render(findings([study(tmp_path), replace(study(tmp_path), name="again")]))
    assert "None: these are runs of one specification." in text
    assert "It is the best of **again**, too." in text


def test_studies_of_the_same_images_are_paired(tmp_path: Path) -> None:
    """Sentence, table and findings say one thing: the difference, its interval, the ties."""
    found = findings(pair(tmp_path))
    (together,) = found.paired
    assert together.studies == ("narrow", "wide")
    assert together.study == "wide"
    other = together.others[0]
    assert (other.study, other.best_of_study) == ("narrow", True)
    assert other.difference == pytest.approx(-0.02)
    text = render(found)
    assert "**narrow** and **wide** validate on the same 100 images" in text
    assert "−0.0200 (95% interval " in text
    assert "cannot be paired" not in text
    for tie in together.ties:
        assert tie.label in text.partition("What cannot be told from it")[2].partition("\n")[0]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"search": replace(SEARCH, seed=3)}, "they split their images with seeds 0 and 3"),
        (
            {"data": replace(CIFAR10, fingerprint="c" * 16)},
            "they are of other data, digits and CIFAR-10",
        ),
    ],
)
def test_studies_of_other_images_cannot_be_paired(
    tmp_path: Path, changed: dict[str, object], words: str
) -> None:
    """A plain sentence says so, and gives the interval that holds all the same."""
    other = replace(study(tmp_path, **changed), name="other")  # type: ignore[arg-type]
    found = findings([study(tmp_path), other])
    assert found.paired == ()
    (apart,) = found.unpaired
    assert apart.of.low < apart.of.difference < apart.of.high
    text = render(found)
    assert f"**made-up** and **other** cannot be paired: {words}." in text
    assert ("it says of their data, too" in text) == ("data" in changed)


def marked(record: StudyRecord, right: np.ndarray) -> StudyRecord:
    """Return a study whose final model labels these test images right."""

    def with_marks(each: TrialRecord) -> TrialRecord:
        result = each.result
        if each.trial.id != record.chosen or result is None or result.test is None:
            return each
        test = replace(result.test, accuracy=float(right.mean()), n=len(right))
        arrays = {**result.arrays, TEST_CORRECT: np.packbits(right)}
        return replace(each, result=replace(result, test=test, arrays=arrays))

    return replace(record, trials=tuple(map(with_marks, record.trials)))


def test_final_models_are_compared_image_by_image(tmp_path: Path) -> None:
    """Where both studies kept which test images they label right: the interval is narrower."""
    right = np.arange(200) < 150
    better = right | (np.arange(200) % 40 == 39)
    narrow, wide = pair(tmp_path)
    both = marked(narrow, right), marked(wide, better)
    (tested,) = findings(both).tested
    assert tested.paired
    assert tested.of.difference == pytest.approx((better & ~right).mean())
    assert tested.of.low < tested.of.difference < tested.of.high
    text = render(findings(both))
    assert "Both labelled the same test images, and are compared image by image" in text
    elsewhere = replace(both[1], data=replace(both[1].data, fingerprint="c" * 16))
    (apart,) = findings((both[0], elsewhere)).tested
    assert not apart.paired
    assert apart.of.high - apart.of.low > 2 * (tested.of.high - tested.of.low)


def test_final_models_whose_marks_are_not_kept_are_side_by_side(tmp_path: Path) -> None:
    """One of them is of an older version; the reader is told."""
    one, other = pair(tmp_path)
    found = findings((marked(one, np.arange(200) < 150), other))
    first, second = (side.final for side in found.studies)
    assert first
    assert second
    (tested,) = found.tested
    assert tested.of.difference == pytest.approx(second.test_accuracy - first.test_accuracy)
    assert (tested.same_images, tested.paired) == (True, False)
    assert "did not keep which of them it got right" in render(found)


def test_a_study_that_has_nothing_yet_is_said_to(tmp_path: Path) -> None:
    """Beside one that has."""
    empty = replace(study(tmp_path, lambda trial: WAITING), name="new")
    found = findings([study(tmp_path), empty])
    assert found.studies[1].best is None
    assert "**new** has no setup yet all of whose runs completed." in render(found)


def test_an_experiment_that_searches_nothing_is_compared_by_its_grid(tmp_path: Path) -> None:
    """Its trials are setups as any others are."""
    matrix = SigmaBatchNorm(data="digits", hidden=(8,), cycle=Cycle(3, "epochs"), epochs=3)
    found = findings([study(tmp_path), replace(study(tmp_path, search=matrix), name="matrix")])
    assert found.studies[1].best is not None
    assert len(found.paired) == 1


def test_three_studies(tmp_path: Path) -> None:
    """Those that share images are compared together, and each with the one that does not."""
    third = replace(study(tmp_path, search=replace(SEARCH, seed=3)), name="elsewhere")
    found = findings([*pair(tmp_path), third])
    assert [each.studies for each in found.paired] == [("narrow", "wide")]
    assert {(each.of.first, each.of.second) for each in found.unpaired} == {
        ("narrow", "elsewhere"),
        ("wide", "elsewhere"),
    }
    assert len(found.tested) == 2


def test_studies_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    """Names need not be unique over folders."""
    one, other = study(tmp_path / "one"), study(tmp_path / "other", search=WIDER)
    assert [side.name for side in findings([one, other]).studies] == [
        str(tmp_path / "one"),
        str(tmp_path / "other"),
    ]


def test_a_study_may_be_called_as_anything_is(tmp_path: Path) -> None:
    """No heading of a table is taken for a study, nor a study for it."""
    one, other = (
        replace(record, name=name)
        for record, name in zip(pair(tmp_path), ("setting", "study"), strict=True)
    )
    table = render(findings([one, other])).partition("## Settings that differ")[2]
    (row,) = [line for line in table.splitlines() if line.startswith("| hidden")]
    assert [cell.strip() for cell in row.split("|")[1:-1]] == ["hidden", "8", "16"]


def test_one_setup_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    """Two studies of one value alone, the same."""
    single = replace(SEARCH, coarse=(1e-2,), fine=Factors((1.0,)))
    record = study(tmp_path, search=single)
    found = findings([record, replace(record, name="again")])
    assert found.paired[0].others == ()
    assert "There is no other setup to compare it with." in render(found)


HOSTILE = "<img src=x onerror=alert(1)> **b** | [x](http://127.0.0.1:9/) `c` $1$ ]"


def test_a_name_is_shown_as_the_text_that_it_is(tmp_path: Path) -> None:
    """No name becomes markup, in a sentence, a heading, a table or a figure."""
    one, other = pair(tmp_path)
    body = StudiesCompared((one, replace(other, name=HOSTILE))).body()
    assert HOSTILE in body.title
    page = Page(body.html)
    assert not page.all("a")
    assert {each.attributes["src"][:5] for each in page.all("img")} == {"data:"}
    assert any(HOSTILE in each.text for each in page.all("th"))
    assert any(HOSTILE in each.text for each in page.all("strong"))


def test_markup_is_escaped() -> None:
    """The characters that Markdown makes something of; a plain name stays as it is."""
    assert literal("lambda-coarse-fine_2.1") == "lambda-coarse-fine_2.1"
    assert literal("a*b\n`c") == "a\\*b \\`c"


def test_figures_are_inside_and_follow_the_page(tmp_path: Path) -> None:
    """One plot of the curves, one of the final models, each light and dark."""
    page = Page(StudiesCompared(pair(tmp_path)).body().html)
    assert len(page.all("figure")) == 2
    assert len(page.all("source")) == 2


def test_findings_are_plain_values(tmp_path: Path) -> None:
    """Whoever asks for JSON is given all of them."""
    found = json.loads(json.dumps(StudiesCompared(pair(tmp_path)).plain()))
    assert found.keys() == Compared.__dataclass_fields__.keys()
    assert found["paired"][0]["best"]["label"] == "λ=1e-2"
