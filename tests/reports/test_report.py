"""The Markdown report: what it says of a study, and that what it names is there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

import reports
from kbn.errors import DataError
from reports.coarse_fine.searched import known_of
from reports.document import render
from reports.drawing.album import Picture
from reports.write import Report
from search import Study
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.records import State, StudyRecord
from search.settings.values import Cycle, Init
from search.space.narrow import Zoom
from search.study.command import main
from search.training.problem import prepare
from search.trial import Trial
from tests.reports.records import (
    CIFAR10,
    DIGITS,
    FAILED,
    REFERENCE,
    SEARCH,
    STUDIES,
    WAITING,
    Ending,
    by_lambda,
    final,
    good,
    study,
)
from tests.search.studies import FLAGS, SMALL

NAMES = ("accuracy", "learning", "eta", "final", "confusion")
SECTIONS = (
    "What was run",
    "The λ search",
    "How sure is the winner",
    "The final model",
    "Decisions",
    "Failures",
    "Repeat it",
    "Environment",
)


@pytest.fixture
def text_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures out: drawing them takes nearly all of a report's time."""
    pictures = {name: Picture(f"{name}.png", f"{name}.svg", name) for name in NAMES}
    monkeypatch.setattr("reports.coarse_fine.section.figures", lambda *_, **__: pictures)


def tokens(text: str) -> Iterator[Token]:
    """Yield what a reader of Markdown makes of a report, inline parts included."""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        yield token
        yield from token.children or ()


def headings(text: str, level: int = 2) -> list[str]:
    """Return the headings of a level."""
    parsed = list(tokens(text))
    return [
        after.content
        for token, after in pairwise(parsed)
        if (token.type, token.tag) == ("heading_open", f"h{level}")
    ]


def section(text: str, name: str) -> str:
    """Return a section's Markdown."""
    return text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def code(text: str) -> list[str]:
    """Return the contents of the code blocks."""
    return [token.content for token in tokens(text) if token.type == "fence"]


# --- files that it names --------------------------------------------------------------


def targets(report: Path) -> list[str]:
    """Return every path that a report links to or shows."""
    found = [
        token.attrGet("src") or token.attrGet("href")
        for token in tokens(report.read_text(encoding="utf-8"))
        if token.type in {"image", "link_open"}
    ]
    return [str(path) for path in found]


def test_every_link_and_image_is_there(sketched: tuple[StudyRecord, Report]) -> None:
    """Paths are relative to the report, and each figure is shown once, with its SVG linked."""
    record, report = sketched
    paths = targets(report.path)
    assert all((record.folder / path).is_file() for path in paths)
    on_disk = {f"figures/{path.name}" for path in (record.folder / "figures").iterdir()}
    assert sorted(paths) == sorted(name for name in on_disk if not name.endswith("-dark.svg"))


def test_every_file_named_in_a_real_report_is_there(real: Study) -> None:
    """The files beside the report that it speaks of are beside it."""
    text = (real.folder / "report.md").read_text(encoding="utf-8")
    assert all((real.folder / path).is_file() for path in targets(real.folder / "report.md"))
    named = set(re.findall(r"`([a-z]+\.[a-z]+)`", text))
    assert named == {"trials.csv", "history.csv", "layers.csv", "model.npz", "spec.json"}
    assert all((real.folder / name).is_file() for name in named)


@pytest.mark.usefixtures("text_only")
def test_model_npz_is_named_only_where_there_is_one(tmp_path: Path) -> None:
    """Before the final model has a network, and where it diverged, no such file is promised."""
    assert "model.npz" in render(study(tmp_path))
    for name in ("fine grid open", "final model failed", "final model diverged"):
        assert "model.npz" not in render(study(tmp_path, STUDIES[name])), name


# --- order and bytes ------------------------------------------------------------------


