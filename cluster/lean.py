"""Starting an embedded Ray with the processes that it needs, and without waits that it does not.

`ray.init` has no settings for this; what is replaced while it runs was found in Ray 2.60, the
version that this package asks for.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cluster.process import replaced

SECONDS = 10.0
"""How long a node is awaited by asking often."""


@contextmanager
def lean_start() -> Iterator[None]:
    """Start none of the processes that serve dashboards, autoscaling, and others' logs.

    `ray.init` waits a second and a half for the first of them, and each takes a core for as long,
    and a hundred megabytes. What is not there opens no port. Then Ray asks once a second whether
    the node is up: here it asks when that is so. And it lets a node listen on the loopback address,
    which it would take for a mistake. What has started of one that does not come up, is ended.
    """
    node, services, utils = (_of_ray(name) for name in ("node", "services", "utils"))
    ask = services.get_node

    def get_node(gcs_address: str, node_id: str) -> Any:
        _await_node(gcs_address, node_id)
        return ask(gcs_address, node_id)

    begun: list[Any] = []
    begin = node.Node.__init__

    def init(self: Any, *how: Any, **more: Any) -> None:
        begun.append(self)
        begin(self, *how, **more)

    with replaced(
        (utils, "get_dashboard_dependency_error", lambda: ImportError("not wanted")),
        (node.Node, "__init__", init),
        (node.Node, "start_api_server", lambda *_, **__: None),
        (node.Node, "start_monitor", lambda *_, **__: None),
        (node.Node, "start_log_monitor", lambda *_, **__: None),
        (services, "get_node", get_node),
        (services, "resolve_ip_for_localhost", lambda host: host),
    ):
        try:
            yield
        except BaseException:
            for each in begun:
                each.kill_all_processes(check_alive=False, allow_graceful=True)
            raise


def _await_node(gcs_address: str, node_id: str) -> None:
    """Wait until Ray knows a node; should that take long, Ray's own asking goes on."""
    head = _of_ray("state").GlobalState()
    options = _of_ray("services")._get_gcs_client_options(gcs_address)  # noqa: SLF001 - see above
    head._initialize_global_state(options)  # noqa: SLF001
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if any(each["NodeID"] == node_id for each in head.node_table()):
            return
        time.sleep(0.02)


def _of_ray(module: str) -> Any:
    """Return one of Ray's own modules, whose functions have no types."""
    return importlib.import_module(f"ray._private.{module}")
