"""Addresses of clusters: what was given, what it means, and whether a driver can run here."""

from __future__ import annotations

import contextlib
import os
import platform
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import metadata

from cluster.errors import ClusterError
from cluster.survey import Survey, survey

AUTO, LOCAL = "auto", "local"
VARIABLE = "RAY_ADDRESS"
DASHBOARD_PORT = 8265
FIRST_NODE_SECONDS = 20.0
"""How long a head that has just started may take to become a node of its own cluster."""


def chosen_address(
    given: str | None, environment: Mapping[str, str] = os.environ
) -> tuple[str | None, str]:
    """Return the address of the cluster to run on, and the name of where it was given.

    The address is None for an embedded Ray: nothing was given, neither to the command nor in
    `$RAY_ADDRESS`, or `local` was.
    """
    if given is not None:
        return (None if given == LOCAL else given), "--address"
    address = environment.get(VARIABLE, "")
    return (None if address in ("", LOCAL) else address), f"${VARIABLE}"


def locate(address: str, *, named: str = "--address") -> Survey:
    """Return what the cluster at an address has.

    Raises
    ------
    ClusterError
        When the address is malformed or nothing of Ray answers there.
    """
    shown = f"{named} {address}"
    if address == AUTO:
        address = _auto_address(shown)
        shown = f"{shown}: Ray names {address}, but"
    host, port = _split(address, shown)
    deadline = time.monotonic() + FIRST_NODE_SECONDS
    while not (found := survey(host, port, shown)).nodes and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


def _split(address: str, shown: str) -> tuple[str, int]:
    scheme, _, rest = address.rpartition("://")
    if scheme == "ray":
        raise ClusterError(
            f"{shown}: Ray Client cannot stream what tasks yield; give host:port, as in "
            f"10.0.0.1:6379, or auto, on a node of the cluster, or submit the command as a job: "
            f"{submission(f'{_host(rest)}:{DASHBOARD_PORT}')}"
        )
    if scheme in ("http", "https"):
        raise ClusterError(
            f"{shown}: that is a dashboard; give host:port, as in 10.0.0.1:6379, or auto, on a "
            f"node of the cluster, or submit the command as a job: {submission(rest, scheme)}"
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port[:6]) < 2**16 or "/" in host:
        raise ClusterError(f"{shown}: give host:port, as in 10.0.0.1:6379, or auto")
    return host.strip("[]"), int(port)


def _host(address: str) -> str:
    return address.rpartition(":")[0] or address


def _auto_address(shown: str) -> str:
    """Return the address of the cluster that a Ray process on this machine belongs to."""
    from ray._private.services import canonicalize_bootstrap_address

    with contextlib.redirect_stdout(sys.stderr):
        try:
            found = canonicalize_bootstrap_address(AUTO)
        except ConnectionError:
            found = None
        except ValueError as error:
            raise ClusterError(
                f"{shown}: {error}; set $RAY_ADDRESS to host:port, or unset it"
            ) from error
    if not found:
        raise ClusterError(
            f"{shown}: no Ray runs on this machine; run on a node of the cluster, give "
            "host:port, or leave --address out"
        )
    return str(found)


def check_here(cluster: Survey, *, shown: str) -> None:
    """Raise `ClusterError` unless a driver on this machine can join a cluster.

    Ray wants a node of the cluster on the driver's machine, its own version and Python's.
    """
    if cluster.here is None:
        raise ClusterError(
            f"{shown}: this machine is no node of that cluster ({_some(cluster)}), and Ray aborts "
            "a driver that is not on one; submit the command as a job: "
            f"{submission(_dashboard(cluster))}{_how_to_reach(cluster)}"
        )
    ours = {"Ray": metadata.version("ray"), "Python": platform.python_version()}
    theirs = {"Ray": cluster.ray, "Python": cluster.python}
    if os.environ.get("RAY_DEFAULT_PYTHON_VERSION_MATCH_LEVEL") == "minor":
        ours["Python"], theirs["Python"] = (_minor(each["Python"]) for each in (ours, theirs))
    differing = [name for name in ours if ours[name] != theirs[name]]
    if differing:
        names = " and ".join(f"{name} {theirs[name]}" for name in differing)
        here = " and ".join(f"{name} {ours[name]}" for name in differing)
        raise ClusterError(
            f"{shown}: the cluster runs {names}, and this is {here}; Ray wants the same on both "
            "sides: run with the cluster's Python environment, or submit the command as a job: "
            f"{submission(_dashboard(cluster))}"
        )


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _some(cluster: Survey) -> str:
    """Return the addresses of the first nodes, for messages."""
    shown = [str(node) for node in cluster.nodes[:3]]
    more = len(cluster.nodes) - len(shown)
    return (", ".join(shown) or "it has none") + (f" and {more} more" if more else "")


def _dashboard(cluster: Survey) -> str:
    """Return `host:port` of a cluster's dashboard as it is reached from another machine."""
    host, _, port = cluster.dashboard.rpartition(":")
    if host in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = _host(cluster.address)
    return f"{host}:{port or DASHBOARD_PORT}"


def _how_to_reach(cluster: Survey) -> str:
    """Say what stands between this machine and the dashboard, as far as it is known."""
    head = _host(cluster.address)
    if not cluster.dashboard:
        return (
            " (no dashboard runs there: install `ray[default]` on the head and start it with "
            "--dashboard-host=0.0.0.0)"
        )
    host, _, port = cluster.dashboard.rpartition(":")
    if host in ("127.0.0.1", "localhost", "::1"):
        return (
            f" (its dashboard listens on the head's own {host} only: first `ssh -N -L "
            f"{port}:{host}:{port} {head}`)"
        )
    return ""


def submission(dashboard: str, scheme: str = "http", command: Sequence[str] | None = None) -> str:
    """Return the shell command that submits this process's own command as a job.

    `command` is `sys.orig_argv` unless given. An `--address` in it is left out: a job is told
    its cluster.
    """
    words = list(sys.orig_argv if command is None else command)[1:]
    if words[:1] != ["-m"]:
        return f"python -m cluster.submit --address {scheme}://{dashboard} -- python -m …"
    kept: list[str] = []
    for before, word in zip(["", *words], words, strict=False):
        if not word.startswith("--address") and before != "--address":
            kept.append(word)
    return f"python -m cluster.submit --address {scheme}://{dashboard} -- python {shlex.join(kept)}"
