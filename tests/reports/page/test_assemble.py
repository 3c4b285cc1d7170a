"""The page of a report: whole in itself, and the same report as the Markdown."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

import reports
from reports.page.assemble import page
from reports.write import Report
from search.records import State, StudyRecord, UnderWay
from search.trial import Trial
from tests.reports.markup import Page
from tests.reports.records import DIGITS, FAILED, WAITING, Ending, by_lambda, study
from tests.search.builders import epoch


@pytest.fixture
def shown(written: tuple[StudyRecord, Report]) -> Page:
    """Return the page of a study, figures and all."""
    _, report = written
    return Page(report.html.read_text(encoding="utf-8"))


def test_a_page_needs_nothing_else(shown: Page) -> None:
    """No address is fetched: pictures are inside; what links leave is for the reader to click."""
    for each in shown.elements:
        for name in {"src", "srcset", "data", "poster", "action", "background"} & {
            *each.attributes
        }:
            assert each.attributes[name].startswith("data:image/"), each.tag
        if "href" in each.attributes:
            assert each.tag == "a" or each.attributes["href"] == "data:,"
    assert not shown.all("iframe") + shown.all("object") + shown.all("embed")
    assert "url(" not in shown.one("style").text
    assert "@import" not in shown.one("style").text


def test_a_page_holds_every_figure(written: tuple[StudyRecord, Report], shown: Page) -> None:
    """Each as its SVG, with its caption said once."""
    record, _ = written
    drawn = [path.name for path in (record.folder / "figures").glob("*.png")]
    heads = {each.attributes["src"].partition(",")[0] for each in shown.all("img")}
    assert heads <= {"data:image/svg+xml;base64"}
    for tag in ("img", "source", "figcaption"):
        assert len(shown.all(tag)) == len(drawn)
    for image, caption in zip(shown.all("img"), shown.all("figcaption"), strict=True):
        assert image.attributes["alt"] == caption.text
        assert shown.one("main").text.count(caption.text) == 1


def test_a_page_says_what_the_report_says(written: tuple[StudyRecord, Report]) -> None:
    """Every word and number of the Markdown is on the page, but for a figure's own files."""
    _, report = written
    text = re.sub(r"^\*.*\(\[SVG\].*$", "", report.path.read_text("utf-8"), flags=re.MULTILINE)
    text = re.sub(r"!\[(.*)\]\(.*\)|</?(?:details|summary)>|\[!\w+\]|\|[-:|]+\|", r"\1", text)
    shown = Page(report.html.read_text(encoding="utf-8"))
    main = "".join(re.findall(r"\w+", shown.one("main").text))
    words = re.findall(
        r"\w+", text.replace("&lt;", "<").replace("```text", "").replace("```sh", "")
    )
    assert [word for word in words if word not in main] == []


