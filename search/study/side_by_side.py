"""Studies side by side, from their folders alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kbn.errors import InputError
from search.study.kept import kept

if TYPE_CHECKING:
    from reports import StudiesCompared


def side_by_side(folders: Sequence[Path]) -> StudiesCompared:
    """Return what some studies, two or more, say side by side; see `reports.compare`.

    Raises
    ------
    InputError
        When there are fewer than two, one is named twice, or one is no study, or a damaged one.
    """
    import reports  # it takes a second, which other commands need not wait for

    if len(folders) < 2:
        raise InputError("a comparison takes two studies, or more; name another one")
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise InputError("a study is compared with other ones; name each once")
    return reports.StudiesCompared(tuple(kept(folder) for folder in folders))
