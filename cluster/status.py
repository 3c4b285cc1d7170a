"""Says what a cluster has, and what fits on it.

    python -m cluster.status --address auto --trials 12 --shared 615

The numbers of a study are given as flags, because this package knows nothing of studies; the
study's own command with `--dry-run --address …` says the same of its own numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import click
from tabulate import tabulate

from cluster.address import AUTO, chosen_address
from cluster.command_line import run
from cluster.connect import connection, look_at
from cluster.probe import Answer, ask_nodes, installed
from cluster.room import MEGABYTE, Needs, outlook
from cluster.survey import Node, Survey


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0, or 2 when nothing answers at the address."""
    run(command, arguments, name="python -m cluster.status")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--address",
    metavar="ADDRESS",
    help="HOST:PORT of the head, or `auto`  [default: $RAY_ADDRESS, else auto]",
)
@click.option("--trials", type=click.IntRange(min=1), help="How many trials there are to run.")
@click.option(
    "--cpus-per-trial",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    show_default=True,
    help="Cores that each asks for.",
)
@click.option(
    "--memory-per-trial",
    metavar="MB",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Memory that each asks for.",
)
@click.option("--max-concurrent", type=click.IntRange(min=1), help="Trials at once, at most.")
@click.option(
    "--shared",
    metavar="MB",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Data that every node holds once in its object store.",
)
@click.option(
    "--versions/--no-versions",
    default=True,
    help="Ask each node what is installed there; possible on a node of the cluster  [default: yes]",
)
def command(
    address: str | None,
    trials: int | None,
    cpus_per_trial: float,
    memory_per_trial: float,
    max_concurrent: int | None,
    shared: float,
    *,
    versions: bool,
) -> None:
    """Say what a Ray cluster has: nodes, cores, memory, object stores, versions.

    Given the numbers of a study, also how many of its trials run at once there.
    """
    chosen, named = chosen_address(address)
    found = look_at(chosen or AUTO, named=named if chosen else "--address")
    click.echo("\n".join(headlines(found)))
    click.echo("\n" + nodes_table(found.nodes) + "\n")
    needs = Needs(cpus_per_trial, round(memory_per_trial * MEGABYTE))
    slots, lines = outlook(
        found, needs, shared=round(shared * MEGABYTE), max_concurrent=max_concurrent
    )
    click.echo("\n".join(lines))
    if trials is not None:
        click.echo(f"trials: {trials}, in {math.ceil(trials / slots)} rounds of up to {slots}")
    if versions:
        click.echo("\n".join(version_lines(found)))


def headlines(cluster: Survey) -> Iterator[str]:
    """Yield what holds for the whole cluster."""
    yield f"Ray {cluster.ray}, Python {cluster.python}, at {cluster.address}"
    if cluster.dashboard:
        yield f"dashboard: http://{cluster.dashboard}, for `python -m cluster.submit`"
    else:
        yield "dashboard: none, so no jobs can be submitted (`ray[default]` on the head has one)"
    here = cluster.here
    yield f"this machine: {here}" if here else "this machine: no node of it; submit jobs instead"


def nodes_table(nodes: Sequence[Node]) -> str:
    """Return a row a node: cores, memory and object store, in all and free."""
    units = {"CPU": 1, "memory": MEGABYTE, "object_store_memory": MEGABYTE}
    rows = [
        (
            f"{node}{', head' if node.head else ''}",
            *(
                round(amounts.get(name, 0.0) / unit)
                for name, unit in units.items()
                for amounts in (node.total, node.free)
            ),
        )
        for node in nodes
    ]
    heads = ("node", "cores", "free", "memory MB", "free", "object store MB", "free")
    return tabulate(rows, headers=heads, intfmt=",", disable_numparse=[0])


def version_lines(cluster: Survey) -> Iterator[str]:
    """Yield what is installed on the nodes, those that agree in one line."""
    if cluster.here is None:
        yield "versions on the nodes: not asked, as this machine is no node of the cluster"
        return
    with connection(
        address=cluster.address,
        object_store_bytes=0,
        py_modules=(Path(__file__).resolve().parent,),
    ) as ray:
        answers, silent = ask_nodes(ray, installed)
    alike: dict[str, list[str]] = {}
    for node, answer in answers:
        alike.setdefault(_words(answer), []).append(node)
    for words, names in alike.items():
        yield f"versions on {', '.join(names)}: {words}"
    if silent:
        yield f"versions on {', '.join(silent)}: no answer"
    if len(alike) > 1:
        yield "warning: the nodes differ; a study refuses to start where what it needs differs"


def _words(answer: Answer) -> str:
    if isinstance(answer, str):
        return answer
    return ", ".join(f"{name} {version}" for name, version in answer.items())


if __name__ == "__main__":
    main()