def test_a_page_lets_nothing_run_but_its_own(shown: Page) -> None:
    """The policy names the hashes of the page's style and script, and forbids all else."""
    (policy,) = (
        each.attributes["content"]
        for each in shown.all("meta")
        if each.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; img-src data:;")
    for name in ("style", "script"):
        digest = hashlib.sha256(shown.one(name).text.encode()).digest()
        assert f"{name}-src 'sha256-{base64.b64encode(digest).decode()}'" in policy
    assert "unsafe" not in policy
    assert not any("style" in each.attributes for each in shown.elements)
    assert not any(name.startswith("on") for each in shown.elements for name in each.attributes)


def test_a_page_leads_to_its_sections(shown: Page) -> None:
    """One link a section, in order; each anchor is there once."""
    links = [each.attributes["href"] for each in shown.all("a") if "nav" in each.within]
    assert links == [f"#{each.attributes['id']}" for each in shown.all("h2")]
    anchors = [each.attributes["id"] for each in shown.elements if "id" in each.attributes]
    assert len({*anchors}) == len(anchors)
    assert shown.one("title").text == shown.one("h1").text


def test_equal_records_give_equal_pages(written: tuple[StudyRecord, Report]) -> None:
    """To the byte."""
    record, report = written
    before = report.html.read_bytes()
    text = report.path.read_text(encoding="utf-8")
    assert page(text, record.folder).encode() == before


HOSTILE = "</title></script><script>alert(1)</script><img src=x onerror=alert(1)>"


def test_names_and_messages_stay_text(tmp_path: Path) -> None:
    """Those of classes, of the data, of the study, of an exception, of a node."""
    data = replace(DIGITS, title=HOSTILE, notes=(HOSTILE,), classes=(HOSTILE,) * 10)
    record = study(tmp_path, by_lambda({1e-3: Ending(failures=(HOSTILE,))}), data=data)
    record = replace(record, command=f"python -m x --name '{HOSTILE}'", name=HOSTILE)
    shown = Page(reports.write(record).html.read_text(encoding="utf-8"))
    assert len(shown.all("script")) == 1
    assert all(each.attributes["src"].startswith("data:image/svg") for each in shown.all("img"))
    assert shown.one("title").text == f"The L2 strength λ of a [8] network on {HOSTILE}"
    assert sum(HOSTILE in each.text for each in shown.all("code")) >= 2


# --- while a study runs ---------------------------------------------------------------


def running(folder: Path) -> tuple[StudyRecord, UnderWay]:
    """Return a study in its coarse grid: one trial done, one at epoch 2, one to be tried again."""

    def state(trial: Trial) -> State | None:
        return {1e-3: State.RUNNING, 1e-2: State.WAITING}.get(trial.lam)

    endings = by_lambda({1e-3: FAILED, 1e-2: FAILED, 1e-1: Ending(0.8)})
    record = study(folder, endings, open_trials=state)
    states = {each.trial.id: each.state for each in record.trials if each.result is None}
    (first,) = (each.trial.id for each in record.trials if each.state is State.RUNNING)
    return record, UnderWay(states, {first: epoch(2, 0.375)}, expected_trials=6, expected_epochs=21)


def test_trials_under_way_are_not_failed(tmp_path: Path) -> None:
    """What came of earlier attempts neither decides their state nor carries the plan on."""
    record, under_way = running(tmp_path)
    assert [each.state.value for each in record.trials] == ["running", "waiting", "completed"]
    assert [stage.name for stage in record.stages] == ["coarse"]
    assert len(under_way.states) == 2


def test_the_page_of_a_running_study(tmp_path: Path) -> None:
    """It shows progress and every trial's state, and loads itself again; nothing is drawn."""
    path = reports.write_page(*running(tmp_path))
    shown = Page(path.read_text(encoding="utf-8"))
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
    status = shown.one("section", "status")
    said = " ".join(status.text.split())
    assert "1 of about 6 trials have ended, 5 of about 21 epochs are trained." in said
    assert "1 running 1 waiting 1 completed" in said
    assert shown.one("progress").attributes == {"value": "5", "max": "21"}
    assert shown.one("title").text.startswith("1/6 · ")
    every = [each.text for each in shown.all("td") if "section" not in each.within][-18:]
    assert every[:6] == ["coarse", "λ=1e-3", "running", "2 of 3", "0.3750", "–"]
    assert every[6:12] == ["coarse", "λ=1e-2", "waiting", "0 of 3", "–", "–"]
    assert every[12:17] == ["coarse", "λ=0.1", "completed", "3 of 3", "0.8000"]
    assert int(shown.one("body").attributes["data-reload"]) > 0
    assert shown.all("figure") == []


def test_the_page_of_a_running_study_says_how_long_it_will_take(tmp_path: Path) -> None:
    """Once there is a pace, and not before."""
    record, under_way = running(tmp_path)
    for seconds, said in ((None, False), (754.4, True)):
        path = reports.write_page(record, replace(under_way, seconds_left=seconds))
        status = Page(path.read_text(encoding="utf-8")).one("section", "status")
        assert ("About 0:12:34 is left." in " ".join(status.text.split())) is said
        assert ("left" in status.text) is said


def test_the_page_of_a_stopped_study(tmp_path: Path) -> None:
    """It says that the study is not finished, and waits for nothing."""
    record = study(tmp_path, by_lambda({1e-3: WAITING}))
    shown = Page(reports.write_page(record, None).read_text(encoding="utf-8"))
    assert shown.one("body").attributes == {}
    assert not shown.all("section")
    assert "This study is not finished" in shown.one("div", "markdown-alert-important").text


def test_a_report_takes_the_place_of_a_running_page(tmp_path: Path) -> None:
    """Its page loads itself no more."""
    reports.write_page(*running(tmp_path))
    report = reports.write(study(tmp_path, lambda _: WAITING))
    shown = Page(report.html.read_text(encoding="utf-8"))
    assert shown.one("body").attributes == {}
    assert not any("refresh" in each.attributes.values() for each in shown.all("meta"))
