"""What runs a study that was submitted: its command, under a lock, and a note of how that ended.

    python -m search.service.driver FOLDER TURN START [--lock FD] [--address …]

It does what the study's own command does. It needs no server: one may be killed meanwhile, and the
next one reads what is noted here.
"""

from __future__ import annotations

import json
import os
import socket
import time
import urllib.request
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from search.service.drivers import born
from search.service.folders import Folders
from search.service.locks import take
from search.service.requests import Driver, keep, read_driver, read_request
from search.settings.execution import Execution
from search.store.folder import DRIVER_LOCK
from search.study.command import exit_code, run_command, run_supervised
from search.study.kept import specification

HOOK_SECONDS = 10.0
"""How long whoever is told of the end may take to answer."""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("turn", type=int)
@click.argument("start", type=int)
@click.option("--lock", type=int)
@click.option("--address")
@click.option("--data-dir", type=click.Path(path_type=Path))
@click.option("--on-end")
def command(
    folder: Path,
    turn: int,
    start: int,
    lock: int | None,
    address: str | None,
    data_dir: Path | None,
    on_end: str | None,
) -> int:
    """Run the study in FOLDER, which was asked for TURN times before, for the START-th time."""
    handle = take(folder / DRIVER_LOCK) if lock is None else lock
    if handle is None:
        return 0  # another one is at it
    os.set_inheritable(handle, False)  # not Ray's
    driver = Driver(
        turn=turn,
        start=start,
        since=time.time(),
        host=socket.gethostname(),
        pid=os.getpid(),
        born=born(os.getpid()),
        job=_job(folder, turn, start),
    )
    keep(folder, driver)
    code = exit_code(partial(_run, folder, address=address, data_dir=data_dir))
    keep(folder, replace(driver, code=code, ended=time.time()))
    os.close(handle)
    if on_end is not None:
        _tell(on_end, folder)
    return code


def _job(folder: Path, turn: int, start: int) -> str:
    """Return the name of the job that this process is, as its server has noted it; "" of none."""
    noted = read_driver(folder)
    return noted.job if noted and (noted.turn, noted.start) == (turn, start) else ""


def _run(folder: Path, *, address: str | None, data_dir: Path | None) -> int:
    """Run the study as it was asked for."""
    request = read_request(folder)
    if request is None or not request.wanted:
        raise KeyboardInterrupt("it is not wanted any more")
    spec, _ = specification(folder)
    how = Execution(
        out=folder.parent,
        name=folder.name,
        address=None if request.execution.get("serial") else address,
        data_dir=data_dir,
        **request.execution,
    )
    return run_supervised(spec, how)


def _tell(address: str, folder: Path) -> None:
    """Send a line on how a study ended to whoever wants to know; say so where nobody answers."""
    row = Folders(folder.parent).summary(folder.name)
    said = {
        "name": row.name,
        "kind": row.kind,
        "data": row.data,
        "state": row.state,
        "verdict": row.verdict,
        "text": f"{row.name} is {row.state}: {row.verdict or row.reason or 'no verdict'}",
    }
    body = json.dumps(said, ensure_ascii=False).encode(errors="backslashreplace")
    question = urllib.request.Request(  # noqa: S310 - an address of http, as the server has checked
        address, data=body, headers={"Content-Type": "application/json"}
    )
    try:
        urllib.request.urlopen(question, timeout=HOOK_SECONDS).close()  # noqa: S310 - as above
    except (OSError, ValueError) as error:
        click.echo(f"warning: --on-end {address} was not told ({error})", err=True)


if __name__ == "__main__":
    run_command(command, None, name="python -m search.service.driver")
