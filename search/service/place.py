"""One server's settings and what it works with: what every route is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from search.service.drivers import Launcher
from search.service.folders import Folders
from search.service.looks import Looks
from search.service.queue import Queue


@dataclass(frozen=True)
class Place:
    """Where studies are, and how this server runs them."""

    folders: Folders
    """The studies."""
    launcher: Launcher = field(default_factory=Launcher)
    """How studies are started."""
    queue: Queue | None = None
    """What starts those that wait; None where somebody else does, or nothing is to start."""
    read_only: bool = False
    looks: Looks = field(default_factory=Looks)
    """What those who watch share."""

    @property
    def root(self) -> Path:
        """The folder of studies."""
        return self.folders.root

    def wake(self) -> None:
        """Let the queue look at the folder now: a study waits, or one that ran may have ended."""
        if self.queue is not None:
            self.queue.wake()