@pytest.mark.usefixtures("text_only")
def test_sections_come_in_order(any_study: StudyRecord) -> None:
    """Those that have nothing to say are left out; none is empty."""
    text = render(any_study)
    failed = any(each.state is State.FAILED for each in any_study.trials)
    ended = any(each.result for each in any_study.stage("final"))
    sure = known_of(any_study) is not None
    there = {"Failures": failed, "The final model": ended, "How sure is the winner": sure}
    assert headings(text) == [name for name in SECTIONS if there.get(name, True)]
    assert all(section(text, name).strip() for name in headings(text))
    assert headings(text, 1) == ["The L2 strength λ of a [8] network on digits"]


@pytest.mark.usefixtures("text_only")
def test_a_report_is_tidy_markdown(any_study: StudyRecord) -> None:
    """No gap of two lines, no template left over, one line end at the end."""
    text = render(any_study)
    assert "\n\n\n" not in text
    assert not re.search(r"\{[{%]|[}%]\}|\bNone\b|\bnan\b|Undefined", text)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a report."""
    files = [*folder.glob("*.md"), *folder.glob("*.csv"), *folder.glob("figures/*")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.slow
def test_two_writings_give_equal_bytes(real: Study) -> None:
    """Report, CSV files and figures: all of them."""
    before = contents(real.folder)
    assert real.report() == real.folder / "report.md"
    assert contents(real.folder) == before


def test_another_process_writes_equal_bytes(real: Study) -> None:
    """Neither the order of a set nor the time zone, the locale or the folder enters a byte."""
    before = contents(real.folder)
    assert len(before) == 4 + 3 * 9
    command = [sys.executable, "-m", "search.lambda_coarse_fine", *FLAGS, "--serial", "--quiet"]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    subprocess.run(
        [*command, f"--out={real.folder.parent}"],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
        timeout=120,
    )
    assert contents(real.folder) == before


# --- how the study stands -------------------------------------------------------------


def notices(text: str) -> list[str]:
    """Return the notices at the head of a report, each with its kind."""
    head = text.partition("\n## ")[0]
    return re.findall(r"^> \[!(\w+)\]$", head, flags=re.MULTILINE)


@pytest.mark.usefixtures("text_only")
def test_an_unfinished_study_says_so(any_study: StudyRecord) -> None:
    """The reader is told at once, and how many trials are missing; a finished study is silent."""
    text = render(any_study)
    lacking = sum(each.result is None for each in any_study.trials)
    said = re.search(r"This study is not finished: (.*)\. The same command", text)
    assert bool(said) == ("IMPORTANT" in notices(text)) == (not any_study.finished)
    if said:
        assert sum(int(number) for number in re.findall(r"\d+(?= trials?\b)", said[1])) == lacking


@pytest.mark.usefixtures("text_only")
def test_a_finished_study_has_no_notice(tmp_path: Path) -> None:
    """All went well: nothing stands between summary and settings."""
    assert notices(render(study(tmp_path))) == []


@pytest.mark.usefixtures("text_only")
def test_warnings_and_notes_are_shown(tmp_path: Path) -> None:
    """Each in a notice of its own kind, before everything else."""
    record = study(tmp_path, data=replace(DIGITS, notes=("A note.", "Another.")))
    (search,) = record.experiments
    warned = replace(search, warnings=("Mind the edge.",))
    text = render(replace(record, experiments=(warned,)))
    assert notices(text) == ["NOTE", "NOTE", "WARNING"]
    assert "> Mind the edge." in text.partition("\n## ")[0]


@pytest.mark.usefixtures("text_only")
def test_a_fallback_to_digits_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`auto` without CIFAR-10 and a network: the report's head says that digits were used."""

    def unreachable(say: object) -> None:
        raise DataError("no network")

    monkeypatch.delenv("KBN_DATA_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sys.modules["kbn.data.load"], "_downloaded", unreachable)
    search = replace(SEARCH, data="auto")
    data = prepare(search, data_dir=None, say=lambda line: None).record
    text = render(study(tmp_path, search=search, data=data))
    head = text.partition("\n## ")[0]
    assert head.startswith("# The L2 strength λ of a [8] network on digits\n")
    assert "> CIFAR-10 was not on this machine and could not be downloaded, so" in head
    assert "cannot be compared with the reference" in head
    assert repeated(text)[:2] == ["--data", "digits"]  # the same set, wherever it is repeated
    chosen = prepare(SEARCH, data_dir=None, say=lambda line: None).record
    assert "CIFAR-10" not in render(study(tmp_path, data=chosen))


# --- failures -------------------------------------------------------------------------


@pytest.mark.usefixtures("text_only")
@pytest.mark.parametrize(
    ("name", "failures"),
    [("finished", 0), ("one diverged", 0), ("fine grid open", 0), ("one failed", 2)],
)
def test_failures_have_a_section_only_where_there_are_any(
    tmp_path: Path, name: str, failures: int
) -> None:
    """Each failed attempt has a row and its traceback; divergence is a result, not a failure."""
    text = render(study(tmp_path, STUDIES[name]))
    assert ("Failures" in headings(text)) == (failures > 0)
    found = section(text, "Failures")
    assert found.count("<details>") == found.count("</details>") == failures
    assert [block.splitlines()[0] for block in code(found)] == ["Traceback …"] * failures


@pytest.mark.usefixtures("text_only")
def test_a_retried_trial_is_listed_in_a_finished_study(tmp_path: Path) -> None:
    """What went wrong on the way is not hidden by the success that followed."""
    record = study(tmp_path, by_lambda({1e-3: Ending(failures=("lost",))}))
    text = render(record)
    assert record.finished
    assert "RuntimeError: lost" in section(text, "Failures")
    assert "tried again" in section(text, "Failures")


@pytest.mark.usefixtures("text_only")
@pytest.mark.parametrize("message", ["```\n## Fake\n", "~~~\n## Fake", "</details>\n\n## Fake\n"])
def test_an_error_s_text_stays_in_its_block(tmp_path: Path, message: str) -> None:
    """Whatever an exception says, it is shown as it is and does not become a heading."""
    record = study(tmp_path, by_lambda({1e-3: Ending(failures=(message,))}))
    text = render(record)
    assert headings(text) == list(SECTIONS)
    assert any("## Fake" in block for block in code(text))


# --- what it says ---------------------------------------------------------------------


@pytest.mark.usefixtures("text_only")
def test_the_summary_says_what_was_found(tmp_path: Path) -> None:
    """The best λ with its accuracy and error, what comes close, and the test accuracy."""
    record = study(tmp_path, by_lambda({5e-3: Ending(0.88), 2e-2: Ending(0.86)}))
    _, verdict, summary, *_ = render(record).split("\n\n")
    assert verdict == (
        "**λ = 1e-2 did best of 5 values, and 2 of the others cannot be told from it; the final "
        "model labels 0.8844 ± 0.0169 of the test images right.**"
    )
    assert summary == (
        "Of 5 values of λ, **1e-2** has the best validation accuracy: 0.9000 (standard error "
        "0.0300, 100 images, 1 run). 5e-3 and 2e-2 cannot be told from it by a paired comparison "
        "on the same images, of networks trained with one seed: the best of the 5 networks is "
        "among these 3 (95% confidence). The final model, trained with it for 6 epochs, labels "
        "**0.8844** of the 360 test images right (standard error "
        "0.0169)."
    )


@pytest.mark.usefixtures("text_only")
@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("nothing yet", "No value of λ has completed."),
        ("all failed", "No value of λ has completed."),
        ("all diverged at once", "No value of λ has completed."),
        ("coarse grid open", "Of 2 values of λ, **1e-2** has the best"),
        ("one failed", "Of 4 values of λ, **1e-2** has the best"),
    ],
)
def test_the_summary_of_a_study_with_gaps(tmp_path: Path, name: str, start: str) -> None:
    """Only values that completed are counted; without any, it says that alone."""
    _, verdict, summary, *_ = render(study(tmp_path, STUDIES[name])).split("\n\n")
    said = verdict.strip("*") if start == "No value of λ has completed." else summary
    assert said.startswith(start)
    assert summary != start


