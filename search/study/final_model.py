"""The final model of a study beside its data: the file that is kept, and what it gets wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from kbn.data import Split
from kbn.inference import predict_proba
from kbn.model import Model, members_of, save
from kbn.network import Network
from search.records import Mistakes, StudyRecord
from search.training.problem import Problem

MODEL = "model.npz"
SHOWN = 20
"""Mistakes that a report shows."""


def write_model(record: StudyRecord, problem: Problem) -> Path | None:
    """Write the final network as `model.npz`, with what it takes to feed it raw images.

    Returns its path, or None while there is no final network.
    """
    network = final_network(record)
    if network is None:
        return None
    path = record.folder / MODEL
    members = further_networks(record)
    mean, std = problem.measuring.result()
    classes, labels = problem.record.classes, problem.dataset.labels
    save(path, Model(network, mean, std, classes, labels, members))
    return path


def with_mistakes(record: StudyRecord, problem: Problem) -> StudyRecord:
    """Return the record with what its final model gets wrong; as it is while there is no model."""
    network = final_network(record)
    if network is None:
        return record
    return replace(record, mistakes=find_mistakes(network, problem.test_part()))


def final_network(record: StudyRecord) -> Network | None:
    """Return the network that was chosen; None while there is none, or where it diverged."""
    arrays = record.final.result.network if record.final and record.final.result else None
    return Network.from_arrays(arrays) if arrays else None


def further_networks(record: StudyRecord) -> tuple[Network, ...]:
    """Return the networks of the final training's earlier cycle ends, where it has an ensemble."""
    final = record.final
    return members_of(final.result.arrays) if final and final.result else ()


def find_mistakes(network: Network, split: Split, most: int = SHOWN) -> Mistakes:
    """Return the test images that a network is surest of and wrong about, as many as there are."""
    probabilities = predict_proba(network, split.X_test)
    taken_for = probabilities.argmax(axis=1)
    sureness = probabilities[np.arange(len(taken_for)), taken_for]
    wrong = np.flatnonzero(taken_for != split.y_test)
    chosen = wrong[np.argsort(-sureness[wrong], kind="stable")][:most]
    return Mistakes(
        images=split.X_test[chosen] * split.std + split.mean,
        classes=split.y_test[chosen],
        taken_for=taken_for[chosen],
        probabilities=sureness[chosen],
    )
