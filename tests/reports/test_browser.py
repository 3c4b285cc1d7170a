"""A report's page in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

import reports
from reports.document import render
from reports.drawing.style import write_figure
from reports.page.assemble import page
from reports.page.status import Status
from search.records import State, UnderWay
from tests.browser import NEEDED, PHONE, Tab, tab
from tests.reports.records import CIFAR10, REFERENCE, WAITING, Ending, by_lambda, study
from tests.search.builders import epoch

pytestmark = [*NEEDED]


@pytest.fixture
def desk(browser: Browser) -> Iterator[Tab]:
    """Return a tab as wide as a desk's screen."""
    with tab(browser) as opened:
        yield opened


@pytest.fixture
def phone(browser: Browser) -> Iterator[Tab]:
    """Return a phone's tab."""
    with tab(browser, size=PHONE) as opened:
        yield opened


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a study with sections, tables, notices, and one figure."""
    hostile = "</script><script>document.title = 'hacked'</script><img src=http://127.0.0.1:9/x>"
    endings = by_lambda({1e-3: Ending(0.45, failures=(hostile, "x" * 300))})
    folder = tmp_path_factory.mktemp("study")
    record = study(folder, endings, search=REFERENCE, data=CIFAR10)
    write_figure(folder, "a", lambda figure: figure.subplots().plot([1, 2]), height=2)
    text = render(record, figures=False) + "\n![A figure.](a.png)\n\n*A figure. ([SVG](a.svg))*\n"
    path = folder / "report.html"
    path.write_text(page(text, folder), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_loads_without_complaint_or_request(
    desk: Tab, report: Path, scheme: Literal["light", "dark"]
) -> None:
    """Nothing on the console, and no address but the page's own and what is inside it."""
    desk.page.emulate_media(color_scheme=scheme)
    desk.open(report)
    desk.run("window.scrollTo(0, document.body.scrollHeight)")
    assert desk.complaints == []
    asked = [address for address in desk.requests if not address.startswith("data:")]
    assert asked == [report.as_uri()]
    assert desk.page.title().startswith("The L2 strength λ")


def test_a_picture_is_shown(desk: Tab, report: Path) -> None:
    """It was decoded and has a size."""
    desk.open(report)
    sizes = desk.run("[...document.images].map(i => i.complete && i.naturalWidth * i.width)")
    assert len(sizes) == 1
    assert sizes[0] > 0


def test_light_and_dark(desk: Tab, report: Path) -> None:
    """The page follows the reader's preference: paper and ink change places."""
    found = {}
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        desk.page.emulate_media(color_scheme=scheme)
        desk.open(report)
        style = "getComputedStyle(document.body)"
        found[scheme] = [
            sum(map(int, desk.run(f"{style}.{name}.match(/\\d+/g)")))
            for name in ("backgroundColor", "color")
        ]
    paper, ink = found["light"]
    assert paper - ink > 600
    paper, ink = found["dark"]
    assert ink - paper > 500


def column(opened: Tab, heading: str) -> list[str]:
    """Return a column of the first table that has it."""
    cells = opened.run(f"""(() => {{
        for (const table of document.querySelectorAll("table.sortable")) {{
            const headings = [...table.tHead.rows[0].cells].map(c => c.innerText);
            const at = headings.findIndex(h => h.replace(/\\s+/g, " ").trim() === "{heading}");
            if (at >= 0) return [...table.tBodies[0].rows].map(r => r.cells[at].innerText);
        }}
    }})()""")
    return [str(cell) for cell in cells]


def mark(opened: Tab, heading: str) -> None:
    """Give the button of a heading an id."""
    opened.run(f"""[...document.querySelectorAll("table.sortable th button")].find(
        b => b.innerText.replace(/\\s+/g, " ").trim() === "{heading}").id = "button" """)


@pytest.mark.parametrize("heading", ["λ", "difference"])
def test_a_click_on_a_heading_sorts(desk: Tab, report: Path, heading: str) -> None:
    """Ascending, descending, as written; by number, minus signs and powers of ten included."""
    desk.open(report)
    written = column(desk, heading)
    values = [float(cell.replace("−", "-")) for cell in written if cell != "–"]
    gaps = ["–"] * written.count("–")
    mark(desk, heading)
    shown = {}
    for order in ("ascending", "descending", "none"):
        desk.page.click("#button")
        assert desk.run("document.querySelector('#button').closest('th').ariaSort") == order
        shown[order] = column(desk, heading)
    ascending = [float(cell.replace("−", "-")) for cell in shown["ascending"] if cell != "–"]
    assert ascending == sorted(values)
    assert len(set(values)) > 2
    assert shown["descending"] == [*shown["ascending"][: len(values)][::-1], *gaps]
    assert shown["none"] == written
    assert desk.complaints == []


