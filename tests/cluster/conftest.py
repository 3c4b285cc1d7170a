"""Pools on an embedded Ray, and clusters of several nodes on this machine.

Ray starts in seconds, and a process can be connected to one cluster at a time. So the fixtures
last for a module, and a module uses one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cluster.connect import ALWAYS
from cluster.embedded import read_authentication, token

OURS = (Path(__file__).resolve().parents[2] / "cluster",)
"""What the workers of an existing cluster have to be sent."""


def shared_data() -> dict[str, Any]:
    """Return what the pools hand to each task."""
    return {"name": "shared", "numbers": np.arange(1000.0)}


SOON = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "2",
}
"""How soon a node is taken for dead; by default the tests would wait longer."""


@contextmanager
def ray_settings() -> Iterator[None]:
    """Set what Ray reads once in a process, when it is imported: the pools' own settings.

    One of them is whether to use a token, and which. A test that imports Ray without them would
    keep the tests behind it from starting an embedded Ray.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (ALWAYS | token() | SOON).items():
            patch.setenv(name, value)
        yield


@contextmanager
def head(*, cpus: int, **how: Any) -> Iterator[Any]:
    """Yield a `ray.cluster_utils.Cluster` of one node; all of its nodes end with the block."""
    with ray_settings():
        from ray.cluster_utils import Cluster  # noqa: PLC0415 - it reads the settings

        read_authentication()  # it may have been imported without them before
        cluster: Any = Cluster()  # its methods have no types
        try:
            cluster.add_node(num_cpus=cpus, **{"include_dashboard": False} | how)
            yield cluster
        finally:
            cluster.shutdown()
