"""The search over any axes: `CoarseFine`, the settings of `python -m search.coarse_fine`."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar, cast

from kbn.errors import InputError
from search.experiments.coarse_fine.outline import outline
from search.experiments.coarse_fine.plan import coarse_fine
from search.experiments.coarse_fine.settings import SearchSettings
from search.plan import Plan
from search.settings import values
from search.settings.setting import flag, like, setting
from search.settings.spec import FixedLambda, StageOutline
from search.settings.values import Cycle
from search.space.axis import (
    ALPHA,
    AXES,
    BATCH_NORM,
    BATCH_SIZE,
    CYCLE,
    EPOCHS,
    ETA_MAX,
    ETA_MIN,
    SCHEDULE,
    Axis,
)
from search.space.vary import Axes, Bounds, Limits, Varied, limits, unordered, vary
from search.space.widen import Ends
from search.trial import Trial

MOST_POINTS = 10_000
"""Points of a coarse grid, at most."""
_read_axes = vary  # the setting has the same name


@dataclass(frozen=True, kw_only=True)
class CoarseFine(SearchSettings):
    """A study of any settings of a network: one axis, or several at once.

    Raises
    ------
    InputError
        When a setting is out of bounds, or settings exclude each other.
    """

    kind: ClassVar[str] = "coarse_fine"
    title: ClassVar[str] = "Search any settings of a network, coarse to fine"
    about: ClassVar[str] = (
        "Trains one network a point of a coarse grid, or of a sample, then looks more closely "
        "around the best validation accuracy, trains the best few again with other seeds, says "
        "which points cannot be told from the best one, trains the final model with it, and "
        "writes a report. Run the same command again to resume; a finished study only writes its "
        "report again."
    )

    vary: Axes = setting(
        ("lam=1e-5:0.1:5",),
        _read_axes,
        "An axis and its values, once an axis: NAME=low:high:count (even on the axis's scale), "
        "NAME=value,value,… (of hidden 50,50/100,50), or NAME=random:low:high with --samples; "
        "lam=0,… puts λ = 0 beside values or a range, as a baseline. "
        "Names: " + ", ".join(AXES) + ".",
        "NAME=VALUES",
        many=True,
    )
    samples: int | None = setting(
        None,
        values.whole(at_least=2),
        "Draw so many points of the axes' box instead of a grid, then as many of the box around "
        "the best of them.",
        "N",
    )
    bounds: Bounds = setting(
        (),
        limits,
        "Where the best value of an axis is at the end of those tried, go on outward, this far at "
        "most; once an axis  [default: not beyond the grid].",
        "NAME=LOW,HIGH",
        many=True,
    )
    keep: tuple[str, ...] = setting(
        (),
        unordered,
        "Unordered axes that keep all their values on the fine grid; others are fixed at the best.",
        "NAME,NAME,…",
    )
    lam: float = like(FixedLambda, "lam", help="L2 strength λ where not varied.")

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_axes()
        self._check_lengths()
        self._check_together()

    def _check_axes(self) -> None:
        """Refuse what cannot be searched like this."""
        points = self.samples or math.prod(len(each.values) for each in self.varied)
        drawn = [each.axis.name for each in self.varied if each.drawn]
        if self.samples is None and drawn:
            raise InputError(
                f"--vary {drawn[0]}=random:…: what is drawn needs --samples N, the number of points"
            )
        if self.samples is not None and points > MOST_POINTS:
            raise InputError(f"--samples {points}: give {MOST_POINTS:,} at most")
        if points > MOST_POINTS:
            raise InputError(
                f"--vary: the product of the axes is {points:,} points, more than "
                f"{MOST_POINTS:,}; draw a sample of them with --samples N"
            )
        self._check_idle()
        known = {each.axis.name for each in self.varied}
        for name in (*self.keep, *(each.axis.name for each in self._limits)):
            if name not in known:
                option = "--keep" if name in self.keep else "--bounds"
                raise InputError(f"{option} {name}: is not varied; leave it out, or --vary it")

    def _check_idle(self) -> None:
        """Refuse settings that the plan would not look at."""
        grids = ["fine", "rounds", "keep"]
        if self.samples is not None:
            grids, why = [*grids, "bounds"], "--samples draws points in place of grids"
        elif not any(each.axis.ordered for each in self.varied):
            names = ", ".join(each.axis.name for each in self.varied)
            why = f"nothing lies between values of {names}"
        else:
            return
        for name in filter(self._given, grids):
            raise InputError(
                f"{flag(name)} {values.show(getattr(self, name))}: {why}; leave it out"
            )

    def _given(self, name: str) -> bool:
        """Say whether a setting is another one than it would be by itself."""
        default = type(self).__dataclass_fields__[name].default
        return bool(getattr(self, name) != self.derived().get(name, default))

    def _check_lengths(self) -> None:
        """Refuse settings that would give a varied one another value behind the user's back."""
        varied = {each.axis for each in self.varied}
        for axis in (CYCLE, EPOCHS):
            if axis in varied and self.scale < 1.0:
                raise InputError(
                    f"--scale {values.show(self.scale)}: would shorten {axis.name}, which is "
                    "varied; leave it out, and give the epochs that are meant"
                )
        for axis, name in ((EPOCHS, "final_epochs"), (ALPHA, "final_alpha")):
            if axis in varied and self._given(name):
                raise InputError(
                    f"{flag(name)}: {axis.name} is varied, and the final model has the best one's; "
                    "leave the flag out"
                )

    def _check_together(self) -> None:
        """Refuse axes that other settings, or other axes, take the meaning from."""
        varied = {each.axis: each for each in self.varied}
        for field in dataclasses.fields(self):
            if self._given(field.name) and any(axis.name == field.name for axis in varied):
                raise InputError(f"{flag(field.name)}: {field.name} is varied; leave the flag out")
        if "sigma" in self._names and self.init.sigma is not None:
            raise InputError(f"--init {self.init}: sigma is varied, which says how weights start")
        if ALPHA in varied and BATCH_NORM not in varied and not self.batch_norm:
            raise InputError("--vary alpha: has no effect without batch normalisation; drop it")
        constant = self.schedule == "constant" and SCHEDULE not in varied
        for axis in (CYCLE, ETA_MIN):
            if axis in varied and constant:
                raise InputError(f"--vary {axis.name}: a constant learning rate has none; drop it")
        low = max(varied[ETA_MIN].values) if ETA_MIN in varied else self.eta_min
        high = min(varied[ETA_MAX].values) if ETA_MAX in varied else self.eta_max
        if low > high:  # type: ignore[operator]
            raise InputError(
                f"--vary: eta_min goes up to {values.show(low)}, above the smallest eta_max, "
                f"{values.show(high)}; keep them apart"
            )

    @property
    def _names(self) -> set[str]:
        return {each.axis.name for each in self.varied}

    @property
    def varied(self) -> tuple[Varied, ...]:
        """The axes, and what is tried on each of them at first."""
        return cast("tuple[Varied, ...]", self.vary)  # it has been read

    @property
    def _limits(self) -> tuple[Limits, ...]:
        return cast("tuple[Limits, ...]", self.bounds)

    @property
    def at_a_time(self) -> int | None:
        """Points drawn at a time; None where points are those of grids."""
        return self.samples

    @property
    def kept(self) -> tuple[Axis, ...]:
        """Unordered axes that keep all their values on the fine grid."""
        return tuple(each.axis for each in self.varied if each.axis.name in self.keep)

    @property
    def fixed_lam(self) -> float:
        """λ where it is not an axis."""
        return self.lam

    @property
    def largest_batch(self) -> int:
        """The largest batch that is asked for."""
        sizes = (each.values for each in self.varied if each.axis is BATCH_SIZE)
        return int(max(next(sizes, (self.batch_size,))))  # type: ignore[arg-type]

    @property
    def shortest_cycle(self) -> Cycle:
        """The shortest cycle that is asked for."""
        lengths = [length for each in self.varied if each.axis is CYCLE for length in each.values]
        return values.cycle("--vary cycle", min(lengths)) if lengths else self.cycle

    def ends(self, axis: Axis) -> Ends:
        """Return how far the search may go on along an axis; None where it may not."""
        return next(((each.low, each.high) for each in self._limits if each.axis is axis), None)

    def plan(self, base: Trial) -> Plan:
        """Return a new plan of this search."""
        return coarse_fine(self, base)

    def outline(self) -> tuple[StageOutline, ...]:
        """Return the stages to expect."""
        return outline(self)