def test_a_keyboard_sorts_too(desk: Tab, report: Path) -> None:
    """A heading can be focused and pressed, and says how its column is sorted."""
    desk.open(report)
    mark(desk, "λ")
    desk.page.press("#button", "Enter")
    assert desk.run("document.querySelector('#button').closest('th').ariaSort") == "ascending"


def test_on_a_phone_the_page_does_not_scroll_sideways(phone: Tab, report: Path) -> None:
    """Wide tables and code scroll on their own; folded blocks are opened for the test."""
    phone.open(report)
    phone.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert phone.run("innerWidth") == PHONE[0]
    assert phone.run("document.documentElement.scrollWidth") == PHONE[0]
    phone.page.click("figure button")
    assert phone.run("document.querySelector('figure img').width") > PHONE[0]
    assert phone.run("document.documentElement.scrollWidth") == PHONE[0]
    phone.page.click("figure button")
    assert phone.run("document.querySelector('figure img').width") < PHONE[0]


def test_numbers_are_not_broken(phone: Tab, report: Path) -> None:
    """On a narrow page, too, each stands on one line."""
    phone.open(report)
    lines = phone.run(
        "[...document.querySelectorAll('.unbroken')].map(e => e.getClientRects().length)"
    )
    assert len(lines) > 10
    assert set(lines) == {1}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_table_that_is_cut_says_so(
    phone: Tab, report: Path, scheme: Literal["light", "dark"]
) -> None:
    """Its edge lies in a shadow wherever there is more beyond it, and only there."""
    phone.page.emulate_media(color_scheme=scheme)
    phone.open(report)
    phone.run("""(() => {
        const cut = [...document.querySelectorAll(".table")].find(e => e.scrollWidth > innerWidth);
        cut.id = "cut";
        cut.querySelector("table").style.visibility = "hidden";  // its paper is looked at
        cut.scrollIntoView();
    })()""")

    def edges() -> tuple[int, int]:
        """Return how far each edge of the table is from its middle, in shades."""
        box = "(b => [b.x + scrollX, b.y + scrollY + 40, b.width, 1])(cut.getBoundingClientRect())"
        x, y, width, height = phone.run(box)
        row = phone.picture(x, y, width, height)[0].sum(axis=1)
        middle = row[len(row) // 2]
        return abs(row[1] - middle), abs(row[-2] - middle)

    shades = [edges()]
    for place in ("60", "cut.scrollWidth"):
        phone.run(f"cut.scrollLeft = {place}")
        shades.append(edges())
    seen = [tuple(bool(shade > 40) for shade in each) for each in shades]
    assert seen == [(False, True), (True, True), (True, False)], shades


def test_the_page_of_a_running_study_loads_itself_again(
    phone: Tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the reader sees follows the file, stays where it was scrolled to, and then rests."""
    monkeypatch.setattr(import_module("reports.write"), "Status", partial(Status, reload=1))

    def state(accuracy: float) -> Path:
        endings = by_lambda({1e-3: Ending(accuracy), 1e-1: WAITING})
        record = study(tmp_path, endings, open_trials=lambda _: State.WAITING)
        running = {each.trial.id: State.RUNNING for each in record.trials if not each.result}
        epochs = dict.fromkeys(running, epoch(1))
        under_way = UnderWay(running, epochs, expected_trials=6, expected_epochs=21)
        return reports.write_page(record, under_way)

    path = state(0.125)
    phone.open(path)
    assert "0.1250" in phone.run("document.body.innerText")
    phone.run("window.scrollTo(0, 500)")
    state(0.375)
    phone.wait_for("document.body.innerText.includes('0.3750')")
    phone.wait_for("window.scrollY === 500")
    reports.write_page(study(tmp_path), None)
    phone.wait_for("!document.body.innerText.includes('running')")
    phone.page.wait_for_load_state()  # its text is there before
    loads = phone.loads
    phone.page.wait_for_timeout(3000)
    assert phone.loads == loads
    assert phone.complaints == []
