"""From Markdown to HTML: what a reader sees is there, and nothing that a text smuggles in."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.page.html import Body, body
from reports.parts.text import cell, fenced
from tests.reports.markup import Page

SVG = "<svg xmlns='http://www.w3.org/2000/svg'><text style=\"font-family: 'DejaVu Sans'\"/></svg>"
DARK = SVG.replace("<text ", "<text fill='white' ")
TABLE = """\
| {0} | accuracy |
|:--|--:|
| a | −0.0106 |
| b | – |
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a report's folder with a figure in both formats, and one that is PNG alone."""
    figures = tmp_path / "study" / "figures"
    figures.mkdir(parents=True)
    (figures / "a.svg").write_text(SVG)
    (figures / "c.svg").write_text(SVG)
    (figures / "c-dark.svg").write_text(DARK)
    (figures / "a.png").write_bytes(b"png of a")
    (figures / "b.png").write_bytes(b"png of b")
    (tmp_path / "secret.png").write_bytes(b"secret")
    return tmp_path / "study"


def html(markdown: str, folder: Path = Path()) -> str:
    """Return a text's HTML."""
    return body(markdown, folder).html


# --- structure ------------------------------------------------------------------------


def test_title_and_sections() -> None:
    """The title is the first heading's text; sections are named with their anchors."""
    made = body("# A *good* `title`\n\n## First λ\n\n### Not this\n\n## Second\n", Path())
    assert made == Body("A good title", (("first-λ", "First λ"), ("second", "Second")), made.html)
    anchors = [each.attributes["id"] for each in Page(made.html).all("h2")]
    assert anchors == ["first-λ", "second"]


def test_sections_of_equal_names_have_anchors_of_their_own() -> None:
    """So that a link leads to the section that it names."""
    anchors = [anchor for anchor, _ in body("## A\n\n## A\n", Path()).contents]
    assert len({*anchors}) == 2


@pytest.mark.parametrize("kind", ["NOTE", "IMPORTANT", "WARNING"])
def test_alerts_are_alerts(kind: str) -> None:
    """A box with its kind as heading, and no marker left over."""
    page = Page(html(f"> [!{kind}]\n> Mind **this**.\n"))
    box = page.one("div", f"markdown-alert-{kind.lower()}")
    assert box.text.split() == [kind.capitalize(), "Mind", "this."]


@pytest.mark.parametrize("written", ["1e-2", "1.5e-10", "--rounds", "--replicate-top"])
def test_numbers_and_flags_are_not_broken_at_their_hyphens(written: str) -> None:
    """In words and in code; what stands around them may be."""
    page = Page(html(f"From one-standard-error {written}, or `{written} 3`.\n"))
    assert [each.text for each in page.all("span", "unbroken")] == [written] * 2
    assert page.one("p").text == f"From one-standard-error {written}, or {written} 3."
    assert page.one("code").text == f"{written} 3"


def test_details_are_details() -> None:
    """A block that folds, with its summary and its code inside."""
    page = Page(html("<details><summary>Trial 0</summary>\n\n```text\nx < y\n```\n\n</details>\n"))
    assert page.one("summary").text == "Trial 0"
    assert page.one("code").text == "x < y\n"
    assert page.one("code").within == ("details", "pre")


# --- tables ---------------------------------------------------------------------------


def test_a_table_can_be_sorted() -> None:
    """Numbers and empty cells have keys; words have none; the box scrolls on its own."""
    page = Page(html(TABLE.format("name")))
    assert page.one("table", "sortable").within == ("div",)
    keys = [each.attributes.get("data-sort") for each in page.all("td")]
    assert keys == [None, "-0.0106", None, ""]
    assert [each.attributes.get("class") for each in page.all("th")] == [None, "right"]


@pytest.mark.parametrize("table", [TABLE.format(""), "| a | b |\n|---|---|\n| 1 | 2 |\n"])
def test_tables_that_need_no_order(table: str) -> None:
    """One of names and values, whose first heading is empty, and one of a single row."""
    page = Page(html(table))
    assert page.one("table").attributes == {}
    assert not any("data-sort" in each.attributes for each in page.all("td"))


def test_a_page_has_no_style_attributes() -> None:
    """The page's policy allows none: alignment is a class."""
    assert "style=" not in html(TABLE.format("a"))


def test_a_table_has_its_caption_above_it() -> None:
    """A paragraph that numbers it; any other stays a paragraph."""
    page = Page(
        html(f"*Table 3. All of it.*\n\n{TABLE.format('a')}\n*Later.*\n\n{TABLE.format('b')}")
    )
    assert [each.text for each in page.all("p", "caption")] == ["Table 3. All of it."]
    assert [each.text for each in page.all("p")] == ["Table 3. All of it.", "Later."]


def test_several_tables_stay_apart() -> None:
    """Each in a box of its own, with the text between them outside."""
    page = Page(html(f"{TABLE.format('a')}\nBetween.\n\n{TABLE.format('b')}"))
    assert [each.text.split()[0] for each in page.all("div", "table")] == ["a", "b"]
    assert page.one("p").within == ()


# --- pictures -------------------------------------------------------------------------


def data(element_source: str) -> tuple[str, bytes]:
    """Return the media type and bytes of a picture that is inside."""
    head, _, content = element_source.partition(";base64,")
    return head, base64.b64decode(content)


