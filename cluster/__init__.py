"""Where work runs: tasks mapped over payloads, on Ray or in this process, with retries.

This package knows nothing of what the tasks do. Its one room is `jobs`: a command as a Ray job,
submitted, followed, and its folder brought back.
"""

from cluster.address import chosen_address
from cluster.connect import check_address, load, look_at
from cluster.errors import ClusterError, ClusterLostError
from cluster.events import Event, Kind, Task, TaskFailure
from cluster.later import Later
from cluster.ray_pool import RayPool
from cluster.room import MEGABYTE, Needs, cores_here, outlook
from cluster.serial import SerialPool
from cluster.signals import signals_deferred
from cluster.supervise import end_with, supervised
from cluster.survey import Survey

__all__ = [
    "MEGABYTE",
    "ClusterError",
    "ClusterLostError",
    "Event",
    "Kind",
    "Later",
    "Needs",
    "RayPool",
    "SerialPool",
    "Survey",
    "Task",
    "TaskFailure",
    "check_address",
    "chosen_address",
    "cores_here",
    "end_with",
    "load",
    "look_at",
    "outlook",
    "signals_deferred",
    "supervised",
]
