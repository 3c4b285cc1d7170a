"""The learning-rate range test: η rises over one training, to see where a network learns."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from kbn.errors import InputError
from search.plan import Choice, Plan, Stage
from search.settings.setting import flag, like
from search.settings.spec import FixedLambda, StageOutline
from search.settings.values import Cycle, number_text
from search.trial import Trial

STAGE = "range test"
_NONE = "Not to be changed here"


@dataclass(frozen=True, kw_only=True)
class RangeTest(FixedLambda):
    """A study of which learning rates a network can be trained with.

    Source: L. N. Smith, "Cyclical Learning Rates for Training Neural Networks", 2017, section 3.3.

    Raises
    ------
    InputError
        When a setting is out of bounds.
    """

    kind: ClassVar[str] = "range_test"
    title: ClassVar[str] = "Find the learning rates to cycle between"
    about: ClassVar[str] = (
        "Trains one network while the learning rate rises by the same factor each step, measures "
        "validation loss and accuracy at each epoch's end, and suggests --eta-min and --eta-max "
        "for a cyclical learning rate: where accuracy begins to rise, and where it stops rising. "
        "Run the same command again to resume; a finished study only writes its report again."
    )
    refused: ClassVar[tuple[str, ...]] = ("schedule", "cycle")

    eta_min: float = like(FixedLambda, "eta_min", help="Learning rate of the first step.")
    eta_max: float = like(
        FixedLambda, "eta_max", default=10.0, help="Learning rate of the last step."
    )

    epochs: int = like(
        FixedLambda, "epochs", help="Epochs over which the learning rate rises  [default: 24]"
    )
    replicates: int = like(FixedLambda, "replicates", help="Runs with other weights and batches.")
    schedule: str = like(FixedLambda, "schedule", help=f"{_NONE}: the learning rate rises once.")
    cycle: Cycle = like(FixedLambda, "cycle", help=f"{_NONE}: the rise is as long as the run.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.eta_min == self.eta_max:
            raise InputError(
                f"--eta-max {number_text(self.eta_max)} is --eta-min, too: nothing would rise; "
                "give a larger one"
            )
        for field in dataclasses.fields(FixedLambda):
            if field.name in {"schedule", "cycle"} and getattr(self, field.name) != field.default:
                raise InputError(
                    f"{flag(field.name)} {getattr(self, field.name)}: the learning rate rises once "
                    "from --eta-min to --eta-max; leave it out"
                )

    def derived(self) -> dict[str, Any]:
        """Return the epochs of the rise: four for each decade of the default range."""
        return super().derived() | {"epochs": 24}

    def outline(self) -> tuple[StageOutline, ...]:
        """Return the one stage."""
        return (StageOutline(STAGE, self.replicates, self.epochs, f"η {self._rise}"),)

    @property
    def _rise(self) -> str:
        return f"from {number_text(self.eta_min)} to {number_text(self.eta_max)}"

    def plan(self, base: Trial) -> Plan:
        """Train one network a replicate while η rises; what to make of it is for the reader."""
        trial = replace(
            base,
            schedule="rising",
            eta_min=self.eta_min,
            eta_max=self.eta_max,
            cycle_steps=self.epochs * (base.train_size // base.batch_size),
            epochs=self.epochs,
            lam=self.lam,
        )
        yield Stage(
            STAGE,
            tuple(replace(trial, replicate=number) for number in range(self.replicates)),
            f"Range test: η rises {self._rise} over {self.epochs} epochs, by the same factor each "
            "step, as specified.",
            decides=False,
            label=lambda trial: f"η up to {number_text(trial.eta_max)}",
        )
        return Choice(None, "Nothing is chosen: the test suggests.")
