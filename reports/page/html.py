"""From a report's Markdown to HTML that holds its pictures.

The Markdown is the only source. Of the HTML in it, `<details>` blocks pass; all else is shown as
the text it is, so that no name or message becomes markup or script.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.anchors import anchors_plugin

from reports.drawing.style import dark_path
from reports.page.sorting import sort_key

_OPENS = re.compile(r"<details><summary>[^<>]*</summary>")
_HYPHENS = re.compile(r"\d[\d.]*e-\d+|--[a-z]+(?:-[a-z]+)*")
"""Numbers and flags that hold hyphens."""
_CAPTION = re.compile(r"\*Table \d+\. .*\*")
_MEDIA = {".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True)
class Body:
    """What a page shows."""

    title: str
    contents: tuple[tuple[str, str], ...]
    """The sections: id and heading."""
    html: str


def body(markdown: str, folder: Path) -> Body:
    """Return a report as HTML, its pictures read from `folder` and put inside."""
    environment = {"folder": folder.resolve()}
    tokens = _PARSER.parse(markdown, environment)
    headings = [
        (opening.tag, str(opening.attrGet("id")), _plain(inline))
        for opening, inline in pairwise(tokens)
        if opening.type == "heading_open"
    ]
    return Body(
        title=next((text for tag, _, text in headings if tag == "h1"), ""),
        contents=tuple((anchor, text) for tag, anchor, text in headings if tag == "h2"),
        html=_PARSER.renderer.render(tokens, _PARSER.options, environment),
    )


def _plain(inline: Token) -> str:
    """Return what an inline token says, without its markup."""
    return "".join(
        " " if child.type == "softbreak" else child.content for child in inline.children or ()
    )


# Each rule below rewrites the parsed Markdown; what is left is written as `markdown_it` does.


def _inline(tokens: Iterable[Token]) -> Iterator[Token]:
    """Yield the parts of lines, those within an image's words included; inner ones first."""
    for token in tokens:
        for child in token.children or ():
            yield from _inline([child])
            yield child


def _html_as_text(state: StateCore) -> None:
    """Make HTML into the text it is written as, `<details>` blocks aside."""
    depth = 0
    for token in state.tokens:
        if token.type == "html_block":
            content = token.content.strip()
            step = (_OPENS.fullmatch(content) is not None) - (content == "</details>" and depth > 0)
            depth += step
            if not step:
                text = Token("text", "", 0, content=content)
                token.type, token.tag, token.children = "inline", "", [text]
    for token in _inline(state.tokens):
        if token.type == "html_inline":
            token.type = "text"


def _pictures_inside(state: StateCore) -> None:
    """Put the pictures of the report's folder inside; of any other, show what it says."""
    for token in _inline(state.tokens):
        if token.type == "image":
            path = (state.env["folder"] / str(token.attrGet("src"))).resolve()
            vectors = path.with_suffix(".svg")
            source = _embedded((vectors, path), state.env["folder"])
            if source is None:
                token.type, token.tag, token.children = "text", "", None
                continue
            token.attrSet("src", source)
            token.meta["dark"] = _embedded((dark_path(vectors),), state.env["folder"])


def _embedded(paths: Sequence[Path], folder: Path) -> str | None:
    """Return the first picture that there is as a `data:` address."""
    found = next((path for path in paths if path.is_file()), None)
    if found is None or not found.is_relative_to(folder) or found.suffix not in _MEDIA:
        return None
    data = base64.b64encode(found.read_bytes()).decode()
    return f"data:{_MEDIA[found.suffix]};base64,{data}"


def _figures(state: StateCore) -> None:
    """Make an image that stands alone, and the paragraph that says its caption, into a figure."""
    made: list[Token] = []
    for token in state.tokens:
        made.append(token)
        if token.type != "paragraph_close":
            continue
        inline = made[-2]
        if [child.type for child in inline.children or ()] == ["image"]:
            made[-3:] = _figure(inline)
        elif len(made) > 6 and made[-4].type == "figure_close":
            caption = made[-6]
            if inline.content.startswith(f"*{caption.content}"):
                del made[-3:]
    state.tokens = made


def _figure(picture: Token) -> list[Token]:
    """Return a figure; its caption is what the image says."""
    image = (picture.children or [])[0]
    caption = Token("inline", "", 0, content=image.content, children=image.children)
    return _element("figure", *_element("div", picture), *_element("figcaption", caption))


def _tables(state: StateCore) -> None:
    """Put each table into a box that scrolls where the page is narrow."""
    made: list[Token] = []
    start = 0
    for token in state.tokens:
        if token.type == "table_open":
            start = len(made)
            if start > 2 and _CAPTION.fullmatch(made[-2].content):
                made[-3].attrSet("class", "caption")
        made.append(token)
        if token.type == "table_close":
            _prepare(made[start:])
            made[start:] = _element("div", *made[start:], attrs={"class": "table"})
    state.tokens = made


def _prepare(table: Sequence[Token]) -> None:
    """Align a table's cells by classes, and give the keys that a click on a heading sorts by."""
    cells = [(a, b) for a, b in pairwise(table) if a.type in ("th_open", "td_open")]
    headings = [inline for cell, inline in cells if cell.type == "th_open"]
    sortable = len(cells) > 2 * len(headings) and all(each.content for each in headings)
    if sortable:
        table[0].attrSet("class", "sortable")
    for cell, inline in cells:
        if cell.attrs.pop("style", None) == "text-align:right":
            cell.attrSet("class", "right")
        key = sort_key(_plain(inline)) if sortable and cell.type == "td_open" else None
        if key is not None:
            cell.attrSet("data-sort", key)


def _element(
    tag: str, *inside: Token, attrs: dict[str, str | int | float] | None = None
) -> list[Token]:
    """Return tokens within an element."""
    return [
        Token(f"{tag}_open", tag, 1, attrs=attrs or {}),
        *inside,
        Token(f"{tag}_close", tag, -1),
    ]


class _Renderer(RendererHTML):
    """Writes what is left as `markdown_it` does, but for what a page can do better."""

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Return an image: on a dark screen its dark version, where there is one."""
        image, dark = super().image(tokens, idx, options, env), tokens[idx].meta.get("dark")
        if dark is None:
            return image
        when = "screen and (prefers-color-scheme: dark)"
        return f'<picture><source media="{when}" srcset="{dark}">{image}</picture>'

    def text(self, *arguments: Any) -> str:
        """Return words; a browser would break `1e-2` and `--rounds` at their hyphens."""
        return unbroken(super().text(*arguments))

    def code_inline(self, *arguments: Any) -> str:
        """Return code; the same holds."""
        return unbroken(super().code_inline(*arguments))


def unbroken(html: str) -> str:
    """Return a text of HTML whose numbers and flags stay on one line each."""
    return _HYPHENS.sub(r'<span class="unbroken">\g<0></span>', html)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"alerts": True}, renderer_cls=_Renderer).enable("table")
    parser.use(anchors_plugin, max_level=3)
    for rule in (_html_as_text, _pictures_inside, _figures, _tables):
        parser.core.ruler.push(rule.__name__, rule)
    return parser


_PARSER = _parser()
