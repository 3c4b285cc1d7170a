"""A folder of studies from a shell, without a server: the same verbs, the same answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from search.service import verbs
from search.service.details import details, log_end
from search.service.folders import Folders
from search.service.listing import Order, listed
from search.study.side_by_side import side_by_side

Row = dict[str, Any]
ALL = 10**9


class Local:
    """The studies of a folder, with the methods of `search.client.Service` that a shell has.

    Whoever queues a study here needs a server, now or later, that runs it.
    """

    def __init__(self, root: Path) -> None:
        self.folders = Folders(root)

    def list(self, *, archived: bool = False, text: str | None = None, sort: str) -> list[Row]:
        """Return the studies' rows."""
        rows = self.folders.summaries()
        found = listed(rows, archived=archived, text=text, sort=Order(sort), size=ALL)
        return [asdict(row) for row in found.studies]

    def summary(self, name: str) -> Row:
        """Return a study's row."""
        return asdict(self.folders.summary(name))

    def show(self, name: str) -> Row:
        """Return all of a study."""
        return asdict(details(self.folders, name))

    def compare(self, *names: str) -> Row:
        """Return studies side by side: `findings`, and `text` in Markdown."""
        found = side_by_side([self.folders.folder(name) for name in names])
        return {"findings": found.plain(), "text": found.text}

    def stop(self, name: str) -> Row:
        """Let a study end after the trials that run."""
        return self._after(verbs.stop, name)

    def cancel(self, name: str) -> Row:
        """End a study now."""
        return self._after(verbs.cancel, name)

    def retry(self, name: str, *, first: bool = False) -> Row:
        """Queue a study again."""
        verbs.retry(self.folders, name, first=first)
        return self.summary(name)

    def archive(self, name: str, *, away: bool = True) -> Row:
        """Put a study away, or take it back."""
        verbs.archive(self.folders, name, away=away)
        return self.summary(name)

    def delete(self, name: str) -> str:
        """Move a study into the bin; return its name there."""
        return verbs.delete(self.folders, name)

    def restore(self, name: str) -> Row:
        """Move a study out of the bin."""
        return self.summary(verbs.restore(self.folders, name))

    def log(self, name: str) -> str:
        """Return the end of what a study's driver has printed."""
        return log_end(self.folders.folder(name))

    def _after(self, verb: Callable[[Folders, str], None], name: str) -> Row:
        verb(self.folders, name)
        return self.summary(name)
