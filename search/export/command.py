"""`python -m search.studies export`: a study of a folder for another tool."""

from __future__ import annotations

import click

from kbn.errors import visible
from kbn.paths import user_path
from search.export.export import TARGETS, export
from search.settings.values import file_name
from search.study.kept import kept


@click.command(
    "export",
    help="Write the study NAME for another tool. `pip install 'kbn-search[TOOL]'` adds what that "
    "takes; csv takes nothing.",
)
@click.argument("name")
@click.option(
    "--to", required=True, metavar="TOOL", help=f"The tool: {', '.join(TARGETS)}.", type=str
)
@click.option(
    "--into",
    metavar="PATH",
    help="The file or folder to write; several studies may share a store of Optuna's or MLflow's.  "
    "[default: in the study's folder]",
)
@click.option(
    "--out", default="runs", show_default=True, metavar="DIR", help="Folder that holds studies."
)
def command(name: str, to: str, into: str | None, out: str) -> None:
    """Export, and say where it is."""
    folder = user_path("--out", out) / file_name("NAME", name)
    place = None if into is None else user_path("--into", into)
    click.echo(visible(str(export(kept(folder), to, place))))
