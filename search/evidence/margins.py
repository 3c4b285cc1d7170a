"""Margins: the mean accuracy of the points that have a value of an axis, whatever their others.

Of a small grid, each value has a mean over the same points of the other axes. Of a sample hardly
two points share a value: an ordered axis of many is cut into parts of equally many values.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

import numpy as np

from search.evidence.compare import LEVEL
from search.evidence.marks import Candidate, Seeds
from search.space.axis import Axis, Value
from search.space.points import Space

PARTS = 5
"""Parts that an axis is cut into where it has more values than twice as many."""
REACH = NormalDist().inv_cdf((1 + LEVEL) / 2)
"""Standard errors on either side of a mean."""


@dataclass(frozen=True)
class Mean:
    """The mean accuracy over the points of a part of an axis."""

    first: Value
    """Smallest value of the part."""
    last: Value
    points: int
    accuracy: float
    low: float
    high: float
    """The ends of its 95 % interval, for the noise of images and, as far as known, of seeds."""


def margin(
    candidates: Sequence[Candidate], space: Space, axis: Axis, seeds: Seeds
) -> tuple[Mean, ...]:
    """Return an axis's means, values ascending."""
    at = space.axes.index(axis)
    groups: dict[Value, list[Candidate]] = defaultdict(list)
    for each in sorted(candidates, key=lambda one: one.point):
        groups[each.point[at]].append(each)
    values = sorted(groups)
    parts = [[value] for value in values]
    placed = axis.placed(values)
    if axis.ordered and len(placed) > 2 * PARTS:
        parts = [*parts[: len(values) - len(placed)], *_cut(placed)]  # a baseline comes first
    return tuple(
        _mean(part[0], part[-1], [each for value in part for each in groups[value]], seeds)
        for part in parts
    )


def _cut(values: Sequence[Value]) -> list[list[Value]]:
    ends = np.linspace(0, len(values), PARTS + 1).round().astype(int).tolist()
    return [list(values[start:end]) for start, end in pairwise(ends)]


def _mean(first: Value, last: Value, group: Sequence[Candidate], seeds: Seeds) -> Mean:
    right = np.mean([each.correct.mean(axis=0) for each in group], axis=0)
    weights: dict[Hashable, float] = defaultdict(float)
    for each in group:
        for replicate in each.replicates:  # what these share, no mean over points takes away
            weights[each.family, replicate] += 1.0 / (len(group) * each.runs)
    alone = sum(1.0 / each.runs for each in group) / len(group) ** 2
    shared = sum(weight**2 for weight in weights.values())
    accuracy = float(right.mean())
    variance = right.var() / right.size + seeds.shared * shared + seeds.interaction * alone
    reach = REACH * float(np.sqrt(variance))
    return Mean(first, last, len(group), accuracy, accuracy - reach, accuracy + reach)