@pytest.mark.usefixtures("text_only")
@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("nothing yet", "No value of λ has completed."),
        ("fine grid open", "So far, λ = 1e-2 did best of 4 values{}."),
        ("final model open", "So far, λ = 1e-2 did best of 5 values{}."),
        ("final model diverged", "λ = 1e-2 did best of 5 values{}; the final model diverged."),
        ("all at chance", "No network learned, whichever of 5 values of λ it was trained with."),
    ],
)
def test_the_first_line_is_a_verdict(tmp_path: Path, name: str, verdict: str) -> None:
    """However far the study has come, and whatever came of it."""
    record = study(tmp_path, STUDIES[name])
    found = known_of(record)
    ties = len(found.ties) if found else 0
    told = f", and {ties} of the others cannot be told from it" if ties else ""
    text = render(record).split("\n\n")[1]
    assert text == f"**{verdict.format(told or ', and every other network is worse')}**"


@pytest.mark.usefixtures("text_only")
def test_a_verdict_names_both_final_models(tmp_path: Path) -> None:
    """The one that is kept, which ends on a whole cycle, before the one that ends as asked."""
    search = replace(SEARCH, final_epochs=7, final_both=True)

    def endings(trial: Trial) -> Ending:
        return Ending(0.75 if trial.epochs == 6 else 0.5) if trial.with_test else good(trial)

    record = study(tmp_path, endings, search=search)
    text = render(record)
    assert "labels 0.7344 ± 0.0233 (6 epochs) and 0.4844 ± 0.0263 (7 epochs) of" in text
    assert "`model.npz` are of the model trained for 6 epochs." in text
    assert [each.trial.epochs for each in record.trials if each.trial.id == record.chosen] == [6]


