"""One server's settings and what it shows: what every route is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from search.service.folders import Folders


@dataclass(frozen=True)
class Place:
    """Where studies are, and how this server runs them."""

    root: Path
    """The folder of studies."""
    read_only: bool = False
    at_once: int = 1
    """Studies that run at once, at most."""
    data_dir: Path | None = None
    address: str | None = None
    """Of the Ray cluster where they run; None for processes on this machine."""
    on_end: str | None = None
    """Address that is sent a line when a study ends."""
    largest_upload: int = 2**30
    folders: Folders = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folders", Folders(self.root))
