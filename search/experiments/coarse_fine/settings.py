"""The settings that every search from coarse to fine has, and the trials that they ask for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from search.evidence.finalists import Top, top
from search.settings import values
from search.settings.spec import Experiment, setting, whole_cycles_near
from search.space.axis import ALPHA, Axis
from search.space.narrow import Factors, Zoom, fine_rule
from search.space.points import Point, Space, grid
from search.space.rounds import Rounds, rounds
from search.space.vary import Varied
from search.space.widen import Ends
from search.trial import Trial

REFERENCE_FACTORS = Factors((0.4, 0.8, 1.0, 2.0, 4.0, 8.0))


@dataclass(frozen=True, kw_only=True)
class SearchSettings(Experiment, ABC):
    """What a search from coarse to fine is made of, whatever it varies."""

    fine: Factors | Zoom = setting(
        None,
        values.optional(fine_rule),
        "Fine grid: factors of the coarse winner, or zoom:N for N values between its coarse "
        "neighbours, even on the axis's scale  [default: 0.4,0.8,1,2,4,8 on one log axis, else "
        "zoom:3 on each ordered axis].",
        "F,F,…|zoom:N",
    )
    rounds: Rounds = setting(
        1,
        rounds,
        "Rounds of narrowing: coarse and fine grid are the first, each further one lies around "
        "all values that cannot be told from the best; auto ends when the next would be finer "
        "than the data can tell apart.",
        "N|auto",
    )
    replicate_top: Top | Literal["off"] = setting(
        None,
        values.optional(top),
        "Train the best K values again, so that each has R replicates, and choose among them; or "
        "off  [default: 3:3]",
        "K:R|off",
    )
    select: str = setting(
        "best",
        values.choice("best", "1se"),
        "What the final model gets: the best one, or the simplest within one standard error of "
        "it (of λ the largest).",
        "best|1se",
    )
    fresh: int = setting(
        None,
        values.optional(values.whole(at_least=0)),
        "Runs of what was chosen with seeds that took no part in choosing it  [default: 2]",
        "N",
    )
    final_epochs: int = setting(
        None,
        values.optional(values.whole(at_least=1)),
        "Epochs of the final model  [default: the whole cycles nearest to 30]",
        "N",
    )
    final_both: bool = setting(
        False,
        values.boolean,
        "Where the final model's epochs end in mid-cycle, train it to the nearest whole cycles "
        "too, keep that model, and report both.",
    )
    final_alpha: float = setting(
        None,
        values.optional(values.number(at_least=0, below=1)),
        "Alpha of the final model  [default: as --alpha]",
        "A",
    )

    lengths: ClassVar[tuple[str, ...]] = ("epochs", "final_epochs")
    flag_of_grid: ClassVar[str] = "--vary"
    flag_of_ends: ClassVar[str] = "--bounds"
    """The flags that warnings name."""

    def derived(self) -> dict[str, Any]:
        """Return the settings that follow from the axes and the cycle."""
        ordered = [each.axis for each in self.varied if each.axis.ordered]
        one_log = len(ordered) == 1 and ordered[0].factors
        return {
            **super().derived(),
            "fine": REFERENCE_FACTORS if one_log else Zoom(3),
            "replicate_top": Top(3, 3),
            "fresh": 2,
            "final_epochs": whole_cycles_near(30, self.cycle),
            "final_alpha": self.alpha,
        }

    @property
    @abstractmethod
    def varied(self) -> tuple[Varied, ...]:
        """The axes, and what is tried on each of them at first."""

    @abstractmethod
    def ends(self, axis: Axis) -> Ends:
        """Return how far the search may go on along an axis; None where it may not."""

    @property
    def at_a_time(self) -> int | None:
        """Points drawn at a time; None where points are those of grids."""
        return None

    @property
    def kept(self) -> tuple[Axis, ...]:
        """Unordered axes that keep all their values on the fine grid."""
        return ()

    @property
    def space(self) -> Space:
        """The axes as a space."""
        return Space(tuple(each.axis for each in self.varied), self.cycle)

    @property
    def coarse_points(self) -> tuple[Point, ...]:
        """The points of the coarse grid."""
        return grid(each.values for each in self.varied)

    @property
    def longest(self) -> Point:
        """The point of the coarse grid, or the corner of the box, whose runs are the longest."""
        return max(self.coarse_points, key=lambda point: self.space.epochs_at(point, self.epochs))

    @property
    def fine_count(self) -> int:
        """Number of points on the fine grid, and on that of each further round, at most."""
        count = 1
        for each in self.varied:
            if each.axis.ordered:
                count *= self.fine.count
            elif each.axis in self.kept:
                count *= len(each.values)
        return count

    @property
    def most_replicates(self) -> int:
        """Replicates of the points that are trained most often before one is chosen."""
        more = 0 if self.replicate_top == "off" else self.replicate_top.replicates
        return max(self.replicates, more)

    def trials(
        self, base: Trial, points: Iterable[Point], replicates: int | None = None
    ) -> tuple[Trial, ...]:
        """Return one trial a point and replicate."""
        return self.space.runs(self._fixed(base), points, range(replicates or self.replicates))

    def fresh_trials(self, base: Trial, point: Point) -> tuple[Trial, ...]:
        """Return runs with the seeds that come after all those that points are chosen with."""
        first = self.most_replicates
        return self.space.runs(self._fixed(base), (point,), range(first, first + self.fresh))

    def _fixed(self, base: Trial) -> Trial:
        return replace(base, lam=self.fixed_lam, epochs=self.epochs)

    @property
    def fixed_lam(self) -> float:
        """λ where it is not an axis."""
        return 0.0

    def final_lengths(self, point: Point | None = None) -> tuple[int, ...]:
        """Return the epochs of the final model; with `final_both`, of both, whole cycles last.

        Where epochs are an axis, they are the chosen point's; where the cycle is, whole ones of it.
        """
        epochs, cycle = self.final_epochs, self.cycle
        if point is not None:
            epochs = self.space.epochs_at(point, epochs)
            cycle = self.space.cycle_at(point)
        whole = whole_cycles_near(epochs, cycle)
        return (epochs, whole) if self.final_both and whole != epochs else (epochs,)

    def final(self, base: Trial, point: Point) -> tuple[Trial, ...]:
        """Return the final model's trials, which open the test set; the last is the one kept."""
        trial = replace(self.space.put(self._fixed(base), point), with_test=True)
        if ALPHA not in self.space.axes:
            trial = replace(trial, alpha=self.final_alpha)
        return tuple(replace(trial, epochs=epochs) for epochs in self.final_lengths(point))

    def foreseen(self, base: Trial) -> tuple[Trial, ...]:
        """Return those of the first look, and the final models that their points would have."""
        first = super().foreseen(base)
        points = dict.fromkeys(map(self.space.of, first))
        return (*first, *(trial for point in points for trial in self.final(base, point)))

    def ending(self, chosen: Trial | None) -> str:
        """Return the line that ends a run: the point that was chosen."""
        if chosen is None:
            return f"no {self.space.noun} completed: there is no final model"
        return f"{self.space.equation(self.space.of(chosen))} is chosen; see the report's decisions"

    def networks(self) -> tuple[tuple[int, ...], ...]:
        """Return the widths of the hidden layers of every network to train."""
        return next(
            (each.values for each in self.varied if each.axis.name == "hidden"),  # type: ignore[misc]
            (self.hidden,),
        )
