"""Studies as jobs of a Ray cluster, by the client that `cluster.submit` submits commands with.

The service is on the head, where jobs begin: they have its files, its code and its Python.
"""

from __future__ import annotations

import hashlib
import shlex
import sys
from pathlib import Path

from cluster.jobs.client import Jobs
from search.service.elsewhere import HOME


class RayJobs:
    """The jobs of a cluster that run studies.

    Parameters
    ----------
    dashboard
        `http://host:port` of the cluster's dashboard. Raises `ClusterError` where none answers.
    """

    def __init__(self, dashboard: str) -> None:
        self._jobs = Jobs(dashboard)

    def submit(self, name: str, words: list[str], *, study: str) -> None:
        """Start a job of a name; one that is there already stays the only one.

        Raises `ClusterError` where Ray takes no job.
        """
        if self._jobs.status(name) is None:
            self._jobs.submit(
                f"cd {shlex.quote(str(HOME))} && exec {shlex.join([sys.executable, *words])}",
                metadata={"study": study},
                name=name,
            )

    def is_under_way(self, name: str) -> bool:
        """Say whether a job waits or runs."""
        return self._jobs.status(name) in ("PENDING", "RUNNING")

    def log(self, job: str) -> str:
        """Return what a job has printed."""
        return self._jobs.log(job)

    def stop(self, job: str) -> None:
        """End a job: its driver is told as by Ctrl-C, and killed by Ray where it does not go."""
        self._jobs.stop(job)


def job_name(folder: Path, *, turn: int, start: int) -> str:
    """Return a job's name, which is the same for the same run of a study: Ray takes it once."""
    place = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16]
    return f"study-{place}-{turn}-{start}"
