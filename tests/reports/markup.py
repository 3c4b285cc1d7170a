"""What a browser makes of a page's HTML, without a browser."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "source", "input"}


@dataclass
class Element:
    """An element: its tag, its attributes, its own text with that of the elements inside."""

    tag: str
    attributes: dict[str, str]
    within: tuple[str, ...]
    """The tags around it, outermost first."""
    text: str = ""


@dataclass
class Page(HTMLParser):
    """A page's elements, in order. Reading one whose elements are not closed in order fails."""

    source: str
    elements: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[Element] = []
        self.feed(self.source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element."""
        attributes = {name: value or "" for name, value in attrs}
        element = Element(tag, attributes, tuple(each.tag for each in self._open))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element, which has to be of this kind."""
        if tag not in VOID:
            assert self._open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        """Give text to all elements around it."""
        for element in self._open:
            element.text += data

    def all(self, tag: str, kind: str = "") -> list[Element]:
        """Return the elements of a tag, and of a class where one is given."""
        return [
            each
            for each in self.elements
            if each.tag == tag and (not kind or kind in each.attributes.get("class", "").split())
        ]

    def one(self, tag: str, kind: str = "") -> Element:
        """Return the only such element."""
        (element,) = self.all(tag, kind)
        return element
