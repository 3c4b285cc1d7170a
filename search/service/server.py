"""The command `python -m search.serve`: its flags, its token, its socket."""

from __future__ import annotations

import logging
import secrets
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

import click
import uvicorn

import cluster
from kbn.errors import InputError
from kbn.paths import read_text, user_path
from search.service.app import create_app
from search.service.drivers import Launcher
from search.service.folders import Folders
from search.service.guard import Rules
from search.service.inspector import Inspector
from search.service.looks import Looks
from search.service.place import Place
from search.service.queue import Queue
from search.service.ray_jobs import RayJobs
from search.store.folder import check_writable
from search.study.command import run_command

PORT = 8420
MEGABYTE = 2**20
LARGEST_UPLOAD = 512
"""MB of an uploaded data set, unless told otherwise."""
SHORTEST_TOKEN = 16
"""Characters of a token that is given: it must not be guessed."""
CLOSING_SECONDS = 2
"""How long those who watch are given to leave when the server is stopped."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0, or 2 on bad input, 130 when stopped by Ctrl-C."""
    run_command(command, arguments, name="python -m search.serve")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--out", default="runs", metavar="DIR", help="Folder of studies  [default: runs]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="Port to listen at; 0 for any that is free.",
)
@click.option(
    "--host-name",
    "host_names",
    multiple=True,
    metavar="NAME",
    help="Name under which browsers reach the server, as behind a proxy; may be given several "
    "times. Requests to other names than these and this machine's own are refused.",
)
@click.option(
    "--token-file",
    metavar="FILE",
    help="File that holds the token  [default: a random one, printed]",
)
@click.option("--read-only", is_flag=True, help="Show studies; refuse whatever changes anything.")
@click.option(
    "--at-once",
    type=click.IntRange(min=1),
    help="Studies that run at once, at most, those started by hand included  [default: 1; on a "
    "cluster as many as it has cores]",
)
@click.option(
    "--address",
    metavar="ADDRESS",
    help="Run studies as jobs of the Ray cluster at HOST:PORT, or of the one that this machine "
    "belongs to (`auto`)  [default: in processes of this machine]",
)
@click.option("--data-dir", metavar="DIR", help="Folder of the data sets' files.")
@click.option(
    "--on-end",
    metavar="URL",
    help="Post a line on each study that was started here to this address when it ends.",
)
@click.option(
    "--upload-limit",
    type=click.IntRange(min=1),
    default=LARGEST_UPLOAD,
    show_default=True,
    metavar="MB",
    help="Size of a data set that may be uploaded.",
)
def command(
    out: str,
    host: str,
    port: int,
    host_names: tuple[str, ...],
    token_file: str | None,
    at_once: int | None,
    address: str | None,
    data_dir: str | None,
    on_end: str | None,
    upload_limit: int,
    *,
    read_only: bool,
) -> int:
    """Show, run and fetch the studies of a folder over HTTP.

    What is on the disk is all there is: the server may be stopped or killed at any moment, and
    started again. Studies that run go on meanwhile.
    """
    root = user_path("--out", out)
    check_writable(root)
    token = secrets.token_urlsafe(24) if token_file is None else _token(token_file)
    launcher = Launcher(
        jobs=None if address is None else RayJobs(_dashboard(address)),
        address=address,
        data_dir=None if data_dir is None else user_path("--data-dir", data_dir),
        on_end=None if on_end is None else _address(on_end),
    )
    folders = Folders(root)
    queue = None if read_only else Queue(folders, launcher, _room(at_once, address))
    place = Place(folders, launcher=launcher, queue=queue, read_only=read_only)
    rules = Rules(
        token=token,
        hosts=(host, f"[{host}]", *host_names),
        read_only=read_only,
        largest_upload=upload_limit * MEGABYTE,
    )
    with _listening(host, port) as listening:
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{listening.getsockname()[1]}/"
        click.echo(f"{url}?token={token}" if token_file is None else url)
        sys.stdout.flush()
        click.echo(f"studies of {root}; Ctrl-C stops the server, and no study", err=True)
        with queue or nullcontext(), Inspector(folders):
            _serve(place, rules, listening)
    return 0


class _Server(uvicorn.Server):
    """A server that lets go of those who watch when it is told to end."""

    def __init__(self, config: uvicorn.Config, looks: Looks) -> None:
        super().__init__(config)
        self._looks = looks

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal in."""
        self._looks.closed = True
        super().handle_exit(sig, frame)


def _serve(place: Place, rules: Rules, listening: socket.socket) -> None:
    """Answer until the process is told to end."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    config = uvicorn.Config(
        create_app(place, rules),
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=CLOSING_SECONDS,
    )
    try:
        _Server(config, place.looks).run(sockets=[listening])
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the server has ended; studies that run go on") from None


def _dashboard(address: str) -> str:
    """Return the address of a cluster's dashboard, which takes jobs."""
    found = cluster.look_at(address, named="--address")
    if not found.dashboard:
        raise InputError(
            f"--address {address}: its head has no dashboard, which takes jobs; it needs "
            "`ray[default]`"
        )
    return f"http://{found.dashboard}"


def _room(at_once: int | None, address: str | None) -> Callable[[], int]:
    """Return what says how many studies may run at once."""
    if at_once is not None or address is None:
        return lambda: at_once or 1

    def cores() -> int:
        nodes = cluster.look_at(address, named="--address").nodes
        return max(1, int(sum(node.total.get("CPU", 0.0) for node in nodes)))

    return cores


def _address(url: str) -> str:
    """Return an address that can be posted to."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"--on-end {url}: an address is needed, as in http://127.0.0.1:9000/hook")
    return url


def _token(path: str) -> str:
    token = read_text(user_path("--token-file", path), f"--token-file {path}").strip()
    if len(token) < SHORTEST_TOKEN or not token.isascii() or len(token.split()) != 1:
        raise InputError(
            f"--token-file {path}: at least {SHORTEST_TOKEN} ASCII characters without blanks are "
            "needed; `openssl rand -hex 24` makes some"
        )
    return token


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens; raise `InputError` where it cannot."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
            listening.listen()  # whoever reads the address may ask at once
        except BaseException:
            listening.close()
            raise
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"--host {host} --port {port}: cannot listen there ({reason}); choose another, or "
            "--port 0"
        ) from error
    return listening
