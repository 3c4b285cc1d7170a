"""The figures of a report: drawn into its folder, and known by path and caption."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType, TracebackType
from typing import Any, Self

from kbn.files import make_folder
from reports.drawing.artists import Artists, Work
from reports.drawing.digest import digest_of
from reports.drawing.style import Draw, Painted, dark_path, paint, write_figure, write_painted
from reports.parts.missing import making, note
from search.records import Missing, StudyRecord


@dataclass
class Picture:
    """A figure as a report embeds it; whether it could be drawn is known when its album ends."""

    png: str
    """Path relative to the report."""
    svg: str
    caption: str
    failure: str = ""
    """Why it could not be drawn, where it could not."""

    def __bool__(self) -> bool:
        """Say whether there is something to show."""
        return bool(self.png)


class Album:
    """Draws a study's figures into its folder `figures/`; a context manager.

    Those of a preview are marked as such. An `empty` album draws none: they take nearly all of
    a report's time. One that cannot be drawn is added to `missing`, and shown with the reason.
    So many `artists` draw at once: see `Artists`. What is `ahead`, by its digest, is drawn already.
    """

    def __init__(
        self,
        record: StudyRecord,
        *,
        missing: list[Missing],
        empty: bool = False,
        artists: int = 1,
        ahead: Mapping[bytes, Painted] = MappingProxyType({}),
    ) -> None:
        self._missing = missing
        self._ahead = ahead
        self._artists = Artists(artists)
        self._empty = empty
        self._study = record.folder
        self._mark = preview_mark(record) or ""

    def draw(self, name: str, draw: Draw, caption: str, *, height: float) -> Picture:
        """Write a figure of the page's width, `height` inches high: SVG for light and dark, PNG."""
        if self._empty:
            return Picture("", "", caption)
        folder = self._study / "figures"
        make_folder(folder)
        picture = Picture(f"figures/{name}.png", f"figures/{name}.svg", caption)
        how = self._how(height)
        work: Work = partial(write_figure, folder, name, draw, **how)
        key = digest_of(draw, how) if self._ahead else None
        if key is not None and key in self._ahead:
            work = partial(write_painted, folder, name, self._ahead[key])
        self._artists.draw(work, partial(self._done, name, picture))
        return picture

    def _how(self, height: float) -> dict[str, Any]:
        return {"height": height, "mark": self._mark, "dark": True}

    def _done(self, name: str, picture: Picture, error: Exception | None) -> None:
        if error is None:
            return
        note(f"figure {name}", error, self._missing)
        picture.png = picture.svg = ""
        picture.failure = self._missing[-1].reason

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._artists.finish()
        finally:
            self._artists.abandon()

    def drawn_before(self, name: str, caption: str) -> Picture | None:
        """Return a figure as an earlier report left it; None where none did."""
        svg, png = (f"figures/{name}{suffix}" for suffix in (".svg", ".png"))
        there = all((self._study / path).is_file() for path in (svg, png))
        return Picture(png, svg, caption) if there and not self._empty else None

    def remove(self, name: str) -> None:
        """Remove a figure that an earlier report left, and that is true no more."""
        svg, png = (self._study / "figures" / f"{name}{suffix}" for suffix in (".svg", ".png"))
        for path in (svg, dark_path(svg), png):
            path.unlink(missing_ok=True)


class Ahead(Album):
    """Draws a study's figures before it ends, and writes nothing: `keep` is given each.

    Those whose digest is `known` are not drawn again. One that cannot be drawn is left to the
    report, which says why.
    """

    def __init__(
        self,
        record: StudyRecord,
        *,
        known: Collection[bytes],
        keep: Callable[[bytes, Painted], object],
    ) -> None:
        super().__init__(record, missing=[])
        self._known, self._keep = known, keep

    def draw(self, name: str, draw: Draw, caption: str, *, height: float) -> Picture:
        """Draw a figure that is not known."""
        how = self._how(height)
        key = digest_of(draw, how)
        if key is not None and key not in self._known:
            with making(f"figure {name}", []):
                self._keep(key, paint(draw, **how))
        return Picture("", "", caption)

    def remove(self, name: str) -> None:
        """Leave files as they are."""


def preview_mark(record: StudyRecord) -> str | None:
    """Return the words that mark a study on a share of the images; None for a whole study."""
    return None if record.scale == 1.0 else f"preview at scale {record.scale:g}"
