"""What a search's part of a report says, as plain values: the parts of `Findings`."""

from __future__ import annotations

from dataclasses import dataclass

from reports.coarse_fine.raced import Raced
from search.evidence.margins import Mean
from search.records import Role, State
from search.space.points import Point

CLOSE = 40
"""Points from which on they stand so close that each is drawn small, and runs are summed up."""


@dataclass(frozen=True)
class Reached:
    """What a point reached in one stage of the search.

    Means are over runs whose networks learned, or, where none did, those that completed.
    """

    point: Point
    runs: int
    """How many these are."""
    accuracy: float | None
    """Mean validation accuracy."""
    error: float | None
    """Its standard error: of images, and of seeds as far as the study's replicates tell of them."""
    lowest: float | None
    highest: float | None
    train_accuracy: float | None
    validation_loss: float | None
    seconds: float | None
    """Time of a run on its core."""
    states: tuple[str, ...]
    """How its runs ended, in words."""
    waits: bool
    """Whether a run is still to come."""
    reference: float | None
    """The reference report's accuracy, where it trained the same."""


@dataclass(frozen=True)
class Look:
    """A stage that took part in choosing."""

    title: str
    """`coarse grid`, `sample`, `round 2`, …"""
    role: Role
    points: tuple[Reached, ...]
    """Ascending."""
    replicated: bool
    """Whether it trained points with several seeds."""
    typical_error: float | None
    """The median of its points' standard errors."""

    @property
    def reached(self) -> tuple[Reached, ...]:
        """The points that have an accuracy."""
        return tuple(each for each in self.points if each.accuracy is not None)

    @property
    def compared(self) -> bool:
        """Whether the reference report trained some of it."""
        return any(each.reference is not None for each in self.points)


@dataclass(frozen=True)
class Against:
    """A point against the best one."""

    point: Point
    runs: int
    """Replicates that both have; only those are compared."""
    difference: float
    """Accuracy less that of the best one."""
    low: float
    high: float
    p: float
    tied: bool
    """Whether it cannot be told from the best one."""
    mcnemar: float | None
    """McNemar's exact p-value, corrected; None where more than one run was compared."""


@dataclass(frozen=True)
class Best:
    """The point with the highest accuracy, and what is known of it."""

    point: Point
    accuracy: float
    error: float
    """Standard error of its accuracy."""
    runs: int
    rivals: int | None
    """Points that were trained as often, it among them, where others were trained less often."""
    learned: bool
    """Whether its accuracy is above that of always naming one class."""
    others: tuple[Against, ...]
    """Every other point all of whose runs completed, ascending."""
    once: int
    """Others that were trained once, where it was more often: compared as networks. Those that
    were too far behind to begin a race are not among them."""
    one_se: Point
    """The simplest point within one standard error."""
    optimism: float
    """By how much its accuracy is too high for having been picked, at least, by a bootstrap."""
    freedom: int
    """Degrees of freedom of what is known of the noise of seeds; 0 where it is not known."""
    dispersion: float
    """Variance of differences over seeds, as a multiple of what images alone would give."""
    seed_spread: float
    """Standard deviation of one run's accuracy over seeds, beyond that of images."""
    shares_seeds: bool
    """Whether a replicate of every point has the same initial weights and batches."""
    draws: int
    """Simulated searches behind it: no p is below one in so many."""

    @property
    def ties(self) -> tuple[Point, ...]:
        """The points that cannot be told from it."""
        return tuple(each.point for each in self.others if each.tied)

    @property
    def knows_seeds(self) -> bool:
        """Whether the intervals hold the noise of seeds."""
        return self.freedom > 0


@dataclass(frozen=True)
class Score:
    """An accuracy of the chosen point."""

    runs: int
    images: int
    epochs: int
    accuracy: float
    error: float | None


@dataclass(frozen=True)
class Measured:
    """The final model on one part of the data."""

    part: str
    images: int
    accuracy: float
    error: float
    loss: float
    cost: float
    reference: float | None
    """The reference report's accuracy, where it can be compared."""


