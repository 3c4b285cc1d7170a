"""What stands around the experiments of a paper: the gradient check, and the reference's claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from kbn.differences import TOLERANCE, check_random
from kbn.gradcheck import REFERENCE
from reports.paper.claims import lambda_claims, matrix_claims
from reports.paper.discrepancies import Pair, matrix_pairs, search_pairs
from reports.paper.discussion import Claim, Weighed, judge
from reports.paper.loss_claims import loss_claims
from reports.parts.settings import settings_of
from search.experiments.loss_evolution import LossEvolution
from search.records import StudyRecord

CLAIMS: Mapping[str, Callable[[StudyRecord], Iterator[Weighed]]] = {
    "loss_evolution": loss_claims,
    "lambda_coarse_fine": lambda_claims,
    "sigma_batchnorm": matrix_claims,
}
PAIRS: Mapping[str, Callable[[StudyRecord], Iterator[Pair]]] = {
    "lambda_coarse_fine": search_pairs,
    "sigma_batchnorm": matrix_pairs,
}


@dataclass(frozen=True)
class Gradient:
    """One parameter's gradient, by back-propagation and by differences."""

    parameter: str
    """`w0`, `b0`, `gamma0`, …; layers count from 0."""
    relative_error: float | None
    """None where the cost does not depend on it."""
    reference: float | None
    """The reference report's."""
    agrees: bool

    @property
    def quotient(self) -> float | None:
        """The reference's error over the one measured."""
        if self.reference is None or not self.relative_error:
            return None
        return self.reference / self.relative_error


@dataclass(frozen=True)
class GradientFindings:
    """Everything that the section on the gradient check says."""

    tolerance: float
    largest_error: float
    agrees: bool
    gradients: tuple[Gradient, ...]


@dataclass(frozen=True)
class Discussion:
    """Everything that the discussion says."""

    replicates: int
    """Runs of each network."""
    claims: tuple[Claim, ...]
    """What the reference report claims, and what is to be said of it here."""
    verdicts: Mapping[str, int]
    """How many claims have each verdict, the most frequent one first."""
    numbers: tuple[Pair, ...]
    """Its numbers beside those measured in their place."""


@cache
def check_gradients() -> GradientFindings:
    """Check the gradients of the reference's small network."""
    checks = check_random()
    return GradientFindings(
        tolerance=TOLERANCE,
        largest_error=max(check.relative_error for check in checks if check.effect),
        agrees=all(check.passed for check in checks),
        gradients=tuple(
            Gradient(
                check.name,
                check.relative_error if check.effect else None,
                REFERENCE.get(check.name),
                agrees=check.passed,
            )
            for check in checks
        ),
    )


def discuss(record: StudyRecord) -> Discussion:
    """Hold the reference's claims and numbers against what was measured."""
    parts = {each.kind: record.part(each) for each in record.experiments}
    claims = judge([claim for kind, rule in CLAIMS.items() for claim in rule(parts[kind])])
    return Discussion(
        replicates=settings_of(parts["loss_evolution"], LossEvolution).replicates,
        claims=claims,
        verdicts=dict(Counter(claim.verdict.value for claim in claims).most_common()),
        numbers=tuple(pair for kind, rule in PAIRS.items() for pair in rule(parts[kind])),
    )
