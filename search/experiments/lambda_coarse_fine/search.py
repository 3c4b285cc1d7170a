"""The λ search: its settings with its plan."""

from __future__ import annotations

from dataclasses import dataclass

from search.experiments.lambda_coarse_fine.outline import outline
from search.experiments.lambda_coarse_fine.plan import lambda_coarse_fine
from search.experiments.lambda_coarse_fine.settings import LambdaSettings
from search.plan import Plan
from search.settings.spec import StageOutline
from search.trial import Trial


@dataclass(frozen=True, kw_only=True)
class LambdaSearch(LambdaSettings):
    """A study of the L2 strength λ: the settings of `python -m search.lambda_coarse_fine`.

    Raises
    ------
    InputError
        When a setting is out of bounds.
    """

    def plan(self, base: Trial) -> Plan:
        """Return a new plan of this search."""
        return lambda_coarse_fine(self, base)

    def outline(self) -> tuple[StageOutline, ...]:
        """Return the stages to expect."""
        return outline(self)
