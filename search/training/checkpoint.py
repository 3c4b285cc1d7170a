"""Where a trial starts: at its beginning, or where it stood at the end of a cycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from kbn.epoch import EpochRecord
from kbn.network import Network
from kbn.training import TrainingState
from search.records import Environment, Result
from search.trial import Trial


@dataclass(frozen=True)
class Checkpoint:
    """Where a trial stood at a cycle's end: what goes on from there ends with the same bytes."""

    state: TrainingState
    history: tuple[EpochRecord, ...]
    """Its epochs up to there."""
    seconds: float
    """Time of the training task up to there, in seconds."""
    environment: Environment
    """Where it was trained up to there."""
    members: tuple[Network, ...] = ()
    """Networks of the cycle ends before, as many as an ensemble still needs."""


Item = EpochRecord | Checkpoint | Result
"""What training yields of a trial: the end of an epoch, that of a cycle, its own."""


class Start(NamedTuple):
    """A trial to train, from its beginning or from a checkpoint."""

    trial: Trial
    checkpoint: Checkpoint | None = None
