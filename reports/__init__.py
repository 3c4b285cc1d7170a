"""What a reader sees: records as frames, tables, figures and a Markdown report.

Its rooms, each of which knows only those below it; beside them are the document and its writing:

- `compare`: several studies side by side.
- one an experiment, named as it is (`coarse_fine`, …): findings first, then figures and words.
- `page`: from Markdown to one HTML page, and the page of a study under way.
- `drawing`: how figures look and become files, and the plots that several sections share.
- `parts`: what sections are made of: text, frames, tables, settings, environment.
"""

import os
import sys
from contextlib import suppress
from importlib import import_module


def _load_matplotlib() -> None:
    """Import Matplotlib, also where `$MPLBACKEND` names a backend that is not installed.

    A notebook leaves such a name to what is started from it, and it would end the import. Reports
    are drawn without a backend; what else this process draws has the one that is named.
    """
    if "matplotlib" in sys.modules or not os.environ.get("MPLBACKEND"):
        return
    named = os.environ.pop("MPLBACKEND")
    try:
        matplotlib = import_module("matplotlib")
    finally:
        os.environ["MPLBACKEND"] = named
    with suppress(ValueError):
        matplotlib.rcParams["backend"] = named


_load_matplotlib()

from reports.compare.section import StudiesCompared  # noqa: E402
from reports.drawing.style import warm_up  # noqa: E402
from reports.overview import overview, overview_html  # noqa: E402
from reports.parts.frames import history_frame, layers_frame, trials_frame  # noqa: E402
from reports.write import Report, draw_ahead, write, write_page, write_tables  # noqa: E402

__all__ = [
    "Report",
    "StudiesCompared",
    "draw_ahead",
    "history_frame",
    "layers_frame",
    "overview",
    "overview_html",
    "trials_frame",
    "warm_up",
    "write",
    "write_page",
    "write_tables",
]
