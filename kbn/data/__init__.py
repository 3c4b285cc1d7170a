"""Data sets: loaded by name, split, standardised."""

from kbn.data.dataset import Dataset
from kbn.data.load import load
from kbn.data.split import Split, sample, split

__all__ = ["Dataset", "Split", "load", "sample", "split"]
