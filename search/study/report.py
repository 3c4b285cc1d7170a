"""The command `python -m search.study report`: a report again, from a study's folder alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NoReturn

import click

from kbn.paths import user_path
from search.store.folder import locked
from search.study.command import conclude, run_command
from search.study.kept import check_is_study
from search.study.reporting import artists_here, check_reports, write_report
from search.study.run import Stopped
from search.study.study import Study


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit, with the codes of the command that ran the study."""
    commands = click.Group(
        commands=[report],
        help="Look after a study that was run.",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    run_command(commands, arguments, name="python -m search.study")


@click.command(
    help="Write the report of the study in FOLDER again, its figures and tables too: from what is "
    "kept there, without its data set and without Ray. Nothing is trained; the model and the "
    "picture of its worst mistakes, which take the images themselves, stay as they are."
)
@click.argument("folder")
def report(folder: str) -> int:
    """Write a report again, say what it lacks, and return the exit code."""
    path = user_path("FOLDER", folder)
    check_reports()
    check_is_study(path)
    try:
        with locked(path):
            study = Study.open(path)
            study.report(partial(write_report, artists=artists_here()))
    except KeyboardInterrupt:
        raise Stopped("stopped: the same command writes the rest of the report") from None
    return conclude(study)
