"""Where work runs: tasks mapped over payloads, on Ray or in this process, with retries.

This package knows nothing of what the tasks do.
"""

from cluster.connect import check_address
from cluster.errors import ClusterError, ClusterLostError
from cluster.events import Event, Kind, Task, TaskFailure
from cluster.ray_pool import RayPool
from cluster.serial import SerialPool

__all__ = [
    "ClusterError",
    "ClusterLostError",
    "Event",
    "Kind",
    "RayPool",
    "SerialPool",
    "Task",
    "TaskFailure",
    "check_address",
]
