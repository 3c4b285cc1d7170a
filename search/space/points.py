"""Spaces: some axes, and the points on them that trials stand for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from kbn.schedule import SHORTEST_CYCLE
from search.settings.spec import whole_cycles_near
from search.settings.values import NAMED, Cycle
from search.space.axis import BATCH_SIZE, CYCLE, EPOCHS, SIGMA, Axis, Value
from search.trial import Trial

Point = tuple[Value, ...]
"""A value on each axis of a space. Replicates of a point differ in their seeds alone."""


@dataclass(frozen=True)
class Space:
    """The axes of a search, in the order in which they were named."""

    axes: tuple[Axis, ...]
    cycle: Cycle
    """The specification's: one given in epochs keeps its epochs when the batch size changes."""

    def of(self, trial: Trial) -> Point:
        """Return the point that a trial stands for."""
        return tuple(_value(axis, trial) for axis in self.axes)

    def put(self, base: Trial, point: Point) -> Trial:
        """Return a trial moved to a point, with what follows from it.

        σ implies weights from a normal distribution. A cycle given in epochs stays as many; runs
        whose cycle is varied end with the whole cycle nearest to their epochs, unless these are
        varied, too.
        """
        fields: dict[str, Any] = {
            axis.name: value for axis, value in zip(self.axes, point, strict=True)
        }
        if SIGMA.name in fields:
            fields["init"] = "normal"
        fields.pop(CYCLE.name, None)
        fields[EPOCHS.name] = self.epochs_at(point, base.epochs)
        if CYCLE in self.axes or BATCH_SIZE in self.axes:
            batch = fields.get(BATCH_SIZE.name, base.batch_size)
            fields["cycle_steps"] = self.cycle_at(point).steps(base.train_size // batch)
        return replace(base, **fields)

    def cycle_at(self, point: Point) -> Cycle:
        """Return the cycle of a point's runs."""
        return Cycle(self._at(point, CYCLE), "epochs") if CYCLE in self.axes else self.cycle

    def epochs_at(self, point: Point, asked: int) -> int:
        """Return the epochs of a point's runs where so many are asked for."""
        if EPOCHS in self.axes:
            return int(self._at(point, EPOCHS))
        return whole_cycles_near(asked, self.cycle_at(point)) if CYCLE in self.axes else asked

    def _at(self, point: Point, axis: Axis) -> Any:
        return point[self.axes.index(axis)]

    def possible(self, base: Trial, points: Iterable[Point]) -> tuple[Point, ...]:
        """Return the points that can be trained: what lies beyond a grid need not be."""
        return tuple(point for point in points if not self.hindrance(base, point))

    def hindrance(self, base: Trial, point: Point) -> str:
        """Say why a point cannot be trained; nothing where it can."""
        trial = self.put(base, point)
        if trial.batch_size > trial.train_size:
            return f"a batch of {trial.batch_size:,} is larger than the training set"
        if trial.cycle_steps < SHORTEST_CYCLE:
            return f"its cycle is shorter than {SHORTEST_CYCLE} steps"
        if trial.eta_min > trial.eta_max:
            return "its η_min is above its η_max"
        return ""

    def runs(
        self, base: Trial, points: Iterable[Point], replicates: Iterable[int]
    ) -> tuple[Trial, ...]:
        """Return one trial a point and replicate, those of a point together."""
        numbers = tuple(replicates)
        return tuple(
            replace(self.put(base, point), replicate=number)
            for point in points
            for number in numbers
        )

    def simplest(self, points: Iterable[Point]) -> Point:
        """Return the simplest of some points: by the first axis, then by the next one."""
        return max(points, key=self.simplicity)

    def simplicity(self, point: Point) -> tuple[Any, ...]:
        """Return what is larger for the simpler of two points; the later one where neither is."""
        simple = (axis.simplicity(value) for axis, value in zip(self.axes, point, strict=True))
        return (*simple, point)

    def values(self, axis: Axis, points: Iterable[Point]) -> tuple[Any, ...]:
        """Return the distinct values of some points on an axis, ascending."""
        at = self.axes.index(axis)
        return tuple(sorted({point[at] for point in points}))

    def placed(self, axis: Axis, points: Iterable[Point]) -> tuple[Any, ...]:
        """Return those of them that have a place on the axis's scale."""
        return axis.placed(self.values(axis, points))

    def is_baseline(self, point: Point) -> bool:
        """Say whether a point has an axis's baseline in place of a value on its scale."""
        return any(value == axis.baseline for axis, value in zip(self.axes, point, strict=True))

    def moved(self, point: Point, axis: Axis, value: Value) -> Point:
        """Return a point with another value on one axis."""
        at = self.axes.index(axis)
        return (*point[:at], value, *point[at + 1 :])

    def label(self, point: Point) -> str:
        """Return a point with its axes' symbols: `λ=1e-3, η_max=0.1`."""
        return ", ".join(axis.label(value) for axis, value in zip(self.axes, point, strict=True))

    def short(self, point: Point) -> str:
        """Return a point as a list of points shows it: without its symbol where it has but one."""
        return self.axes[0].show(point[0]) if len(self.axes) == 1 else f"({self.label(point)})"

    def equation(self, point: Point) -> str:
        """Return a point as a sentence names it: `λ = 1e-3`."""
        return ", ".join(
            f"{axis.symbol} = {axis.show(value)}"
            for axis, value in zip(self.axes, point, strict=True)
        )

    def summed_up(self, points: Collection[Point]) -> str:
        """Return many points as their number, and their ends; nothing for a few."""
        if len(self.axes) == 1:
            return self.axes[0].summed_up([point[0] for point in points])
        return f"{len(points):,} points" if len(points) > NAMED else ""

    def listed(self, points: Collection[Point]) -> str:
        """Return points as a sentence lists them; many as `summed_up`."""
        return self.summed_up(points) or ", ".join(map(self.short, points))

    @property
    def noun(self) -> str:
        """What a point is called: a value, where there is but one axis."""
        return "value" if len(self.axes) == 1 else "point"

    @property
    def name(self) -> str:
        """What the search varies, in symbols: `λ × η_max`."""
        return " × ".join(axis.symbol for axis in self.axes)


def grid(values: Iterable[Iterable[Value]]) -> tuple[Point, ...]:
    """Return the product of each axis's values, the last axis fastest."""
    return tuple(product(*values))


def only(point: Point) -> float:
    """Return the number that a point of one axis is."""
    (value,) = point
    assert isinstance(value, int | float)
    return value


def _value(axis: Axis, trial: Trial) -> Value:
    if axis is CYCLE:
        return trial.cycle_steps // (trial.train_size // trial.batch_size)
    value: Value = getattr(trial, axis.name)
    return value
