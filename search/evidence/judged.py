"""Which networks learned: a plan is told, and what it compares are those that did.

A run whose accuracy is not above chance says nothing of how good its point is once it trains, and
one of them would hide all differences behind its own. It counts as one that did not complete, and
the claims of a comparison hold given that a network trains.
"""

from __future__ import annotations

from collections.abc import Iterable

from search.evidence.chance import learned
from search.plan import Outcomes, Plan
from search.records import DataRecord, Outcome, State


def judged(outcome: Outcome, data: DataRecord) -> Outcome:
    """Return an outcome that says whether its network learned."""
    result = outcome.result
    if result is None or result.validation is None:
        return outcome
    accuracy, n = result.validation.accuracy, result.validation.n
    return outcome._replace(learned=learned(accuracy, share=data.chance, n=n))


def informed(plan: Plan, data: DataRecord) -> Plan:
    """Return a plan that is told which networks learned, whoever runs it."""
    stage = next(plan)
    while True:
        outcomes = yield stage
        try:
            stage = plan.send(tuple(judged(each, data) for each in outcomes))
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def compared(outcomes: Iterable[Outcome]) -> Outcomes:
    """Return outcomes as they are compared: where no network learned, as if all had.

    There is nothing better to choose from then, and a report says so.
    """
    known = tuple(outcomes)
    if any(each.learned for each in known if _completed(each)):
        return known
    return tuple(each._replace(learned=True) for each in known)


def _completed(outcome: Outcome) -> bool:
    return outcome.result is not None and outcome.result.state is State.COMPLETED
