"""The whole reference report: loss evolution, λ search, final model, σ × batch norm."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from search.experiments.coarse_fine.settings import REFERENCE_FACTORS
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.experiments.loss_evolution import LossEvolution
from search.experiments.sigma_batchnorm import SigmaBatchNorm
from search.settings import values
from search.settings.setting import like, setting
from search.settings.spec import Experiment, StudySpec, whole_cycles_near
from search.space.narrow import Factors, Zoom


@dataclass(frozen=True, kw_only=True)
class Paper(StudySpec):
    """A study of all experiments; those that do not wait for each other run side by side.

    Raises
    ------
    InputError
        When a setting is out of bounds.
    """

    kind: ClassVar[str] = "paper"
    title: ClassVar[str] = "Run every experiment of the reference report"
    about: ClassVar[str] = (
        "Checks gradients, trains with and without batch normalisation, searches λ from a coarse "
        "grid to a fine one, trains the final model, fills the matrix of σ × batch normalisation, "
        "and writes one report that stands beside the reference's, number by number. Run the same "
        "command again to resume; a finished study only writes its report again."
    )

    lam: float = like(LossEvolution, "lam", help="L2 strength λ where it is not searched.")
    architectures: tuple[tuple[int, ...], ...] = like(LossEvolution, "architectures")
    loss_epochs: int = setting(
        None,
        values.whole(at_least=1),
        "Epochs of the loss evolution  [default: the whole cycles nearest to 40]",
        "N",
    )
    coarse: tuple[float, ...] = like(LambdaSearch, "coarse")
    fine: Factors | Zoom = like(
        LambdaSearch,
        "fine",
        default=REFERENCE_FACTORS,
        help="Fine grid: factors of the coarse winner, or zoom:N.",
    )
    final_epochs: int = like(
        LambdaSearch,
        "final_epochs",
        default=32,
        help="Epochs of the final model, which is trained to the nearest whole cycles, too.",
    )
    final_alpha: float = like(
        LambdaSearch, "final_alpha", default=0.7, help="Alpha of the final model."
    )
    sigmas: tuple[float, ...] = like(SigmaBatchNorm, "sigmas")
    retune: bool = like(
        SigmaBatchNorm,
        "retune",
        help="Search λ in each cell of the matrix first, on the coarse grid.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.experiments()  # each checks what is its own

    def derived(self) -> dict[str, Any]:
        """Return what follows from other settings, as the experiments derive it alone."""
        own = LossEvolution(hidden=self.hidden, cycle=self.cycle)
        return {
            **super().derived(),
            "architectures": own.architectures,
            "loss_epochs": whole_cycles_near(40, self.cycle),
        }

    def experiments(self) -> tuple[Experiment, ...]:
        """Return the reference's experiments, in its order."""
        common = {field.name: getattr(self, field.name) for field in fields(StudySpec)}
        parts = (
            LossEvolution(
                **common | {"epochs": self.loss_epochs},
                lam=self.lam,
                architectures=self.architectures,
            ),
            LambdaSearch(
                **common,
                preset="paper",
                coarse=self.coarse,
                fine=self.fine,
                final_epochs=self.final_epochs,
                final_both=True,
                final_alpha=self.final_alpha,
            ),
            SigmaBatchNorm(
                **common,
                lam=self.lam,
                sigmas=self.sigmas,
                retune=self.retune,
                lambdas=self.coarse,
            ),
        )
        return tuple(part.at_scale() for part in parts)
