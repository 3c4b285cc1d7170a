"""Errors of finding, starting and losing a cluster."""

from __future__ import annotations


class ClusterError(Exception):
    """There is no cluster where one was asked for, or none can be started here.

    The message is one line: the value, the bound and the way out.
    """


class ClusterLostError(ClusterError):
    """The cluster went away while work ran on it: its head, or the part of it on this machine."""
