"""What a comparison of studies says: plain values, as `findings` returns them."""

from __future__ import annotations

from dataclasses import dataclass

from search.space.points import Point


@dataclass(frozen=True)
class Setting:
    """A setting on which studies differ."""

    name: str
    typed: tuple[str, ...]
    """Each study's, as one types it; empty where a study has no such setting."""


@dataclass(frozen=True)
class Scored:
    """A setup of a study, by its validation accuracy."""

    label: str
    """What tells it from the study's others: `λ=1e-3`."""
    runs: int
    accuracy: float
    error: float
    """Standard error of that."""


@dataclass(frozen=True)
class Along:
    """The highest accuracy of a study at each value of an axis that it varies."""

    axis: str
    values: Point
    """Ascending."""
    accuracies: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True)
class Final:
    """A study's final model."""

    label: str
    epochs: int
    validation_accuracy: float
    test_accuracy: float
    test_error: float
    """Standard error of that."""
    test_images: int
    curve: tuple[float, ...]
    """Validation accuracy after each epoch."""


@dataclass(frozen=True)
class Side:
    """One of the studies."""

    name: str
    title: str
    """What it did."""
    data: str
    finished: bool
    trials: int
    validation_images: int
    best: Scored | None
    """None while no setup has completed."""
    along: tuple[Along, ...]
    final: Final | None


@dataclass(frozen=True)
class Against:
    """A setup against the best of all, on the same images."""

    study: str
    """One that tried it."""
    label: str
    runs: int
    """Runs that both have."""
    difference: float
    """Accuracy less that of the best."""
    low: float
    high: float
    """Ends of its interval."""
    p: float
    tied: bool
    """Whether it cannot be told from the best."""
    best_of_study: bool


@dataclass(frozen=True)
class Paired:
    """Studies that validate on the same images."""

    studies: tuple[str, ...]
    images: int
    study: str
    """Of the best setup of all, or one of them."""
    best: Scored
    others: tuple[Against, ...]
    """Every other setup; the best of each study first."""
    knows_seeds: bool
    """Whether the intervals hold the noise of seeds, beside that of images."""
    pooled: bool
    """Whether several studies trained one setup, which has the runs of all of them."""

    @property
    def ties(self) -> tuple[Against, ...]:
        """What cannot be told from the best."""
        return tuple(other for other in self.others if other.tied)


@dataclass(frozen=True)
class Difference:
    """A second score less a first one."""

    first: str
    second: str
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Unpaired:
    """Two studies that validate on other images, by their best setups."""

    reason: str
    of: Difference
    same_data: bool
    """Whether it is the split alone in which their images differ."""


@dataclass(frozen=True)
class Tested:
    """Two final models by their test accuracies."""

    of: Difference
    same_images: bool
    """Whether both were tested on the same images."""
    paired: bool
    """Whether the interval is that of both models on each of those images."""


@dataclass(frozen=True)
class Compared:
    """All that is said of some studies side by side."""

    studies: tuple[Side, ...]
    settings: tuple[Setting, ...]
    paired: tuple[Paired, ...]
    unpaired: tuple[Unpaired, ...]
    tested: tuple[Tested, ...]
    """Each other final model against the first."""
