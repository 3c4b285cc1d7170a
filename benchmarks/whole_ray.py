"""An embedded Ray with all that `ray.init` starts: Ray Tune asks agents that ours goes without."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from cluster.connect import ALWAYS
from cluster.embedded import embedding, read_authentication
from cluster.process import environment


@contextmanager
def whole_ray(object_store_bytes: int) -> Iterator[None]:
    """Start one, as private as ours, and end it."""
    with environment(ALWAYS), embedding(object_store_bytes) as how:
        import ray  # noqa: PLC0415 - only after its environment is set

        read_authentication()
        ray.init(**how, log_to_driver=False, logging_level=logging.ERROR)
        try:
            yield
        finally:
            ray.shutdown()
