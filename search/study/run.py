"""Running a study from its specification.

This is where the parts meet: `search` decides, `cluster` runs, `kbn` trains, `reports` shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

import cluster
from kbn.arrays import machine_bytes
from kbn.errors import InputError, Told, WriteError, in_python
from search.records import State, StudyRecord, UnderWay
from search.running import live
from search.running.session import TrainingSession
from search.running.workers import Workers, termination_as_interrupt
from search.settings.execution import Execution
from search.settings.setting import flag
from search.settings.spec import StudySpec
from search.store.folder import (
    DATA_SET,
    STORE,
    begun_with,
    check_specification,
    check_writable,
    claim,
    is_read_only,
)
from search.store.store import Store
from search.store.unexpected import unexpected
from search.study.apart import reporter
from search.study.closing import closing
from search.study.final_model import with_mistakes, write_model
from search.study.recording import build_record, kept_record
from search.study.reporting import Reporter, write_page, write_report
from search.study.study import Study
from search.training.memory import check_networks
from search.training.problem import Problem, prepare


class Stopped(Told, KeyboardInterrupt):
    """Ctrl-C, or SIGTERM, while a study ran. The message says what is kept."""


def run(spec: StudySpec, **execution: Any) -> Study:
    """Run a study, or resume it, and write its report.

    Parameters
    ----------
    spec
        What to study, such as `LambdaSearch(data="digits")`.
    **execution
        The settings of `search.Execution`, whose `help` lists them: `out`, `name`, `serial`, …

    Raises
    ------
    InputError
        When a setting, the data or the folder cannot be used; nothing is written then.
    ClusterError
        When there is no Ray at the address; nothing is written then.
    ClusterLostError
        When the cluster went away. Finished trials are kept, and the same call resumes.
    WriteError
        When the disk is full, or the folder cannot be written to: the same holds.
    UnexpectedError
        When anything else goes wrong once there is a folder: a file in it holds the traceback.
    Stopped
        A KeyboardInterrupt: on Ctrl-C. Finished trials are kept, and the same call resumes.
    """
    how = Execution(**execution)
    console = live.standard_error(quiet=how.quiet)
    study = run_study(spec, how, console=console)
    said = "\n".join(closing(study))
    live.say(console, in_python(said) if console.is_jupyter else said)
    return study


@termination_as_interrupt()
def run_study(spec: StudySpec, how: Execution, *, console: Console, apart: bool = False) -> Study:
    """Do what `run` does, with progress shown on `console`.

    A process that has no threads yet may have reports written `apart`, in one of its own.
    """
    if how.dry_run:
        raise InputError(
            "a dry run trains nothing, so it has no study to return: "
            "search.study.dry_run.describe(spec, how, say=print) returns what it says"
        )
    with reporter(apart=apart) as report:
        if not how.serial:
            cluster.load()
        return _run_study(spec, how, console=console, report=report)


def _run_study(spec: StudySpec, how: Execution, *, console: Console, report: Reporter) -> Study:
    check_writable(how.out)
    say = partial(live.say, console)
    problem = prepare(spec, data_dir=how.data_dir, say=say)
    name = how.name or spec.study_name(problem.record.name)
    folder = how.out / name
    check_writable(folder)
    spec = spec.as_begun(begun_with(folder, overwrite=how.overwrite))
    identity = identity_of(spec, problem)
    check_specification(folder, identity, overwrite=how.overwrite)
    if is_read_only(folder):
        return _looked_at(spec, problem, name=name, folder=folder, how=how, say=say)
    how = _placed(how, say=say)
    if how.address is None:
        check_memory(spec, how, problem)
    with Workers(how, problem, say=say) as workers:
        session = TrainingSession(spec, how, problem, workers=workers, console=console)
        if not (folder / STORE).exists():
            workers.open()  # there is something to train for sure
        report.check()
        with claim(folder, identity, overwrite=how.overwrite) as store:

            def record(open_trials: Mapping[str, State]) -> StudyRecord:
                return build_record(
                    spec, problem.record, store, name=name, folder=folder, open_trials=open_trials
                )

            def write_live_page(under_way: UnderWay | None) -> Path:
                path: Path = report(
                    write_page, record(under_way.states if under_way else {}), under_way
                )
                return path

            try:
                session.train(
                    store,
                    write_live_page,
                    last=lambda trials: report.ahead(partial(record, trials)),
                    look=report.look,
                )
                workers.release()
                study = Study(with_mistakes(record({}), problem))
                try:
                    study.report(partial(report, write_report))
                finally:
                    write_model(study.record, problem)
            except KeyboardInterrupt:
                raise Stopped(f"stopped: {_what_is_kept(store, folder)}") from None
            except cluster.ClusterLostError as lost:
                raise cluster.ClusterLostError(f"{lost}; {_what_is_kept(store, folder)}") from lost
            except (InputError, WriteError, cluster.ClusterError):
                raise
            except Exception as error:
                raise unexpected(error, folder, kept=_what_is_kept(store, folder)) from error
    return study


def _looked_at(
    spec: StudySpec,
    problem: Problem,
    *,
    name: str,
    folder: Path,
    how: Execution,
    say: Callable[[str], None],
) -> Study:
    """Return a finished study of a folder that may be read alone: nothing is trained or written."""
    record = kept_record(spec, problem.record, name=name, folder=folder)
    if how.overwrite or not record.finished:
        why = "may not be replaced" if how.overwrite else "is not finished"
        raise InputError(
            f"{folder} is not writable, and its study {why}; choose another {flag('out')}"
        )
    say(f"{folder} is not writable: its finished study is shown, and no report written")
    return Study(record)


def check_memory(spec: StudySpec, how: Execution, problem: Problem) -> None:
    """Raise `InputError` when this machine cannot hold the networks of a study."""
    check_networks(
        [hidden for part in spec.experiments() for hidden in part.networks()],
        inputs=problem.record.inputs,
        classes=len(problem.record.classes),
        slots=slots_here(how),
        available=machine_bytes(),
    )


def slots_here(how: Execution) -> int:
    """Return how many trials this machine would run at once."""
    if how.serial:
        return 1
    slots = max(1, int(cluster.cores_here() / how.cpus_per_trial))
    return min(slots, how.max_concurrent or slots)


def _placed(how: Execution, *, say: Callable[[str], None]) -> Execution:
    """Return `how` with the address that is meant, checked; None for an embedded Ray.

    `$RAY_ADDRESS` is honoured where nothing else was said, as Ray's own commands do; it is how a
    job is told its cluster.
    """
    if how.serial:
        return how
    address, named = cluster.chosen_address(how.address)
    if address is not None:
        cluster.check_address(address, named=named)
        if how.address is None:
            say(f"on the Ray cluster at {address}, as {named} says; --address local runs here")
    return replace(how, address=address)


def _what_is_kept(store: Store, folder: Path) -> str:
    trials = store.trials()
    ended = sum(store.result(trial.id) is not None for trial in trials)
    return (
        f"{ended} of the {len(trials)} trials asked for so far are done and kept in "
        f"{folder}; run the same command again to go on"
    )


def identity_of(spec: StudySpec, problem: Problem) -> dict[str, Any]:
    """Return what makes a study this one: its specification and its data, as plain values.

    With it comes what is known of the data, for whoever has no more than the folder.
    """
    return {
        "driver": spec.kind,
        **spec.plain(),
        "data": problem.record.name,
        "fingerprint": problem.record.fingerprint,
        DATA_SET: asdict(problem.record),
    }
