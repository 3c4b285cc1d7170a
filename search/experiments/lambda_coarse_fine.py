"""The λ search: the search from coarse to fine over one axis, as the reference report has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from search.evidence.finalists import Top
from search.experiments.coarse_fine.outline import outline
from search.experiments.coarse_fine.plan import coarse_fine
from search.experiments.coarse_fine.settings import REFERENCE_FACTORS, SearchSettings
from search.plan import Plan
from search.settings import values
from search.settings.setting import like, setting
from search.settings.spec import StageOutline
from search.space.axis import LAM, Axis
from search.space.narrow import Factors, Zoom
from search.space.vary import Varied
from search.space.widen import Bounds, Ends, bounds
from search.trial import Trial


@dataclass(frozen=True, kw_only=True)
class LambdaSearch(SearchSettings):
    """A study of the L2 strength λ: the settings of `python -m search.lambda_coarse_fine`.

    Raises
    ------
    InputError
        When a setting is out of bounds.
    """

    kind: ClassVar[str] = "lambda_coarse_fine"
    title: ClassVar[str] = "Search the L2 strength λ, coarse to fine"
    about: ClassVar[str] = (
        "Trains one network a value of λ on a coarse grid, then on a fine grid around the best "
        "validation accuracy, trains the best few again with other seeds, says which values "
        "cannot be told from the best one, trains the final model with it, and writes a report. "
        "Run the same command again to resume; a finished study only writes its report again."
    )

    fine: Factors | Zoom = like(
        SearchSettings,
        "fine",
        help="Fine grid: factors of the coarse winner, or zoom:N for N values between its coarse "
        "neighbours, even on a log scale  [default: 0.4,0.8,1,2,4,8].",
    )
    race: tuple[int, ...] | Literal["off"] = like(
        SearchSettings,
        "race",
        help="Train all values again until each has R runs, drop those that are then known to be "
        "worse, train what is left up to the next R, and so on; or off  [default: 3,5,8; off with "
        "--replicate-top or --preset paper]",
    )
    replicate_top: Top | Literal["off"] = like(
        SearchSettings,
        "replicate_top",
        help="In place of the race, train the best K values again, so that each has R replicates, "
        "and choose among them; or off  [default: 3:3 with --race off; off with --preset paper]",
    )
    fresh: int = like(
        SearchSettings,
        "fresh",
        help="Runs of the chosen λ with seeds that took no part in choosing it  [default: 2; 0 "
        "with --preset paper]",
    )
    final_epochs: int = like(
        SearchSettings,
        "final_epochs",
        help="Epochs of the final model  [default: the whole cycles nearest to 30; 32 with "
        "--preset paper]",
    )
    final_alpha: float = like(
        SearchSettings,
        "final_alpha",
        help="Alpha of the final model  [default: as --alpha; 0.7 with --preset paper]",
    )
    select: str = like(
        SearchSettings,
        "select",
        help="What the final model gets: the best λ, or the largest within one standard error "
        "of it.",
    )
    preset: str = setting(
        "standard",
        values.choice("standard", "paper"),
        "standard ends every run on a whole learning-rate cycle; paper trains the final model "
        "as the reference report did (32 epochs, alpha 0.7), trains every value once, and does "
        "not go on beyond the grids.",
        "standard|paper",
    )
    coarse: tuple[float, ...] = setting(
        (1e-5, 1e-4, 1e-3, 1e-2, 1e-1),
        values.lambdas,
        "Values of λ on the coarse grid; 0 beside them shows whether λ helps at all.",
        "λ,λ,…",
    )
    lambda_bounds: Bounds = setting(
        None,
        bounds,
        "Where the best value is at the end of those tried, go on outward, this far at most; or "
        "off  [default: 1e-7,1; off with --preset paper]",
        "LOW,HIGH|off",
    )

    flag_of_grid: ClassVar[str] = "--coarse"
    flag_of_ends: ClassVar[str] = "--lambda-bounds"

    def derived(self) -> dict[str, Any]:
        """Return the final model's settings that the preset implies."""
        found = {**super().derived(), "fine": REFERENCE_FACTORS, "lambda_bounds": (1e-7, 1.0)}
        if self.preset == "paper":
            found |= {"lambda_bounds": "off", "race": "off", "replicate_top": "off", "fresh": 0}
            found |= {"final_epochs": 32, "final_alpha": 0.7}
        return found

    @property
    def varied(self) -> tuple[Varied, ...]:
        """λ, and the values of the coarse grid."""
        return (Varied(LAM, self.coarse),)

    def ends(self, axis: Axis) -> Ends:  # noqa: ARG002 - there is but one
        """Return how far the search may go on; None where it may not."""
        return None if self.lambda_bounds == "off" else self.lambda_bounds

    def plan(self, base: Trial) -> Plan:
        """Return a new plan of this search."""
        return coarse_fine(self, base)

    def outline(self) -> tuple[StageOutline, ...]:
        """Return the stages to expect."""
        return outline(self)
