"""Ray jobs through the dashboard: submitted, followed over a connection that may break, fetched."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import shlex
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cluster.errors import ClusterError
from cluster.jobs import job as remote
from cluster.survey import CONNECT_SECONDS

POLL_SECONDS = 1.0
REQUEST_SECONDS = 60.0
"""How long the dashboard may be silent before a request counts as lost."""
RECONNECT_SECONDS = 900.0
"""How long a lost connection is tried again."""
_REQUEST = "_do_request"
"""The client's one way out; it has no other place for a time limit."""
NO_AGENT, AGENT_SECONDS = "No available agent", 90.0
ENDED = ("SUCCEEDED", "FAILED", "STOPPED")
VARIABLES = ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS")
"""They would win over the address that Ray's client is given."""


class Outcome(NamedTuple):
    """How a job ended."""

    job: str
    status: str
    code: int | None
    """Of the command; None when it was not run to its end."""
    message: str
    node: str
    """Address of the node that ran the command; empty when none did."""


class Jobs:
    """The jobs of a cluster.

    Parameters
    ----------
    address
        `http://host:port` of the dashboard; None for `$RAY_API_SERVER_ADDRESS`.

    Raises
    ------
    ClusterError
        When Ray's job client is not installed, or no dashboard answers at the address.
    """

    def __init__(self, address: str | None) -> None:
        given, named = address, "--address"
        if given is None:
            given, named = os.environ.get(VARIABLES[1]), f"${VARIABLES[1]}"
        if not given:
            raise ClusterError("--address is missing: give the dashboard's, as in http://head:8265")
        self.address = given.rstrip("/")
        self._shown = f"{named} {given}"
        _knock(self.address, self._shown)
        self._client = self._connect()

    def _connect(self) -> Any:
        try:
            with _without(*VARIABLES):
                made = import_module("ray.job_submission").JobSubmissionClient(self.address)
        except ImportError as error:
            raise ClusterError(_extra(error)) from error
        except Exception as error:
            if "ray[default]" in str(error):
                raise ClusterError(_extra(error)) from error
            raise ClusterError(
                f"{self._shown}: what listens there does not answer as Ray's dashboard does "
                f"({_reason(error)})"
            ) from error
        for name in ("ray", "ray.dashboard.modules.dashboard_sdk"):
            logging.getLogger(name).setLevel(logging.ERROR)  # it tells of each file left out
        setattr(made, _REQUEST, functools.partial(getattr(made, _REQUEST), timeout=REQUEST_SECONDS))
        return made

    def submit(
        self,
        entrypoint: str,
        *,
        working_dir: Path | None = None,
        excludes: tuple[str, ...] = (),
        metadata: Mapping[str, str],
        name: str | None = None,
    ) -> str:
        """Send code, if any, start a job, return its ID: its name, where it is given one."""
        environment = (
            {"working_dir": str(working_dir.resolve()), "excludes": list(excludes)}
            if working_dir is not None
            else {}
        )
        try:
            return self._start(
                entrypoint=entrypoint,
                runtime_env=environment,
                metadata=dict(metadata),
                submission_id=name,
            )
        except ClusterError:
            raise
        except Exception as error:
            raise ClusterError(
                f"the job cannot be submitted ({_reason(error)}); what need not travel is left "
                "out with --exclude"
            ) from error

    def _start(self, **request: Any) -> str:
        """Start a job; a head that has just started says for a while that it has no agent yet."""
        deadline = time.monotonic() + AGENT_SECONDS
        while True:
            try:
                return str(self._client.submit_job(**request))
            except RuntimeError as error:
                if NO_AGENT not in str(error):
                    raise
                if time.monotonic() > deadline:
                    raise ClusterError(
                        f"the head has had no agent that starts jobs for {AGENT_SECONDS:.0f} s; "
                        "where another Ray on its machine holds port 52365, start it with "
                        "--dashboard-agent-listen-port"
                    ) from error
            time.sleep(POLL_SECONDS)

    def status(self, job: str) -> str | None:
        """Return a job's status, as Ray calls it; None of one that the cluster does not know.

        Raises `ClusterError` when the dashboard does not answer.
        """
        with _refused(f"{self._shown}: no answer"):
            known = {each.submission_id: each for each in self._client.list_jobs()}
            return str(known[job].status.value) if job in known else None

    def log(self, job: str) -> str:
        """Return what a job has printed so far; raises as `status` does."""
        with _refused(f"{self._shown}: no answer"):
            return str(self._client.get_job_logs(job))

    def stop(self, job: str) -> None:
        """End a job: by SIGTERM, and by force where that is not enough; raises as `status` does."""
        with _refused(f"{self._shown}: no answer"):
            self._client.stop_job(job)

    def metadata(self, job: str) -> tuple[str, Path]:
        """Return the name of a job's folder on the cluster, and where it is brought."""
        way_out = f"; `ray job list --address {self.address}` shows those it knows"
        with _refused(f"--attach {job}: the cluster knows no such job", way_out):
            found = self._client.get_job_info(job).metadata or {}
        return found.get("folder", ""), Path(found.get("out", "runs"))

    def follow(
        self, job: str, *, write: Callable[[str], object], say: Callable[[str], object]
    ) -> Outcome:
        """Write a job's log as it grows, to its end; return how it ended.

        Lost connections are taken up again, and nothing is written twice.
        """
        written, lost_at = 0, None
        while True:
            try:
                info = self._client.get_job_info(job)
                log = self._client.get_job_logs(job)
            except Exception as error:
                now = time.monotonic()
                if lost_at is None:
                    lost_at = now
                    say(f"the dashboard does not answer ({_reason(error)}); the job goes on")
                if now - lost_at > RECONNECT_SECONDS:
                    raise ClusterError(
                        f"no answer from {self.address} for {RECONNECT_SECONDS / 60:.0f} minutes"
                    ) from error
            else:
                if lost_at is not None:
                    lost_at = None
                    say("the dashboard answers again")
                write(log[written:])
                written = len(log)
                if info.status in ENDED:
                    return _outcome(job, info)
            time.sleep(POLL_SECONDS)

    def bring(self, outcome: Outcome, name: str, *, python: str = "python3") -> str:
        """Return the log of a job that prints a folder's archive, run where the folder is."""
        text = Path(remote.__file__).read_text(encoding="utf-8")
        resources = {f"node:{outcome.node}": 0.001} if outcome.node else None
        with _refused("the folder cannot be brought back"):
            job = self._start(
                entrypoint=shlex.join([python, "-c", text, "bring", name]),
                entrypoint_resources=resources,
            )
            while self._client.get_job_info(job).status not in ENDED:
                time.sleep(POLL_SECONDS)
            log = str(self._client.get_job_logs(job))
            self._client.delete_job(job)
        return log