@pytest.mark.usefixtures("text_only")
def test_tables_and_figures_are_numbered(any_study: StudyRecord) -> None:
    """Each kind from 1, in the order in which a reader meets them; every table has a caption."""
    text = render(any_study)
    for kind in ("Table", "Figure"):
        numbers = re.findall(rf"^\*{kind} (\d+)\. \S.*\*$", text, flags=re.MULTILINE)
        assert list(map(int, numbers)) == list(range(1, len(numbers) + 1))
    captions = re.findall(r"^\*Table .*\*\n\n\|", text, flags=re.MULTILINE)
    assert len(captions) == sum(token.type == "table_open" for token in tokens(text))


@pytest.mark.usefixtures("text_only")
def test_a_test_accuracy_only_with_a_result(tmp_path: Path) -> None:
    """Before the final model has completed, nothing is said of the test set's labels."""
    for ending in (WAITING, FAILED):
        assert "test images right" not in render(study(tmp_path, final(ending)))


@pytest.mark.usefixtures("text_only")
def test_the_decisions_are_those_of_the_plan(any_study: StudyRecord) -> None:
    """One numbered sentence a stage, in order."""
    lines = section(render(any_study), "Decisions").strip().splitlines()
    assert lines == [f"{k}. {stage.reason}" for k, stage in enumerate(any_study.stages, 1)]


@pytest.mark.usefixtures("text_only")
@pytest.mark.parametrize("name", ["finished", "coarse grid open", "all failed"])
def test_digits_are_not_compared_with_the_reference(tmp_path: Path, name: str) -> None:
    """On other data the reference is not mentioned, however far the study has come."""
    assert "reference" not in render(study(tmp_path, STUDIES[name])).lower()


@pytest.mark.usefixtures("text_only")
def test_cifar_10_is_compared_with_the_reference(tmp_path: Path) -> None:
    """Its source is named, and the final remark says what was done otherwise."""
    text = render(study(tmp_path, search=REFERENCE, data=CIFAR10))
    assert "Reference: the reference report's numbers, one run a value." in text
    remark = section(text, "The final model")
    assert "λ = 8e-3 and 32 epochs and α = 0.7 and reached 0.5308" in remark
    assert "λ = 1e-2, 30 epochs and α = 0.9: +0.3536." in remark
    paper = render(study(tmp_path, search=PAPER, data=CIFAR10))
    assert "λ = 8e-3 and the same epochs and α and reached 0.5308" in section(
        paper, "The final model"
    )


PAPER = LambdaSearch(data="cifar10", preset="paper")


