"""Data sets: loaded by name, split, standardised."""

from kbn.data.dataset import Dataset
from kbn.data.given import given
from kbn.data.load import load
from kbn.data.split import (
    Partition,
    Split,
    fill,
    moments,
    partition,
    sample,
    split,
    standardised,
    unfilled,
)

__all__ = [
    "Dataset",
    "Partition",
    "Split",
    "fill",
    "given",
    "load",
    "moments",
    "partition",
    "sample",
    "split",
    "standardised",
    "unfilled",
]