@contextlib.contextmanager
def _refused(what: str, way_out: str = "") -> Iterator[None]:
    """Raise `ClusterError` for whatever Ray's client raises in a block: what failed, and why."""
    try:
        yield
    except Exception as error:
        raise ClusterError(f"{what} ({_reason(error)}){way_out}") from error


@contextlib.contextmanager
def _without(*names: str) -> Iterator[None]:
    """Hide environment variables for a block."""
    hidden = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


def _outcome(job: str, info: Any) -> Outcome:
    node = urlsplit(info.driver_agent_http_address or "").hostname or ""
    message = " ".join((info.message or "").split())
    return Outcome(job, str(info.status.value), info.driver_exit_code, message[-2000:], node)


def _knock(address: str, shown: str) -> None:
    """Raise unless something listens at the address."""
    try:
        parts = urlsplit(address)
        default = {"http": 80, "https": 443}[parts.scheme]
        host, port = parts.hostname, parts.port or default
        socket.create_connection((host or "", port), timeout=CONNECT_SECONDS).close()
    except (ValueError, KeyError):
        raise ClusterError(
            f"{shown}: give the dashboard's address, as in http://head:8265"
        ) from None
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ClusterError(
            f"{shown}: nothing answers there ({reason}); the head needs `ray[default]`, and "
            "--dashboard-host=0.0.0.0 to be reached from another machine"
        ) from error


def _extra(error: Exception) -> str:
    return (
        f"submitting jobs needs Ray's job client ({_reason(error)}); install it with "
        "`pip install --editable '.[jobs]'` or `pip install 'ray[default]'`"
    )


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:500] or type(error).__name__
