"""Bundles: how many short tasks go to a worker at a time, as a pure function.

A task costs Ray and the driver a millisecond or two, however short it is. Bundled with others it
costs a fraction of that, and a worker is busy for as long as all of them take; near the end of a
queue bundles get smaller, so that the workers end together.
"""

from __future__ import annotations

from cluster.messages import seconds_between_messages

BUNDLE_SECONDS = 30.0
"""How long a bundle should take: what the driver does for one is little beside it, and who asks a
run to stop, or submits something urgent, need not wait long."""
INTERVALS = 3
"""Messages' intervals that it should take at least: on a large cluster, whose bundles send seldom,
its begin and end are little beside what it sends on its way."""
MOST = 1_000
"""Tasks in one, however short they are: driver and worker hold all of a bundle's payloads."""
FINER = 2
"""Bundles that each slot would still get if all were as large as the next: half of the rest goes
out at a time, so that one that takes long can be caught up with (factoring: Hummel, Schonberg &
Flynn 1992, Commun. ACM 35(8)). Finer bundles, simulated with lognormal times, end hardly sooner,
and those of short tasks on thousands of cores are more than one driver can submit."""


def bundle_size(*, waiting: int, slots: int, seconds: float) -> int:
    """Return how many tasks the next bundle should have.

    Parameters
    ----------
    waiting
        Tasks that no worker has been given.
    slots
        Bundles that can run at once.
    seconds
        What a task takes; infinite while that is not known.
    """
    long = max(BUNDLE_SECONDS, INTERVALS * seconds_between_messages(slots))
    return max(1, min(MOST, waiting // (FINER * slots), int(long / max(seconds, 1e-9))))
