"""Loss evolution: the same networks with and without batch normalisation, over many epochs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from kbn.errors import InputError
from search.plan import Choice, Plan, Stage
from search.settings import values
from search.settings.setting import setting
from search.settings.spec import FixedLambda, StageOutline, whole_cycles_near
from search.settings.values import number_text
from search.space.axis import BATCH_NORM, HIDDEN
from search.space.points import Space, grid
from search.trial import Trial

STAGE = "loss evolution"
NINE = (50, 50, 30, 20, 20, 10, 10, 10, 10)
"""The reference report's deep network."""


@dataclass(frozen=True, kw_only=True)
class LossEvolution(FixedLambda):
    """A study of what batch normalisation does to the loss, network by network.

    Raises
    ------
    InputError
        When a setting is out of bounds.
    """

    kind: ClassVar[str] = "loss_evolution"
    compares_losses: ClassVar[bool] = True
    title: ClassVar[str] = "Compare training with and without batch normalisation"
    about: ClassVar[str] = (
        "Trains each architecture with and without batch normalisation, from the same weights and "
        "on the same batches, and reports how cost and loss fall. Run the same command again to "
        "resume; a finished study only writes its report again."
    )
    refused: ClassVar[tuple[str, ...]] = ("batch_norm",)

    architectures: tuple[tuple[int, ...], ...] = setting(
        None,
        values.architectures,
        "Networks to compare, widths of hidden layers each  [default: --hidden, and the reference "
        "report's nine hidden layers]",
        "N,N,…/N,…",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.batch_norm:
            raise InputError(
                "--no-batch-norm: each network is trained both ways in any case; leave it out"
            )

    def derived(self) -> dict[str, Any]:
        """Return the reference's epochs, to the end of a cycle, and its two networks."""
        both = self.hidden, NINE
        return {
            "epochs": whole_cycles_near(40, self.cycle),
            "architectures": tuple(dict.fromkeys(both)),
        }

    def networks(self) -> tuple[tuple[int, ...], ...]:
        """Return the architectures."""
        return self.architectures

    def outline(self) -> tuple[StageOutline, ...]:
        """Return the one stage."""
        count = 2 * len(self.architectures) * self.replicates
        what = f"{len(self.architectures)} architectures, with and without batch norm"
        return (StageOutline(STAGE, count, self.epochs, what),)

    def plan(self, base: Trial) -> Plan:
        """Train every architecture with and without batch normalisation; nothing is chosen."""
        space = Space((HIDDEN, BATCH_NORM), self.cycle)
        trials = space.runs(
            replace(base, lam=self.lam, epochs=self.epochs),
            grid((self.architectures, (True, False))),
            range(self.replicates),
        )
        reason = (
            f"Loss evolution over {self.epochs} epochs with λ = {number_text(self.lam)}, with and "
            f"without batch norm, of {' and '.join(map(network_text, self.architectures))}, "
            "as specified."
        )
        yield Stage(STAGE, trials, reason, decides=False, label=_label)
        return Choice(None, "Nothing is chosen: the experiment compares.")


def network_text(hidden: tuple[int, ...]) -> str:
    """Return a network's hidden layers as a reader writes them: `[50, 50]`."""
    return f"[{', '.join(map(str, hidden))}]"


def norm_text(*, batch_norm: bool) -> str:
    """Return which of the two kinds of network it is."""
    return "with batch norm" if batch_norm else "without batch norm"


def _label(trial: Trial) -> str:
    return f"{network_text(trial.hidden)} {norm_text(batch_norm=trial.batch_norm)}"
