"""Plans: generators that yield stages of trials and are sent back what came of them.

A plan decides what to try next and does nothing else, so it can be read top to bottom, tested
with made-up outcomes, and replayed: sent the same outcomes, it yields the same stages.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from search.records import Outcome, Role
from search.trial import Trial


@dataclass(frozen=True)
class Stage:
    """Trials that can run at the same time, and why they are asked for."""

    name: str
    trials: tuple[Trial, ...]
    reason: str
    """A sentence for the decision log."""
    warnings: tuple[str, ...] = ()
    """What a reader of the report has to be told about this decision."""
    role: Role = Role.GRID
    decides: bool = True
    """Whether the plan goes on by what comes of them; else it is sent nothing, and nobody need keep
    it."""
    label: Callable[[Trial], str] = field(default=attrgetter("id"), compare=False)
    """What tells a trial from the others of the stage, replicates apart, in a few words."""


@dataclass(frozen=True)
class Choice:
    """Where a plan ended."""

    trial: Trial | None
    """The final trial; None when no candidate completed, or none was to be chosen."""
    reason: str


Outcomes = tuple[Outcome, ...]
Plan = Generator[Stage, Outcomes, Choice]


Lookup = Callable[[Trial], Outcome | None]
"""What is known of a trial: its outcome, or None while there is none."""
Known = Callable[[Trial], bool]
"""Whether anything is: costs less than to look it up."""


@dataclass
class Progress:
    """A plan under way: the stages it has asked for and where it ended."""

    plan: Plan
    stages: list[Stage] = field(default_factory=list)
    choice: Choice | None = None
    _known: int = 0
    """Trials of the last stage that are known, up to the first that is not."""
    _seen: int = 0
    """Stages that were returned by `unseen_stages`."""

    def __post_init__(self) -> None:
        self.stages.append(next(self.plan))

    def unseen_stages(self) -> Sequence[Stage]:
        """Return the stages that the plan has asked for since this was called last."""
        unseen = self.stages[self._seen :]
        self._seen = len(self.stages)
        return unseen

    def advance(self, lookup: Lookup, known: Known | None = None) -> None:
        """Send the plan what is known, as far as whole stages are known."""
        known = known or (lambda trial: lookup(trial) is not None)
        while self.choice is None:
            stage = self.stages[-1]
            while self._known < len(stage.trials) and known(stage.trials[self._known]):
                self._known += 1
            if self._known < len(stage.trials):
                return
            found = [lookup(trial) for trial in stage.trials] if stage.decides else []
            self._known = 0
            try:
                self.stages.append(self.plan.send(tuple(each for each in found if each)))
            except StopIteration as end:
                self.choice = end.value


def replay(plan: Plan, lookup: Lookup, known: Known | None = None) -> Progress:
    """Run a plan as far as known outcomes carry it."""
    progress = Progress(plan)
    progress.advance(lookup, known)
    return progress
