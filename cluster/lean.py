"""Starting an embedded Ray with the processes that it needs, and without waits that it does not.

`ray.init` has no settings for this. What is replaced while it runs was found in Ray 2.60, the
version that this package asks for; `tests/cluster/test_lean.py` says what is no longer there in
another one. All of Ray's private names that starting it takes are here:

- `services.start_ray_process` starts the raylet, which waits until two agents, each a second of
  Python, have said where they listen. One serves dashboards, the other makes environments of
  packages for tasks, and nobody asks for either: `idle` processes stand in for them.
- `Node.start_api_server`, `start_monitor` and `start_log_monitor` start what serves dashboards,
  autoscaling and others' logs; `ray.init` would wait a second and a half for the first. What is
  not there takes no core and no hundred megabytes, and opens no port.
- `utils.get_dashboard_dependency_error` loads all that a dashboard needs, to see whether it could.
- `serialization_addons.apply` loads Pydantic and Starlette where they are installed, for objects of
  theirs that may be sent; none are.
- `services.get_node` is asked once a second whether the node is up; here, when that is so.
- `services.resolve_ip_for_localhost` would take the loopback address for a mistake.
- `Node.__init__` is where a Ray is known that does not come up: what has started of it is ended.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cluster.process import replaced

SECONDS = 10.0
"""How long a node is awaited by asking often."""
IDLE = '/bin/sh -c "exec cat"'
"""Waits for the end of its input, which is the raylet's; further words change nothing."""
AGENTS = ("--dashboard_agent_command", "--runtime_env_agent_command")
PORTS = ("--metrics-agent-port", "--metrics_export_port", "--runtime_env_agent_port")
NOWHERE = -1
"""The port of what is not there, as Ray has it; it waits for one that is not known."""


@contextmanager
def lean_start() -> Iterator[None]:
    """Start a Ray, or nothing: see above."""
    node, services, utils = (_of_ray(f"_private.{name}") for name in ("node", "services", "utils"))
    ask, start = services.get_node, services.start_ray_process

    def get_node(gcs_address: str, node_id: str) -> Any:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                return ask(gcs_address, node_id)
            except RuntimeError:
                time.sleep(0.01)
        return ask(gcs_address, node_id)

    def start_ray_process(command: Sequence[str], process_type: str, **how: Any) -> Any:
        lean = without_agents(command) if process_type == "raylet" else command
        return start(lean, process_type, **how)

    begun: list[Any] = []
    begin = node.Node.__init__

    def init(self: Any, *how: Any, **more: Any) -> None:
        begun.append(self)
        begin(self, *how, **more)

    with replaced(
        (_of_ray("util.serialization_addons"), "apply", lambda _: None),
        (utils, "get_dashboard_dependency_error", lambda: ImportError("not wanted")),
        (node.Node, "__init__", init),
        (node.Node, "start_api_server", lambda *_, **__: None),
        (node.Node, "start_monitor", lambda *_, **__: None),
        (node.Node, "start_log_monitor", lambda *_, **__: None),
        (services, "start_ray_process", start_ray_process),
        (services, "get_node", get_node),
        (services, "resolve_ip_for_localhost", lambda host: host),
    ):
        try:
            yield
        except BaseException:
            for each in begun:
                each.kill_all_processes(check_alive=False, allow_graceful=True)
            raise


def without_agents(command: Sequence[str]) -> list[str]:
    """Return a raylet's command with idle processes for its agents, which listen nowhere."""
    instead = dict.fromkeys(AGENTS, IDLE) | dict.fromkeys(PORTS, str(NOWHERE))
    lean = [
        f"{name}={instead.get(name, value)}" if equals else name
        for name, equals, value in (word.partition("=") for word in command)
    ]
    return [*lean, f"--dashboard_agent_listen_port={NOWHERE}"]


def _of_ray(module: str) -> Any:
    """Return one of Ray's own modules, whose functions have no types."""
    return importlib.import_module(f"ray.{module}")
