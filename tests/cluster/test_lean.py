"""What of Ray's own is replaced while an embedded one starts is there, and is what it was."""

from __future__ import annotations

import inspect
from importlib import import_module, metadata
from typing import Any

import pytest

from cluster.lean import NOWHERE, without_agents

REPLACED = {
    "util.serialization_addons.apply": ("serialization_context",),
    "_private.services.start_ray_process": ("command", "process_type"),
    "_private.services.get_node": ("gcs_address", "node_id"),
    "_private.services.resolve_ip_for_localhost": ("host",),
    "_private.utils.get_dashboard_dependency_error": (),
    "_private.node.Node.__init__": ("self", "ray_params"),
    "_private.node.Node.kill_all_processes": ("self", "check_alive", "allow_graceful"),
    "_private.node.Node.start_api_server": ("self",),
    "_private.node.Node.start_monitor": ("self",),
    "_private.node.Node.start_log_monitor": ("self",),
}
"""Private names of Ray's, and their first parameters."""


@pytest.mark.parametrize("name", REPLACED)
def test_what_is_replaced_is_there(name: str) -> None:
    """Another Ray than 2.60 may have none of it: look through `cluster/lean.py` then."""
    version = metadata.version("ray")
    assert version.startswith("2.60."), f"Ray {version}: what cluster/lean.py replaces is unknown"
    package, module, *path = name.split(".")
    found: Any = import_module(f"ray.{package}.{module}")
    for part in path:
        found = getattr(found, part, None)
        assert found is not None, f"Ray {version} has no ray.{name}"
    first = tuple(inspect.signature(found).parameters)[: len(REPLACED[name])]
    assert first == REPLACED[name]


def test_a_raylet_without_agents() -> None:
    """Its agents are idle processes, their ports nowhere; the rest of its command is as it was."""
    command = [
        *("raylet", "--head", "--node_id=5=6", "--metrics-agent-port=0"),
        *("--metrics_export_port=0", "--runtime_env_agent_port=0"),
        *('--dashboard_agent_command=python "a b"', "--runtime_env_agent_command=python c"),
    ]
    lean = without_agents(command)
    assert lean[:3] == command[:3]
    assert [word.partition("=")[2] for word in lean[3:6]] == [str(NOWHERE)] * 3
    assert all("python" not in word for word in lean)
    assert [word.partition("=")[0] for word in lean[: len(command)]] == [
        word.partition("=")[0] for word in command
    ]