@pytest.mark.usefixtures("text_only")
def test_replicates_are_explained(tmp_path: Path) -> None:
    """The standard error's meaning is said beside the tables, for one run and for several."""
    assert "Each value was trained once; its standard error is that of a share of 100\nimages" in (
        render(study(tmp_path))
    )
    several = render(study(tmp_path, search=replace(SEARCH, replicates=3)))
    assert "Standard errors hold the noise of 100 images, and of seeds as far as" in several


@pytest.mark.usefixtures("text_only")
@pytest.mark.parametrize(("name", "said"), [("finished", False), ("all at chance", True)])
def test_not_learning_is_explained_where_it_occurs(tmp_path: Path, name: str, said: bool) -> None:  # noqa: FBT001 - a parameter
    """The words of the tables' last column, with the share that chance gives."""
    text = render(study(tmp_path, STUDIES[name]))
    assert ('"Did not learn": ' in text) == said
    assert ("most frequent class, 0.1000." in text) == said


# --- doing it again -------------------------------------------------------------------


def exit_code(arguments: list[str]) -> int:
    """Run the real command line in this process; return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main(LambdaSearch, arguments)
    return int(caught.value.code or 0)


def repeated(text: str) -> list[str]:
    """Return the arguments of the command that a report says to repeat."""
    (block,) = code(section(text, "Repeat it"))
    python, dash_m, module, *arguments = shlex.split(block)
    assert (python, dash_m, module) == ("python", "-m", "search.lambda_coarse_fine")
    return arguments


def test_the_command_repeats_the_study(real: Study, capsys: pytest.CaptureFixture[str]) -> None:
    """The real command line takes it, and finds it to be this very study.

    A dry run compares the specification with the one in the study's folder.
    """
    arguments = repeated((real.folder / "report.md").read_text(encoding="utf-8"))
    there = [f"--out={real.folder.parent}", "--serial", "--dry-run"]
    assert exit_code([*arguments, *there]) == 0
    shown = capsys.readouterr().out
    assert str(real.folder) in shown
    assert "time: nothing is left to train" in shown
    assert exit_code([*arguments, "--seed=1", *there]) == 2
    assert "seed 0 → 1" in capsys.readouterr().err


@pytest.mark.usefixtures("text_only")
@pytest.mark.parametrize(
    "search",
    [
        SMALL,
        SEARCH,
        LambdaSearch(data="digits"),
        LambdaSearch(data="digits", preset="paper"),
        replace(SEARCH, data="npz:my images.npz", batch_norm=False, stratified=True, seed=3),
        LambdaSearch(data="digits", coarse=(1e-7, 3.3e-3), fine=Zoom(5), init=Init("normal", 1e-3)),
        LambdaSearch(data="digits", cycle=Cycle(45, "steps"), schedule="constant", validation=0.25),
        LambdaSearch(data="digits", replicates=3, final_alpha=0, final_epochs=1, eta_max=0.2),
    ],
    ids=lambda search: search.command().partition("fine ")[2],
)
def test_the_command_means_the_same_specification(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, search: LambdaSearch
) -> None:
    """Read by the real command line, the report's command gives the settings it was made of."""
    read: list[object] = []

    def describe(spec: LambdaSearch, *_: object, **__: object) -> str:
        read.append(spec)
        return ""

    monkeypatch.setattr("search.study.command.dry_run.describe", describe)
    text = render(study(tmp_path, search=search, data=replace(DIGITS, name=search.data)))
    assert exit_code([*repeated(text), "--dry-run"]) == 0
    assert read == [search]


@pytest.mark.usefixtures("text_only")
def test_a_trial_s_number_is_that_of_the_csv(tmp_path: Path) -> None:
    """A failure's trial can be looked up in `trials.csv`."""

    def ending(of: Trial) -> Ending:
        return FAILED if of.lam == 5e-3 else STUDIES["finished"](of)

    record = study(tmp_path, ending)
    report = reports.write(record)
    (line,) = [row for row in report.trials.read_text().splitlines() if ",failed," in row]
    number, text = line.partition(",")[0], report.path.read_text(encoding="utf-8")
    assert f"<summary>Trial {number}, attempt 1</summary>" in text
