"""Submits a command as a Ray job, follows it, and brings back what it made.

    python -m cluster.submit --address http://head:8265 -- python -m search.lambda_coarse_fine …

All of it goes through the dashboard's port. The code travels as the job's working directory. The
command is given `--out FOLDER`, a folder on the cluster that is the same whenever the same command
is submitted; whatever is in it at the end is put under the `--out` that the command named, or
under `runs`. The job does not need this process: it may lose its connection, or be killed, and
`--attach ID` takes over.
"""

from __future__ import annotations

import getpass
import hashlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from cluster.command_line import INTERRUPTED, run
from cluster.errors import ClusterError
from cluster.jobs.client import Jobs, Outcome
from cluster.jobs.fetch import put

FAILED = 1
OUT, DEFAULT_OUT = "--out", "runs"
EXCLUDES = (
    "/runs/",
    ".git/",
    ".venv/",
    "__pycache__/",
    ".mypy_cache/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".hypothesis/",
    "*.tar.gz",
)
"""What never travels with the code, in the syntax of .gitignore, which is honoured as well."""
SCRIPT = Path("cluster") / "jobs" / "job.py"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Exit codes: the command's own; 2 bad input; 130 left by Ctrl-C (the job goes on), or stopped.
    """
    run(command, arguments, name="python -m cluster.submit")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--address",
    metavar="URL",
    help="The dashboard, http://HEAD:8265  [default: $RAY_API_SERVER_ADDRESS]",
)
@click.option("--attach", metavar="ID", help="Follow a job that was submitted before.")
@click.option("--detach", is_flag=True, help="Submit, print the job's ID, and leave.")
@click.option(
    "--working-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="The code that travels: a checkout of this project  [default: this folder]",
)
@click.option(
    "--exclude",
    metavar="PATTERN",
    multiple=True,
    help="More that does not travel, in the syntax of .gitignore; may be given several times.",
)
@click.option(
    "--no-folder",
    is_flag=True,
    help="Do not give the command --out; nothing is brought back.",
)
@click.option(
    "--python",
    metavar="NAME",
    default="python3",
    show_default=True,
    help="The Python that starts on the cluster; the command itself gets the one that has Ray.",
)
@click.argument("words", metavar="-- COMMAND…", nargs=-1, type=click.UNPROCESSED)
def command(
    address: str | None,
    attach: str | None,
    words: tuple[str, ...],
    working_dir: Path,
    exclude: tuple[str, ...],
    python: str,
    *,
    detach: bool,
    no_folder: bool,
) -> int:
    """Submit COMMAND as a Ray job, follow its log, and bring its folder back.

    The exit code is the command's.
    """
    if bool(attach) == bool(words):
        raise ClusterError("give either a command, after `--`, or --attach ID")
    jobs = Jobs(address)
    if attach:
        name, out, job = *jobs.metadata(attach), attach
    else:
        rest, out = split_out(words)
        name = "" if no_folder else folder_name(rest)
        if not (working_dir / SCRIPT).is_file():
            raise ClusterError(
                f"--working-dir {working_dir} holds no {SCRIPT}: name a checkout of this project"
            )
        job = jobs.submit(
            shlex.join([python, str(SCRIPT), "run", name, "--", *rest]),
            working_dir=working_dir,
            excludes=(*EXCLUDES, *exclude),
            metadata={"folder": name, "out": str(out)},
        )
        _say(f"job {job} at {jobs.address}")
    if detach:
        click.echo(job)
        return 0
    return _stay(jobs, job, name=name, out=out, python=python)


def _stay(jobs: Jobs, job: str, *, name: str, out: Path, python: str) -> int:
    """Follow a job to its end, bring its folder, return the exit code."""
    attach = f"python -m cluster.submit --address {jobs.address} --attach {job}"
    try:
        outcome = jobs.follow(job, write=lambda text: click.echo(text, nl=False), say=_say)
        if name:
            for path in put(jobs.bring(outcome, name, python=python), out, job=job, name=name):
                _say(f"brought back: {path}")
    except KeyboardInterrupt:
        _say(
            f"left; the job goes on. To follow it: {attach}; to stop it: "
            f"ray job stop --address {jobs.address} {job}"
        )
        raise
    except ClusterError as error:
        raise ClusterError(f"job {job}: {error}; to take it up again: {attach}") from error
    return _exit_code(outcome)


def _exit_code(outcome: Outcome) -> int:
    if outcome.status == "STOPPED":
        _say(f"job {outcome.job} was stopped; the same command submitted again goes on")
        return INTERRUPTED
    if outcome.code is None and outcome.status != "SUCCEEDED":
        _say(f"job {outcome.job} failed: {outcome.message}")
        return FAILED
    return outcome.code or 0


def split_out(words: Sequence[str]) -> tuple[list[str], Path]:
    """Return a command without its `--out DIR`, and DIR; `runs` when it has none."""
    rest: list[str] = []
    out = DEFAULT_OUT
    remaining = iter(words)
    for word in remaining:
        if word == OUT:
            out = next(remaining, out)
        elif word.startswith(f"{OUT}="):
            out = word.removeprefix(f"{OUT}=")
        else:
            rest.append(word)
    if "://" in out:
        raise ClusterError(f"--out {out}: is an address; give a folder of this machine")
    try:
        return rest, Path(out).expanduser().absolute()
    except (OSError, RuntimeError) as error:  # no working directory, or no such home folder
        raise ClusterError(f"--out {out}: {error}; write the path out") from error


def folder_name(words: Sequence[str]) -> str:
    """Return the name of a command's folder on the cluster: the same for the same command."""
    digest = hashlib.sha256("\0".join(words).encode()).hexdigest()[:12]
    return f"{getpass.getuser()}-{digest}"


def _say(line: str) -> None:
    click.echo(line, err=True)


if __name__ == "__main__":
    main()
