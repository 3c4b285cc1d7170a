"""Errors of finding and starting a cluster."""

from __future__ import annotations


class ClusterError(Exception):
    """There is no cluster where one was asked for, or none can be started here.

    The message is one line: the value, the bound and the way out.
    """