@dataclass(frozen=True)
class Together:
    """The networks of a final training's last cycle ends, their probabilities averaged."""

    networks: int
    accuracy: float
    """On the test images."""
    error: float
    difference: float
    """Its accuracy less that of the last network alone, on the same images."""
    low: float
    high: float
    """The ends of its 95 % interval, for the noise of images."""


@dataclass(frozen=True)
class Final:
    """A final model whose training ended."""

    epochs: int
    """Epochs that were asked for."""
    trained: int
    """Epochs that it came to."""
    lam: float
    alpha: float
    state: State
    kept: bool
    """Whether it is the one of `model.npz`."""
    comparable: bool
    """Whether the reference report trained such a model."""
    parts: tuple[Measured, ...]
    train_size: int
    """Images that it was trained on."""
    more: int
    """How many of them validate in the search."""
    ensemble: Together | None

    @property
    def test(self) -> Measured | None:
        """How it does on the test images; None where it diverged."""
        return next((each for each in self.parts if each.part == "test"), None)


@dataclass(frozen=True)
class ClassScore:
    """How the final model that is kept does on the test images of a class."""

    name: str
    images: int
    accuracy: float
    error: float
    taken_for: str | None
    """The class that its images are most often taken for; None where it makes no mistake."""
    mistaken: float
    """The share of its images that are taken for that."""


QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Shares of runs that lie below the numbers of a `Lay`."""


@dataclass(frozen=True)
class Lay:
    """Where validation loss and accuracy of the search's runs lay at an epoch's end."""

    epoch: int
    loss: tuple[float, ...]
    accuracy: tuple[float, ...]


@dataclass(frozen=True)
class Explained:
    """What an axis, or a pair of them, explains of the variance of accuracy."""

    axes: tuple[str, ...]
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Margin:
    """Mean accuracies along an axis, over the first grid or sample."""

    axis: str
    means: tuple[Mean, ...]


@dataclass(frozen=True)
class Baseline:
    """The best point with a λ above 0 against the best one with λ = 0."""

    point: Point
    """The one without."""
    rival: Point
    gain: float
    """Accuracy of the rival less that of the point."""
    low: float
    high: float
    """The ends of an interval that covers the gain at the rate of all of the search's."""
    helps: bool | None
    """Whether the rival is known to be better; False where it is known to be worse, None where
    neither is known."""


@dataclass(frozen=True)
class Unlearned:
    """A point of which some networks did not learn: those take no part in comparisons."""

    point: Point
    runs: int
    """Runs that completed, and whose networks did not learn."""
    of: int
    """Runs in all."""


@dataclass(frozen=True)
class Findings:
    """Everything that the section says."""

    axes: tuple[str, ...]
    """What was varied, as the specification calls it."""
    looks: tuple[Look, ...]
    """The stages that took part in choosing, in order."""
    best: Best | None
    """None while no point has completed."""
    chosen: Point | None
    """What the final model has, or would have by what is known."""
    selected: Score | None
    """The chosen point's accuracy, by which it was chosen."""
    fresh: Score | None
    """That of runs whose seeds took no part in choosing it."""
    finals: tuple[Final, ...]
    margins: tuple[Margin, ...]
    explained: tuple[Explained, ...]
    """Largest share first; none for one axis, or where points are too few."""
    classes: tuple[ClassScore, ...]
    """Of the final model that is kept, those that have test images."""
    learning: tuple[Lay, ...]
    """Epochs ascending; nothing where so few points were trained that each is drawn."""
    race: Raced | None
    """None where there is none."""
    images: int
    """Validation images."""
    baseline: Baseline | None
    """None where no λ = 0 was tried beside others, or can be compared."""
    unlearned: tuple[Unlearned, ...]
    """The points of which some networks did not learn while others did, ascending."""
    finished: bool

    @property
    def kept(self) -> Final | None:
        """The final model that is kept."""
        return next((each for each in self.finals if each.kept), None)

    @property
    def replicated(self) -> bool:
        """Whether a point was trained with several seeds to choose by."""
        return any(look.replicated for look in self.looks)

    @property
    def alike(self) -> tuple[Point, ...]:
        """The best point and those that cannot be told from it."""
        return (self.best.point, *self.best.ties) if self.best else ()
