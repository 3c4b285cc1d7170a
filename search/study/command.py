"""The command line of every driver, built from its specification's fields."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

import click

import cluster
from cluster import ClusterError, ClusterLostError
from kbn.errors import InputError, WriteError, visible
from kbn.output import checked_output
from kbn.paths import user_path
from search.running import live
from search.settings.execution import Execution
from search.settings.setting import flag, read_toml
from search.settings.spec import StudySpec
from search.settings.values import show
from search.store.unexpected import UnexpectedError, unexpected
from search.study import dry_run
from search.study.closing import UNEXPECTED, shortcomings, summary
from search.study.forecast import Outlook
from search.study.run import run_study
from search.study.study import Study

BAD_INPUT, LOST, UNWRITABLE = 2, 3, 4
INTERRUPTED = 130
SPEC_FILE = click.Option(
    ["--spec"],
    metavar="FILE.toml",
    help="Read settings from a TOML file; its keys are the flags' names. Flags win.",
)


def main(spec_type: type[StudySpec], arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a driver's command line and exit.

    Exit codes: 0 done, 1 some trials failed, 2 bad input, 3 the cluster was lost, 4 the disk is
    full or the folder cannot be written to, 5 an error that nobody foresaw, 6 training diverged,
    130 stopped by Ctrl-C or SIGTERM. Whatever the code, finished trials are kept, and the same
    command goes on.
    """
    own = arguments is None  # this process is the command, and may become two
    command = _command(spec_type, run_supervised if own else _run)
    run_command(command, arguments, name=f"python -m search.{spec_type.kind}")


def run_command(command: click.Command, arguments: Sequence[str] | None, *, name: str) -> NoReturn:
    """Run a command line, with arguments in place of the process's own, and exit: see `main`."""
    with checked_output():
        code = exit_code(
            partial(
                command.main,
                args=None if arguments is None else list(arguments),
                prog_name=name,
                standalone_mode=False,
            )
        )
    sys.exit(code or 0)  # a command of click may return nothing


def exit_code(run: Callable[[], int]) -> int:
    """Return the exit code of a run, having said in a line what ended it."""
    try:
        code = run()
    except ClusterLostError as error:
        code = _complain(str(error), LOST)
    except WriteError as error:
        code = _complain(
            f"{error}; what was finished is kept: {error.way_out}, and run the same command again",
            UNWRITABLE,
        )
    except (InputError, ClusterError) as error:
        code = _complain(str(error))
    except click.ClickException as error:
        code = _complain(error.format_message())
    except (KeyboardInterrupt, click.Abort) as stop:  # click makes the one into the other
        said = stop.__cause__ if isinstance(stop, click.Abort) else stop
        _tell(str(said or "") or "stopped before the first trial; nothing is lost")
        code = INTERRUPTED
    except UnexpectedError as error:
        code = _complain(str(error), UNEXPECTED)
    except Exception as error:  # noqa: BLE001 - before there was a study's folder, or after it
        code = _complain(str(unexpected(error, None)), UNEXPECTED)
    return code


def _complain(message: str, code: int = BAD_INPUT) -> int:
    _tell(f"error: {' '.join(message.split())}")
    return code


def _tell(line: str) -> None:
    """Print a line for the user, where there is anything to print it on."""
    with suppress(WriteError):
        click.echo(visible(line), err=True)


def _command(
    spec_type: type[StudySpec], run: Callable[[StudySpec, Execution], int]
) -> click.Command:
    """Return a driver's command: one option a field, and `--spec`."""
    own = {field.name for field in dataclasses.fields(spec_type)}
    known = [*own, *(field.name for field in dataclasses.fields(Execution))]

    def callback(spec: str | None, **flags: Any) -> int:
        given = read_toml(user_path("--spec", spec), known) if spec is not None else {}
        given |= {name: value for name, value in flags.items() if value not in (None, ())}
        return run(
            spec_type(**{name: value for name, value in given.items() if name in own}),
            Execution(**{name: value for name, value in given.items() if name not in own}),
        )

    return click.Command(
        name=spec_type.kind,
        help=f"{spec_type.title}.\n\n{spec_type.about}",
        params=[*_options(spec_type), *_options(Execution), SPEC_FILE],
        callback=callback,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )


def _options(settings: type[StudySpec | Execution]) -> Iterator[click.Option]:
    """Yield an option a field. Values stay text: the dataclass reads and checks them."""
    refused = settings.refused if issubclass(settings, StudySpec) else ()
    for field in dataclasses.fields(settings):
        help_text, hidden = field.metadata["help"], field.name in refused
        if isinstance(field.default, bool):
            switch = flag(field.name)
            if field.default or settings is not Execution:
                switch += f"/{flag('no_' + field.name)}"
                help_text += f"  [default: {'yes' if field.default else 'no'}]"
            yield click.Option([switch], default=None, is_flag=True, help=help_text, hidden=hidden)
        else:
            if field.default not in (None, ()):
                help_text += f"  [default: {show(field.default)}]"
            many = field.metadata["many"]
            yield click.Option(
                [flag(field.name)],
                metavar=field.metadata["metavar"],
                multiple=many,
                help=help_text,
                hidden=hidden,
            )


def _run(spec: StudySpec, how: Execution, *, apart: bool = False) -> int:
    console = live.standard_error(quiet=how.quiet)
    if how.dry_run:
        say = partial(live.say, console)
        click.echo(visible(dry_run.describe(spec, how, say=say, outlook=outlook_of(how))))
        return 0
    return conclude(run_study(spec, how, console=console, apart=apart), quiet=how.quiet)


def conclude(study: Study, *, quiet: bool = False) -> int:
    """Print the lines that end a run; return its exit code."""
    lacks = list(shortcomings(study))
    for _, line in lacks:
        click.echo(visible(line), err=quiet)
    for line in summary(study, quiet=quiet):
        click.echo(visible(line))
    return lacks[0][0] if lacks else 0


def run_supervised(spec: StudySpec, how: Execution) -> int:
    """Run a study and return its exit code; Ray in a process of its own, which it may end."""
    if how.serial or how.dry_run:
        return _run(spec, how)
    code = cluster.supervised(partial(exit_code, partial(_run, spec, how, apart=True)))
    if code is None:
        live.leave(live.standard_error(quiet=how.quiet))
        raise ClusterLostError(
            "the cluster is lost: Ray ended the run, as it does when its part on this machine is "
            "stopped; what was finished is kept; run the same command again to go on"
        )
    return code


def outlook_of(how: Execution) -> Outlook | None:
    """Return what looks at the cluster that a study would run on; None where it would run here."""
    address, named = cluster.chosen_address(how.address)
    if how.serial or address is None:
        return None
    there = cluster.look_at(address, named=named)
    needs = cluster.Needs(how.cpus_per_trial, round(how.memory_per_trial * cluster.MEGABYTE))
    return lambda shared: cluster.outlook(
        there, needs, shared=shared, max_concurrent=how.max_concurrent
    )
