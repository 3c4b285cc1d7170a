"""The pages in a real browser, on a server of this process."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

import reports
from reports.page.status import Status
from search import run
from search.records import UnderWay
from search.service.compared import answer
from search.service.folders import Folders
from search.service.place import Place
from search.service.requests import Request, keep
from search.store.folder import LOCK
from tests.browser import DESK, NEEDED, PHONE, Tab, tab
from tests.reports.records import WAITING, Ending, by_lambda, study
from tests.search.service.conftest import DONE, TOKEN, served
from tests.search.service.reading import faults
from tests.search.studies import SMALL

pytestmark = [*NEEDED]
HOSTILE = """'"><script>document.title = 'hacked'</script><img src=http://127.0.0.1:9/x>"""
NAMED = "'\"><img src=x onerror=alert(1)>.npz"
PAGES = {
    "studies": "/",
    "commands": "/view/new",
    "form": "/view/new?kind=lambda_coarse_fine",
    "study": f"/view/studies/{DONE}",
    "comparison": f"/view/compare?study={DONE}&study=again",
    "classes": "/view/studies/classes",
    "nothing": "/view/studies/none",
    "api": "/view/api",
}
Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, ended: Path) -> Path:
    """Return a folder of studies, of one of which somebody wrote hostile things.

    Of another one the classes and the file of the data have hostile names.
    """
    place = tmp_path_factory.mktemp("place")
    root, data = place / "runs", place / NAMED
    rng = np.random.default_rng(0)
    names = np.array([HOSTILE, "plain"])
    np.savez(data, X=rng.normal(size=(300, 6)), y=names[rng.integers(2, size=300)])
    run(
        replace(SMALL, data=f"npz:{data}", batch_size=20),
        out=root,
        name="classes",
        serial=True,
        quiet=True,
    )
    for name in (DONE, "again"):
        shutil.copytree(ended, root / name)
    keep(root / DONE, Request(who=HOSTILE, when=1.75e9, message=HOSTILE))
    return root


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    """Return the address of a server on them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("search.service.compared.asked", lambda _, question: answer(question))
        with served(Place(Folders(root))) as client:
            yield str(client.base_url).rstrip("/")


@pytest.fixture
def desk(browser: Browser, address: str) -> Iterator[Tab]:
    """Return a tab that has given the token."""
    with tab(browser, base_url=address) as opened:
        opened.open(f"/?token={TOKEN}")
        yield opened


def test_the_token_is_taken_out_of_the_address(desk: Tab, address: str) -> None:
    """It is in a cookie then, which no script can read."""
    assert desk.page.url == f"{address}/"
    assert desk.run("document.cookie") == ""
    (cookie,) = desk.page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")


def test_who_has_no_token_signs_in(browser: Browser, address: str) -> None:
    """By keyboard alone: the wrong token is said to be wrong, the right one opens the list."""
    with tab(browser, base_url=address) as opened:
        opened.open("/view/new")
        assert faults(opened) == []
        for token, heading in (("wrong", "Sign in"), (TOKEN, "Studies")):
            opened.page.get_by_label("Token").fill(token)
            opened.page.keyboard.press("Enter")
            expect(opened.page.get_by_role("heading", level=1)).to_have_text(heading)
            assert "token" not in opened.page.url or token == "wrong"  # noqa: S105 - no password


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_pages_are_sound(
    browser: Browser, address: str, size: tuple[int, int], scheme: Scheme
) -> None:
    """Nothing is asked of another host, no complaint, all can be read, none scrolls sideways."""
    with tab(browser, size=size, scheme=scheme, base_url=address) as opened:
        opened.open(f"/?token={TOKEN}")
        for name, path in PAGES.items():
            opened.open(path)
            opened.page.wait_for_load_state("networkidle")
            others = [
                each for each in opened.requests if not each.startswith((f"{address}/", "data:"))
            ]
            assert others == [], name
            said = [each for each in opened.complaints if "404 (Not Found)" not in each]
            assert said == [], name
            assert faults(opened) == [], name
            assert opened.run("document.documentElement.scrollWidth") == size[0], name


def test_what_users_wrote_runs_nowhere(desk: Tab) -> None:
    """It is read as it was written; no script of it runs, and no picture of it is fetched."""
    for path in ("/", f"/view/studies/{DONE}"):
        desk.open(path)
        expect(desk.page.locator("main")).to_contain_text(HOSTILE)
        assert "hacked" not in desk.page.title()
        assert not [each for each in desk.requests if ":9/" in each]


def test_a_report_is_shown_inside_and_can_do_nothing_here(desk: Tab) -> None:
    """Its page is of no origin: its script sorts tables, and has no cookie and no server."""
    desk.open(f"/view/studies/{DONE}")
    desk.page.locator("iframe").scroll_into_view_if_needed()
    inside = desk.page.frame_locator("iframe")
    expect(inside.get_by_role("heading", level=1)).to_contain_text("The L2 strength λ")
    frame = next(each for each in desk.page.frames if each.parent_frame)
    assert frame.evaluate("origin") == "null"


def test_a_live_report_is_loaded_again_by_the_page_around_it(
    desk: Tab, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no cookie to ask with; the page has, and shows what the file holds by then."""
    monkeypatch.setattr(import_module("reports.write"), "Status", partial(Status, reload=1))
    folder = root / "live"
    shutil.copytree(root / DONE, folder)
    refused: list[str] = []
    desk.page.on("response", lambda each: refused.append(each.url) if not each.ok else None)

    def write(accuracy: float) -> None:
        record = study(folder, by_lambda({1e-3: Ending(accuracy), 1e-1: WAITING}))
        reports.write_page(record, UnderWay({}, {}, expected_trials=6, expected_epochs=21))

    try:
        with (folder / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # it runs, as far as can be told
            write(0.125)
            desk.open("/view/studies/live")
            desk.page.locator("iframe").scroll_into_view_if_needed()
            inside = desk.page.frame_locator("iframe").locator("body")
            expect(inside).to_contain_text("0.1250")
            write(0.375)
            expect(inside).to_contain_text("0.3750")
            assert refused == []
    finally:
        shutil.rmtree(folder)


def test_names_of_classes_and_data_are_text(desk: Tab) -> None:
    """In the list, on the page, in the report inside it, and side by side with another study."""
    desk.open("/")
    row = desk.page.get_by_role("row").filter(has_text="classes")
    expect(row).to_contain_text(NAMED.removeprefix("'")[:12])
    for path in ("/view/studies/classes", f"/view/compare?study=classes&study={DONE}"):
        desk.open(path)
        assert desk.run("document.querySelectorAll('main img:not([src^=\"data:\"])').length") == 0
        assert "hacked" not in desk.page.title()
    desk.open("/studies/classes/report.html")
    expect(desk.page.locator("body")).to_contain_text("document.title = 'hacked'")
    assert "hacked" not in desk.page.title()
    assert not [each for each in desk.requests if ":9/" in each]


def test_studies_are_chosen_and_compared(desk: Tab) -> None:
    """By ticking two and pressing a button; with the keyboard alone, too."""
    boxes = desk.page.get_by_role("checkbox", name="Compare ")
    boxes.nth(0).focus()
    desk.page.keyboard.press("Space")
    boxes.nth(1).check()
    desk.page.get_by_role("button", name="Compare").press("Enter")
    expect(desk.page.get_by_role("heading", level=1)).to_contain_text(" and ")
    assert desk.run("[...document.images].every(i => i.complete && i.naturalWidth > 0)")


def test_a_list_keeps_up(desk: Tab, root: Path) -> None:
    """A study that appears is shown without a reload, and boxes that were ticked stay ticked."""
    desk.open("/")
    desk.page.get_by_role("checkbox", name="Compare again").check()
    desk.run("document.body.dataset.same = 'yes'")
    shutil.copytree(root / DONE, root / "newcomer")
    try:
        expect(desk.page.get_by_role("link", name="newcomer")).to_be_visible()
        expect(desk.page.get_by_role("checkbox", name="Compare again")).to_be_checked()
        assert desk.run("document.body.dataset.same") == "yes"
    finally:
        shutil.rmtree(root / "newcomer")


def test_a_field_that_is_wrong_is_led_to(desk: Tab) -> None:
    """The summary's link puts the field that cannot be used before the reader, who mends it."""
    desk.open("/view/new?kind=lambda_coarse_fine")
    desk.page.get_by_label("eta-max").fill("-1")
    desk.page.get_by_role("button", name="Preview").click()
    desk.page.get_by_role("link", name="--eta-max -1").click()
    field = desk.page.get_by_label("eta-max")
    expect(field).to_be_in_viewport()
    expect(field).to_have_attribute("aria-invalid", "true")
    assert faults(desk) == []
