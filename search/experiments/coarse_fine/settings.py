"""The settings that every search from coarse to fine has, and the trials that they ask for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

from kbn.errors import InputError
from search.evidence.compare import Comparison
from search.evidence.finalists import Top, top
from search.evidence.look import LOST, Rule
from search.evidence.outcomes import evidence
from search.evidence.race import Budget, Race, race, race_looks
from search.records import Outcome
from search.settings import values
from search.settings.setting import flag, setting
from search.settings.spec import Experiment, whole_cycles_near
from search.space.axis import ALPHA, Axis, Value
from search.space.narrow import Factors, Zoom, check_rule, fine_rule
from search.space.points import Point, Space, grid
from search.space.rounds import Rounds, rounds
from search.space.vary import Varied
from search.space.widen import Ends
from search.trial import Trial

REFERENCE_FACTORS = Factors((0.4, 0.8, 1.0, 2.0, 4.0, 8.0))

LOOKS = (3, 5, 8)
"""Runs of each point at the looks of a race, where nothing else is asked for."""


@dataclass(frozen=True, kw_only=True)
class SearchSettings(Experiment, ABC):
    """What a search from coarse to fine is made of, whatever it varies."""

    fine: Factors | Zoom = setting(
        None,
        fine_rule,
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
    race: tuple[int, ...] | Literal["off"] = setting(
        None,
        race_looks,
        "Train all values again until each has R runs, drop those that are then known to be "
        "worse, train what is left up to the next R, and so on; or off  [default: 3,5,8; off with "
        "--replicate-top]",
        "R,R,…|off",
        later=True,
    )
    tolerance: float = setting(
        0.01,
        values.number(at_least=0, below=1),
        "The race ends when the best value loses at most so much accuracy against any other.",
        "ACCURACY",
        later=True,
    )
    runs_at_most: int | None = setting(
        None,
        values.whole(at_least=1),
        "Runs of the whole search, at most: the race takes no look that would need more.",
        "N",
        later=True,
    )
    minutes: float | None = setting(
        None,
        values.number(above=0),
        "Minutes of training of the whole search, added up over runs, at most: the race takes no "
        "look that would need more. Times of runs are kept, so that a study that is resumed "
        "decides as it did; another machine may decide otherwise.",
        "N",
        later=True,
    )
    replicate_top: Top | Literal["off"] = setting(
        None,
        top,
        "In place of the race, train the best K values again, so that each has R replicates, and "
        "choose among them; or off  [default: 3:3 with --race off]",
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
        values.whole(at_least=0),
        "Runs of what was chosen with seeds that took no part in choosing it  [default: 2]",
        "N",
    )
    final_epochs: int = setting(
        None,
        values.whole(at_least=1),
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
        values.number(at_least=0, below=1),
        "Alpha of the final model  [default: as --alpha]",
        "A",
    )

    final_validation: int | None = setting(
        None,
        values.whole(at_least=1),
        "Validation images of the final model: the search's others train it, too  [default: all "
        "of the search's, which then train nothing]",
        "N",
        later=True,
    )
    ensemble: int = setting(
        1,
        values.whole(at_least=1),
        "Average the probabilities of the final training's networks at its last N cycle ends, and "
        "say what that brings; model.npz holds them all.",
        "N",
        later=True,
    )

    lengths: ClassVar[tuple[str, ...]] = ("epochs", "final_epochs")
    flag_of_grid: ClassVar[str] = "--vary"
    flag_of_ends: ClassVar[str] = "--bounds"
    """The flags that warnings name."""

    def _check_ensemble(self) -> None:
        """Refuse an ensemble of more networks than the final training has cycle ends."""
        what = f"--ensemble {self.ensemble}"
        if self.schedule in {"constant", "rising"}:
            raise InputError(f"{what}: a {self.schedule} learning rate has no cycles; leave it out")
        epochs = self.final_lengths()[-1]
        if self.cycle.unit == "steps" or epochs % self.cycle.length:
            raise InputError(
                f"{what}: the final model's {epochs} epochs and cycles of {self.cycle} are no "
                "whole cycles of whole epochs; choose --final-epochs and --cycle that are"
            )
        ends = epochs // self.cycle.length
        if self.ensemble > ends:
            have = "1 cycle end" if ends == 1 else f"{ends} cycle ends"
            raise InputError(
                f"{what}: the final model's {epochs} epochs have {have}; choose fewer, or more "
                "--final-epochs"
            )

    def derived(self) -> dict[str, Any]:
        """Return the settings that follow from the axes and the cycle."""
        ordered = [each.axis for each in self.varied if each.axis.ordered]
        one_log = len(ordered) == 1 and ordered[0].factors
        given = (self.race is not None, self.replicate_top is not None)
        race = "off" if given == (False, True) else LOOKS
        return {
            **super().derived(),
            "fine": REFERENCE_FACTORS if one_log else Zoom(3),
            "race": race,
            "replicate_top": Top(3, 3) if (self.race or race) == "off" else "off",
            "fresh": 2,
            "final_epochs": whole_cycles_near(30, self.cycle),
            "final_alpha": self.alpha,
        }

    def __post_init__(self) -> None:
        super().__post_init__()
        for each in self.varied:
            if each.axis.ordered and self.at_a_time is None:
                check_rule(self.flag_of_grid, each.placed, self.fine)
        if self.ensemble > 1:
            self._check_ensemble()
        if self.race != "off" and self.replicate_top != "off":
            raise InputError(
                f"--replicate-top {self.replicate_top}: the race says what is trained again; leave "
                "it out, or give --race off"
            )
        for name in ("runs_at_most", "minutes"):
            if self.race == "off" and getattr(self, name) is not None:
                raise InputError(f"{flag(name)}: is what a race may take, and --race is off")

    def plain(self) -> dict[str, Any]:
        """Return the settings as plain values: of a race that there is, and of none that is off.

        Specifications of before there was one go on so, and say by `replicate_top` what they are.
        """
        plain = {name: value for name, value in super().plain().items() if name != "race"}
        return plain if self.race == "off" else {**plain, "race": list(self.race)}

    def as_begun(self, held: Mapping[str, Any]) -> Self:
        """Return the search without a race, where it was begun without one."""
        if not held or "race" in held or self.race != LOOKS:
            return self
        again: Any = None  # what follows from it
        return replace(self, race="off", replicate_top=again)

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
    def has_baseline(self) -> bool:
        """Whether a value without a place on its axis is tried beside the others."""
        return any(each.baseline for each in self.varied)

    def beside(self, axis: Axis) -> tuple[Value, ...]:
        """Return an axis's baseline where finer grids have it: finer along another axis."""
        finer = any(each.axis.ordered and each.axis is not axis for each in self.varied)
        return next(each.baseline for each in self.varied if each.axis is axis) if finer else ()

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
                count *= self.fine.count + len(self.beside(each.axis))
            elif each.axis in self.kept:
                count *= len(each.values)
        return count

    @property
    def most_replicates(self) -> int:
        """Replicates of the points that are trained most often before one is chosen."""
        if self.rule is not None:
            return self.rule.looks[-1]
        more = 0 if self.replicate_top == "off" else self.replicate_top.replicates
        return max(self.replicates, more)

    @property
    def rule(self) -> Rule | None:
        """The race's; None where there is none. Replicates that all have are its first look."""
        if self.race == "off":
            return None
        later = tuple(each for each in self.race if each > self.replicates)
        first = (self.replicates,) if self.replicates > 1 else ()
        return Rule((*first, *later), self.tolerance)

    @property
    def budget(self) -> Budget:
        """What the search may take, and how much of it follows the race."""
        seconds = None if self.minutes is None else 60.0 * self.minutes
        return Budget(
            self.runs_at_most, seconds, self.fresh + len(self.final_lengths(self.longest))
        )

    def race_of(self, tried: Iterable[Outcome]) -> Race:
        """Return the race over the points of what was tried, as far as it has come."""
        assert self.rule is not None
        return race(tried, self.space, self.rule, replicates=self.replicates, budget=self.budget)

    def evidence(self, tried: Iterable[Outcome]) -> Comparison | None:
        """Compare all points with the best one, as far as they were tried; see `evidence`."""
        known = tuple(tried)
        raced = self.race_of(known).standings if known and self.rule is not None else ()
        return evidence(known, self.space, raced)

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
        if self.final_validation is not None:
            more = base.validation_size - self.final_validation
            train = base.train_size + more
            trial = replace(
                trial,
                train_size=train,
                validation_size=self.final_validation,
                cycle_steps=self.space.cycle_at(point).steps(train // trial.batch_size),
            )
        *others, last = self.final_lengths(point)
        kept = replace(trial, epochs=last, ensemble=self.ensemble)
        return (*(replace(trial, epochs=epochs) for epochs in others), kept)

    @property
    def last_validation(self) -> int | None:
        """Validation images of the final model; None for those of the search."""
        return self.final_validation

    def at_scale(self) -> Self:
        """Return what is trained: of a preview the final model's images are fewer, too."""
        if self.final_validation is None or self.scale == 1.0:
            return super().at_scale()
        fewer = max(1, round(self.final_validation * self.scale))
        return replace(super().at_scale(), final_validation=fewer)

    def foreseen(self, base: Trial) -> tuple[Trial, ...]:
        """Return those of the first look, and the final models that their points would have."""
        first = super().foreseen(base)
        points = dict.fromkeys(map(self.space.of, first))
        return (*first, *(trial for point in points for trial in self.final(base, point)))

    def ending(self, chosen: Trial | None, tried: Sequence[Outcome]) -> str:
        """Return the line that ends a run: the point that was chosen, and how good it is."""
        if chosen is None:
            return f"no {self.space.noun} completed: there is no final model"
        point = self.space.of(chosen)
        text = f"{self.space.equation(point)} is chosen"
        race = self.race_of(tried) if self.rule is not None else None
        if race is None or race.last is None or point not in race.left:
            return f"{text}; see the report's decisions"
        loses, tried_points = race.last.loses(point), len(race.begun) + len(race.hopeless)
        told = (
            f"loses at most {loses:.4f} against the best of the {tried_points} {self.space.noun}s"
            if loses
            else f"every other {self.space.noun} is known to be worse"
        )
        return f"{text}: {told} ({1 - LOST:.0%}); {race.spent} of {race.most} runs were spent"

    def networks(self) -> tuple[tuple[int, ...], ...]:
        """Return the widths of the hidden layers of every network to train."""
        return next(
            (each.values for each in self.varied if each.axis.name == "hidden"),  # type: ignore[misc]
            (self.hidden,),
        )
