"""Data sets: loaded by name, split, standardised."""

from kbn.data.dataset import Dataset
from kbn.data.given import given
from kbn.data.load import load
from kbn.data.split import Partition, Split, partition, sample, split, standardised

__all__ = [
    "Dataset",
    "Partition",
    "Split",
    "given",
    "load",
    "partition",
    "sample",
    "split",
    "standardised",
]
