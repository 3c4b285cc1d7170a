"""What the service keeps in a study's folder: who asked for what, and what became of its driver.

Both are small JSON files, written whole. A study that was run by hand has neither, until somebody
does something with it here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from kbn.errors import InputError
from kbn.files import write_text
from kbn.paths import kind_of, read_text
from search.store.decode import FOREIGN, read_record
from search.store.folder import DRIVER, REQUEST

LONGEST = 2_000
"""Characters of a message."""


@dataclass(frozen=True)
class Request:
    """What somebody wants of a study."""

    who: str = ""
    """Nobody asked for a study that was run by hand."""
    when: float | None = None
    """Seconds since 1970."""
    message: str = ""
    execution: Mapping[str, Any] = field(default_factory=dict)
    """Settings of `search.settings.execution.Execution` that were given."""
    wanted: bool = False
    """Whether it is to be run to its end."""
    first: bool = False
    """Whether it goes ahead of those that wait, but for others that do."""
    turn: int = 0
    """How often it was asked for again."""
    archived: bool = False


@dataclass(frozen=True)
class Driver:
    """The process, or the job, that runs a study, or ran it last."""

    turn: int
    """Of the request that it was started for."""
    start: int = 1
    """How often one was started for that turn: one that is lost is started again."""
    since: float = 0.0
    """When, in seconds since 1970."""
    host: str = ""
    pid: int | None = None
    """On that host; None of a job."""
    born: int | None = None
    """When that process began, in ticks of that host: another one may get its number."""
    job: str = ""
    """Of Ray's."""
    code: int | None = None
    """The exit code of the study's command; None until it ends, and when it was lost."""
    ended: float | None = None


T = TypeVar("T", Request, Driver)


def read_request(folder: Path) -> Request | None:
    """Return what was asked for; None of a study that was run by hand."""
    return _read(Request, folder / REQUEST)


def read_driver(folder: Path) -> Driver | None:
    """Return what is known of a study's driver; None before the first."""
    return _read(Driver, folder / DRIVER)


def keep(folder: Path, what: Request | Driver) -> None:
    """Write what is wanted, or who runs it. Raises `WriteError` where it cannot be written."""
    name = REQUEST if isinstance(what, Request) else DRIVER
    write_text(folder / name, json.dumps(asdict(what), indent=2, ensure_ascii=False) + "\n")


def _read(kind: type[T], path: Path) -> T | None:
    if kind_of(path) is None:
        return None
    try:
        held = json.loads(read_text(path))
        return read_record(kind, dict(held))
    except FileNotFoundError:
        return None
    except (InputError, *FOREIGN) as error:
        raise InputError(f"{path} is not what the service writes ({error}); remove it") from error
