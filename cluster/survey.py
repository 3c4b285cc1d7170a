"""What a cluster has, asked of its head without joining it.

Joining first would be too late: a driver on a machine that is no node of the cluster waits for
a minute, or is aborted by Ray's C++ without an exception.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from cluster.errors import ClusterError

CONNECT_SECONDS = 8.0
"""How long a head may take to accept a connection, and to answer a question."""

_HTTP2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_SETTINGS = 4
"""Type of the frame with which whoever speaks gRPC answers."""
_ALIVE = 0
"""`GcsNodeInfo.GcsNodeState.ALIVE`."""


@dataclass(frozen=True)
class Node:
    """A living node of a cluster. Memory is in bytes."""

    id: str
    address: str
    host: str
    head: bool
    here: bool
    """True on the machine that asks."""
    total: Mapping[str, float]
    """Ray's resources: `CPU`, `memory`, `object_store_memory`, …"""
    free: Mapping[str, float]

    def __str__(self) -> str:
        return self.address if self.host in ("", self.address) else f"{self.address} ({self.host})"


@dataclass(frozen=True)
class Survey:
    """A cluster as its head knows it."""

    address: str
    ray: str
    python: str
    dashboard: str
    """`host:port`; empty where no dashboard runs, so that no jobs can be submitted."""
    nodes: tuple[Node, ...]

    @property
    def here(self) -> Node | None:
        """The node of the machine that asks; None when it is no part of the cluster."""
        return next((node for node in self.nodes if node.here), None)


def survey(host: str, port: int, shown: str) -> Survey:
    """Ask the head at an address what its cluster has.

    Parameters
    ----------
    host, port
        Of the head's GCS.
    shown
        How messages name the address, such as `--address 10.0.0.1:6379`.

    Raises
    ------
    ClusterError
        Within seconds, when nothing listens there or what listens is no head of a Ray cluster.
    """
    _knock(host, port, shown)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    raylet = import_module("ray._raylet")  # compiled: it has no types
    services = import_module("ray._private.services")
    try:
        gcs = raylet.GcsClient(address=address)
        nodes = living(gcs, seconds=CONNECT_SECONDS, local=services.find_node_ids())
        words = gcs.internal_kv_get(b"CLUSTER_METADATA", b"cluster", timeout=CONNECT_SECONDS)
        board = gcs.internal_kv_get(b"webui:url", b"dashboard", timeout=CONNECT_SECONDS)
    except Exception as error:
        raise ClusterError(f"{shown}: {_refusal(error)}") from error
    metadata = json.loads(words or b"{}")
    return Survey(
        address=address,
        ray=metadata.get("ray_version", "unknown"),
        python=metadata.get("python_version", "unknown"),
        dashboard=(board or b"").decode(),
        nodes=nodes,
    )


def _refusal(error: Exception) -> str:
    if type(error).__name__ == "AuthenticationError":
        return (
            "the cluster wants a token, and none or another one was given; set RAY_AUTH_MODE=token "
            "and RAY_AUTH_TOKEN (or RAY_AUTH_TOKEN_PATH) as they are on the cluster"
        )
    reason = " ".join(str(error).split())
    return (
        "what listens there does not answer as the head of a Ray cluster does "
        f"({type(error).__name__}: {reason}); give the head's host:port, 6379 by default"
    )


def _knock(host: str, port: int, shown: str) -> None:
    """Raise unless somebody who may speak gRPC answers; Ray would wait for minutes for others."""
    try:
        with socket.create_connection((host, port), timeout=CONNECT_SECONDS) as caller:
            if os.environ.get("RAY_USE_TLS", "0") != "0":
                return
            caller.sendall(_HTTP2_HELLO)
            answer = caller.recv(16)
    except (OSError, UnicodeError) as error:  # the latter for a name that no host can have
        reason = getattr(error, "strerror", None) or str(error)
        raise ClusterError(
            f"{shown}: nothing answers there ({reason}); start a head with "
            f"`ray start --head --port={port}`, or leave --address out to run on this machine"
        ) from error
    if answer[3:4] != bytes([_SETTINGS]):
        http = "; an http://… address is for `python -m cluster.submit`"
        raise ClusterError(
            f"{shown}: what listens there is no head of a Ray cluster; give the head's host:port, "
            f"6379 by default{http if answer.startswith(b'HTTP') else ''}"
        )


def living(gcs: Any, *, seconds: float, local: Collection[str] = frozenset()) -> tuple[Node, ...]:
    """Return the nodes that live, the head first, then by address; `local` are this machine's.

    Each of the two questions may take so many seconds; then it is Ray's `RpcError`.
    """
    known = gcs.get_all_node_info(timeout=seconds)
    usage = gcs.get_all_resource_usage(timeout=seconds)
    free = {
        batch.node_id: dict(batch.resources_available) for batch in usage.resource_usage_data.batch
    }
    nodes = [
        Node(
            id=(node_id := info.node_id.hex()),
            address=info.node_manager_address,
            host=info.node_manager_hostname,
            head=info.is_head_node,
            here=node_id in local,
            total=dict(info.resources_total),
            free=free.get(info.node_id, {}),
        )
        for info in known.values()
        if info.state == _ALIVE
    ]
    return tuple(sorted(nodes, key=lambda node: (not node.head, node.address, node.id)))
