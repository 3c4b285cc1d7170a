"""Whether a study's store can be read, at the price that a list can pay."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from kbn.errors import InputError
from kbn.paths import kind_of
from search.store import schema
from search.store.folder import STORE
from search.store.integrity import UNREADABLE, problems


def damage(folder: Path) -> str:
    """Return what is wrong with a study's store; nothing where it is sound, or not there yet.

    Every row is held against its checksum; what the values mean is read where a study is opened.
    """
    path = folder / STORE
    if kind_of(path) is None:
        return ""
    try:
        with closing(schema.connect(path, read_only=True)) as db:
            version = schema.version_of(db)
            if version > schema.VERSION:
                return f"{path.name} is of a newer version; update this package"
            wrong = next(problems(db, version=version), "") if version else "it has no schema"
    except (InputError, *UNREADABLE) as error:
        wrong = str(error)
    return f"{path.name} is damaged ({wrong}): see `python -m search.store check`" if wrong else ""
