"""The command `python -m search.studies`: what a server does, from a shell."""

from __future__ import annotations

import time
import webbrowser
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, NoReturn

import click
from tabulate import tabulate

from kbn.errors import InputError, visible
from kbn.paths import kind_of, read_text, user_path
from search.client import Row, Service
from search.export.command import command as export_command
from search.running.tally import time_text
from search.service.listing import Order
from search.service.local import Local
from search.study.command import run_command

Studies = Local | Service
PAGE = "report.html"
MESSAGE = 40
"""Characters of a message in a list."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0, or 2 on bad input, such as a study that is not there."""
    run_command(group, arguments, name="python -m search.studies")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def group() -> None:
    """List, show, compare, stop, retry, put away and delete studies.

    They are those of a folder (--out), or of a server (--server).
    """


Command = Callable[..., Any]


def _on_studies(run: Command) -> Command:
    """Give a command the flags that say where the studies are, and the studies."""

    def with_studies(out: str, server: str | None, token_file: str | None, **given: Any) -> None:
        studies = _studies(out, server, token_file)
        try:
            run(studies, **given)
        finally:
            if isinstance(studies, Service):
                studies.close()

    command = update_wrapper(with_studies, run)
    for option in (
        click.option(
            "--token-file",
            metavar="FILE",
            help="File that holds the server's token, if not in URL.",
        ),
        click.option("--server", metavar="URL", help="Ask this server, in place of a folder."),
        click.option("--out", default="runs", show_default=True, metavar="DIR", help="The folder."),
    ):
        command = option(command)
    return command


def _studies(out: str, server: str | None, token_file: str | None) -> Studies:
    if server is None:
        return Local(user_path("--out", out))
    token = None
    if token_file is not None:
        token = read_text(user_path("--token-file", token_file), f"--token-file {token_file}")
    return Service(server, token=token.strip() if token else None)


@group.command("list")
@_on_studies
@click.option("--text", metavar="TEXT", help="Those whose name or message holds it.")
@click.option("--archived", is_flag=True, help="Those that were put away.")
@click.option("--sort", type=click.Choice([each.value for each in Order]), default=Order.WHEN.value)
def list_(studies: Studies, *, text: str | None, archived: bool, sort: str) -> None:
    """List studies, the newest first."""
    filters: dict[str, Any] = {"archived": archived, "sort": sort}
    if text is not None:
        filters["text"] = text
    rows = studies.list(**filters)
    if not rows:
        click.echo("no studies")
        return
    heads = ("study", "state", "done", "left", "best", "test", "who", "when", "message")
    click.echo(visible(tabulate([_cells(row) for row in rows], heads, disable_numparse=True)))


def _cells(row: Row) -> tuple[str, ...]:
    best, test, left = row["best"], row["test"], row["seconds_left"]
    return (
        row["name"],
        row["state"],
        f"{row['progress']:.0%}",
        "" if left is None else time_text(left),
        f"{best['label']}: {_share(best)}" if best else "",
        _share(test) if test else "",
        row["who"],
        time.strftime("%Y-%m-%d %H:%M", time.localtime(row["when"])),
        " ".join(row["message"].split())[:MESSAGE],
    )


def _share(found: Row) -> str:
    """Return an accuracy with its standard error."""
    error = found.get("error")
    return f"{found['accuracy']:.4f}" + ("" if error is None else f" ± {error:.4f}")


@group.command()
@_on_studies
@click.argument("name")
def show(studies: Studies, *, name: str) -> None:
    """Show a study: its state, what it found, its stages, and the command that goes on with it."""
    found = studies.show(name)
    row = found["summary"]
    lines = [f"{row['name']}: {row['state']}, {row['progress']:.0%} of its epochs"]
    lines += [f"why: {row['reason']}"] if row["reason"] else []
    lines += [f"asked for by {row['who']}: {row['message']}"] if row["message"] else []
    lines += [row["verdict"]] if row["verdict"] else []
    lines += [f"cannot be read: {found['problem']}"] if found["problem"] else []
    if found["stages"]:
        cells = [(s["experiment"], s["name"], s["trials"], s["ended"]) for s in found["stages"]]
        lines += ["", tabulate(cells, ("experiment", "stage", "trials", "ended")), ""]
    lines += [f"command: {found['command']}"] if found["command"] else []
    click.echo(visible("\n".join(lines)))


@group.command()
@_on_studies
@click.argument("names", nargs=-1, required=True)
def compare(studies: Studies, *, names: tuple[str, ...]) -> None:
    """Show studies side by side: the settings that differ, their best, their final models.

    Those that validate on the same images are compared image by image, with intervals.
    """
    click.echo(visible(studies.compare(*names)["text"]), nl=False)


@group.command()
@_on_studies
@click.argument("name")
def log(studies: Studies, *, name: str) -> None:
    """Print the end of what a study has printed, where it was submitted."""
    click.echo(visible(studies.log(name)), nl=False)


def _verb(
    name: str, what: str, done: str, *options: click.Option, of: str = "", **given: bool
) -> None:
    """Make a command of a verb, called otherwise or not, that needs studies and few flags."""
    verb = of or name

    @group.command(name, help=what)
    @_on_studies
    @click.argument("names", nargs=-1, required=True)
    def command(studies: Studies, *, names: tuple[str, ...], **flags: bool) -> None:
        for each in names:
            found = getattr(studies, verb)(each, **given, **flags)
            state = found if isinstance(found, str) else f"{found['name']}: {found['state']}"
            click.echo(visible(f"{done} {state}"))

    command.params += options


FIRST = click.Option(["--first"], is_flag=True, help="Ahead of those that wait.")
_verb("stop", "Let studies end after the trials that run.", "stopped")
_verb("cancel", "End studies now; trials that have ended are kept.", "cancelled")
_verb(
    "retry",
    "Queue studies again, for what failed or was not begun; a server runs them.",
    "queued",
    FIRST,
)
_verb("archive", "Put studies away: lists leave them out.", "put away")
_verb("unarchive", "Take studies back that were put away.", "taken back", of="archive", away=False)
_verb("delete", "Move studies into the bin, unless they run.", "in the bin:")
_verb("restore", "Move studies out of the bin.", "restored")


group.add_command(export_command)


@group.command("open")
@_on_studies
@click.argument("name")
def open_(studies: Studies, *, name: str) -> None:
    """Open a study's report in a browser."""
    if isinstance(studies, Service):
        address = f"{studies.url}/studies/{name}/{PAGE}"
        studies.summary(name)
    else:
        page = studies.folders.folder(name) / PAGE
        if kind_of(page) is None:
            raise InputError(f"{page} is not there yet; it is written while the study runs")
        address = page.absolute().as_uri()
    click.echo(address)
    webbrowser.open(address)
