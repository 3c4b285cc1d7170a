"""Where a process runs, as it bears on a result's last bits."""

from __future__ import annotations

import functools
import platform
import socket
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from search.records import Environment


def environment() -> Environment:
    """Return where this process runs, as it bears on a result's last bits."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    parts = ("internal_api", "version", "architecture")
    names = {  # NumPy's and SciPy's: a step uses both
        " ".join(str(pool[part]) for part in parts if part in pool) for pool in pools
    }
    return Environment(
        host=socket.gethostname(),
        cpu=_cpu(),
        python=platform.python_version(),
        numpy=np.__version__,
        blas=", ".join(sorted(names)) or "unknown",
        blas_threads=max((int(pool["num_threads"]) for pool in pools), default=1),
        ray=metadata.version("ray") if "ray" in sys.modules else None,
    )


@functools.cache
def _cpu() -> str:
    """Return the processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