def test_a_figure_holds_its_picture_and_one_caption(folder: Path) -> None:
    """The SVG where there is one; the paragraph that repeats the caption is not shown again."""
    page = Page(
        html("![It's *a*.](figures/a.png)\n\n*It's *a*. ([SVG](figures/a.svg))*\n\nx\n", folder)
    )
    media, content = data(page.one("img").attributes["src"])
    assert (media, content) == ("data:image/svg+xml", SVG.encode())
    assert page.one("img").attributes["alt"] == page.one("figcaption").text == "It's a."
    assert page.one("img").within == ("figure", "div")
    assert [each.text for each in page.all("p")] == ["x"]


def test_a_png_is_shown_where_there_is_no_svg(folder: Path) -> None:
    """Its bytes as they are."""
    page = Page(html("![b](figures/b.png)\n", folder))
    assert data(page.one("img").attributes["src"]) == ("data:image/png", b"png of b")


def test_a_dark_page_shows_the_dark_picture(folder: Path) -> None:
    """Where there is one; on paper, whatever the page, the light one."""
    page = Page(html("![c](figures/c.png)\n\n![a](figures/a.png)\n", folder))
    assert [data(each.attributes["src"])[1] for each in page.all("img")] == [SVG.encode()] * 2
    source = page.one("source")
    assert source.attributes["media"] == "screen and (prefers-color-scheme: dark)"
    assert data(source.attributes["srcset"]) == ("data:image/svg+xml", DARK.encode())
    assert [each.within[-1] for each in page.all("img")] == ["picture", "div"]
    assert len(page.all("figcaption")) == 2


def test_a_paragraph_after_a_figure_stays(folder: Path) -> None:
    """Only one that says the caption again is left out."""
    page = Page(html("![b](figures/b.png)\n\nText.\n\n![a](figures/a.png)\n\n*b*\n", folder))
    assert [each.text for each in page.all("p")] == ["Text.", "b"]
    assert [each.text for each in page.all("figcaption")] == ["b", "a"]


@pytest.mark.parametrize(
    "source",
    [
        "https://example.org/a.png",
        "//example.org/a.png",
        "../secret.png",
        "figures/missing.png",
        "figures",
        "data:image/png;base64,AAAA",
    ],
)
def test_pictures_from_elsewhere_are_not_shown(folder: Path, source: str) -> None:
    """Another host's, one outside of the folder, one that is not there: its words are shown."""
    page = Page(html(f"Before ![what it *shows*]({source}) after\n", folder))
    assert page.all("img") == []
    assert page.one("p").text == "Before what it *shows* after"


# --- what a text must not do ----------------------------------------------------------

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "</details></main><script>alert(1)</script>",
    "<details open ontoggle=alert(1)><summary>x</summary>",
    "<details><summary><script>alert(1)</script></summary>",
    "<style>*{display:none}</style>",
    "<!-- hidden",
    "<?php echo 1 ?>",
    "<![CDATA[x]]>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "![x](https://example.org/x.png)",
    "![x](x onerror=alert(1))",
    '"><script>alert(1)</script>',
    "`<script>`",
    "&lt;script&gt;",
    "<iframe src=https://example.org></iframe>",
    "<meta http-equiv=refresh content=0;url=https://example.org>",
)
PLACES = {
    "paragraph": "{}\n",
    "line of a paragraph": "Text\n{}\n",
    "heading": "# {}\n",
    "section": "## {}\n",
    "cell": "| a | b |\n|---|---|\n| {} | {} |\n| 1 | 2 |\n",
    "alert": "> [!NOTE]\n> {}\n",
    "list": "1. {}\n",
    "caption": "![{}](figures/a.png)\n\n*{}*\n",
    "code": "`{}`\n",
}
HARMLESS = {"a", "blockquote", "code", "details", "div", "em", "figcaption", "figure", "h1", "h2"}
HARMLESS |= {"img", "li", "ol", "p", "pre", "strong", "summary", "table", "tbody", "td", "th"}
HARMLESS |= {"picture", "source", "span", "thead", "tr", "ul", "br", "hr", "h3", "h4", "h5", "h6"}
ATTRIBUTES = {"id", "class", "src", "alt", "href", "data-sort", "title", "start"}
ATTRIBUTES |= {"media", "srcset"}


def assert_harmless(page: Page) -> None:
    """No script, no frame, no handler, no address that runs or is fetched."""
    for each in page.elements:
        assert each.tag in HARMLESS
        assert set(each.attributes) <= ATTRIBUTES
        for name in ("src", "srcset"):
            assert each.attributes.get(name, "data:image/").startswith("data:image/")
        assert not each.attributes.get("href", "").lower().startswith(("javascript:", "data:"))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_markup(folder: Path, place: str, text: str) -> None:
    """Neither as it is nor as a table's cell, wherever it stands."""
    for written in (text, cell(text)):
        assert_harmless(Page(html(PLACES[place].replace("{}", written), folder)))


@pytest.mark.parametrize("text", HOSTILE)
def test_code_shows_what_it_holds(text: str) -> None:
    """An exception's text is shown to the letter."""
    assert Page(html(fenced(text))).one("code").text == f"{text}\n"


@given(st.text(st.sampled_from("<>/!-?[]()&;'\"`*_|\\ \nadeilmnoprst:{}#"), max_size=60))
def test_no_text_at_all_becomes_markup(text: str) -> None:
    """Whatever it is made of; `html.parser` finds each element closed."""
    assert_harmless(Page(html(text)))


def test_only_a_block_that_is_open_is_closed() -> None:
    """A stray end of a block is text, so that it closes nothing of the page around it."""
    page = Page(
        html("</details>\n\n<details><summary>a</summary>\n\nb\n\n</details>\n\n</details>\n")
    )
    assert [each.tag for each in page.elements] == ["details", "summary", "p"]
    assert page.source.count("&lt;/details&gt;") == 2
