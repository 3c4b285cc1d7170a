"""The real plan over made-up worlds, from outcomes to sentences, and what is true of these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.worlds import CHANCE, World
from reports.coarse_fine.facts import Best
from reports.coarse_fine.findings import findings
from reports.coarse_fine.summary import summary, verdict
from search.evidence.judged import informed
from search.experiments.coarse_fine.settings import SearchSettings
from search.plan import Progress, replay
from search.records import (
    DataRecord,
    ExperimentRecord,
    Outcome,
    StageRecord,
    StudyRecord,
    TrialRecord,
)
from search.space.points import only
from search.trial import Trial

FEW = 0.3
"""A row is looked at when at least this share of searches has it."""


@dataclass(frozen=True)
class Search:
    """What one search of a world said, and what is true."""

    truth: dict[float, float]
    """Accuracy of each λ that was compared."""
    networks: dict[float, float]
    """That of its first network which learned."""
    best: Best
    chosen: float
    """The λ of the final model."""
    spent: int
    """Runs that took part in choosing."""
    verdict: str
    summary: str
    loses: float | None
    """By how much the chosen λ is worse than the best one at most, by what was said."""
    left: frozenset[float]
    """Values that the race did not drop; none where there was no race."""

    @property
    def winner(self) -> float:
        """The λ with the best accuracy seen."""
        return only(self.best.point)

    @property
    def held(self) -> set[float]:
        """Values that may be the best, by what was said."""
        return {self.winner, *map(only, self.best.ties)}

    @property
    def top(self) -> float:
        """The truly best λ of those compared; the smallest of equal ones."""
        return self._best(self.truth)

    @property
    def left_out(self) -> bool:
        """Whether the best λ is not held, of those of which it is said that it is.

        Where others were trained once, it is said of those that were trained again.
        """
        runs = {only(row.point): row.runs for row in self.best.others}
        said = [lam for lam in self.truth if not self.best.once or runs.get(lam, 2) > 1]
        return self._best(said) not in self.held

    def _best(self, lams: Iterable[float]) -> float:
        return min(lams, key=lambda lam: (-self.truth[lam], lam))

    @property
    def lost(self) -> float:
        """By how much the chosen λ is worse than the truly best one."""
        return self.truth[self.top] - self.truth[self.chosen]

    @property
    def dropped(self) -> bool:
        """Whether there was a race, and it dropped the truly best λ."""
        return bool(self.left) and self.top not in self.left

    @property
    def broken(self) -> bool:
        """Whether the chosen λ loses more than it was said to lose at most."""
        return self.loses is not None and self.lost > self.loses

    def missed(self, lam: float) -> bool:
        """Say whether a value's interval misses its true difference to the winner.

        Of what was trained once, where others were trained again, it is that of the networks.
        """
        rows = {only(row.point): row for row in self.best.others}
        if lam not in rows:  # it is the winner, or it was not compared
            return False
        truth = self.networks if self.best.once and rows[lam].runs == 1 else self.truth
        return not rows[lam].low <= truth[lam] - truth[self.winner] <= rows[lam].high


def search(world: World, settings: SearchSettings, seed: int) -> Search:
    """Run the real plan over a world, and read what its report says."""
    known: dict[Trial, Outcome] = {}

    def lookup(trial: Trial) -> Outcome:
        if trial not in known:
            known[trial] = Outcome(trial, world.result(trial))
        return known[trial]

    data = data_of(world)
    progress = replay(informed(settings.plan(world.base(seed)), data), lookup)
    record = record_of(settings, data, progress, known)
    found = findings(record)
    assert found.best is not None
    assert found.chosen is not None
    chooses = {trial for stage in progress.stages if stage.role.chooses for trial in stage.trials}
    compared = [found.best.point, *(row.point for row in found.best.others)]
    networks = {
        each.trial.lam: world.network(each.trial)
        for each in sorted(known.values(), key=lambda each: -each.trial.replicate)
        if each.trial in chooses and world.network(each.trial) != CHANCE
    }
    return Search(
        truth={only(point): world.truth(only(point)) for point in compared},
        networks=networks,
        best=found.best,
        chosen=only(found.chosen),
        spent=len(chooses),
        verdict=verdict(found, settings.space),
        summary=" ".join(summary(found, settings.space)),
        loses=found.race.loses if found.race else None,
        left=frozenset(map(only, found.race.left) if found.race else ()),
    )


def data_of(world: World) -> DataRecord:
    """Return what is told of a world's data."""
    base = world.base(0)
    return DataRecord(
        name=base.data,
        title=base.data,
        fingerprint=base.fingerprint,
        classes=tuple("0123456789"),
        inputs=1,
        image_shape=None,
        train_size=base.train_size,
        validation_size=world.images,
        test_size=world.images,
        stratified=False,
        chance=CHANCE,
        notes=(),
    )


def record_of(
    settings: SearchSettings, data: DataRecord, progress: Progress, known: Mapping[Trial, Outcome]
) -> StudyRecord:
    """Return the record of a study that was never on a disk."""
    asked = {trial: stage for stage in progress.stages[::-1] for trial in stage.trials}
    trials = []
    for number, outcome in enumerate(known.values()):
        result, stage = outcome.result, asked[outcome.trial]
        assert result is not None
        trials.append(
            TrialRecord(
                number=number,
                experiment=settings.kind,
                stage=stage.name,
                label=stage.label(outcome.trial),
                trial=outcome.trial,
                state=result.state,
                result=result,
                history=(),
                attempts=(),
            )
        )
    assert progress.choice is not None
    assert progress.choice.trial is not None
    experiment = ExperimentRecord(
        kind=settings.kind,
        settings=settings,
        stages=tuple(
            StageRecord(each.name, tuple(trial.id for trial in each.trials), each.reason, each.role)
            for each in progress.stages
        ),
        chosen=progress.choice.trial.id,
        warnings=(),
        finished=True,
    )
    return StudyRecord(
        kind=settings.kind,
        name="made-up",
        folder=Path(),
        command="",
        data=data,
        experiments=(experiment,),
        trials=tuple(trials),
        sessions=(),
        version="",
        scale=1.0,
    )


@dataclass(frozen=True)
class Rates:
    """How often what searches of a world say does not hold, and what it costs."""

    searches: int
    left_out: float
    """Share of searches whose winner and ties do not hold the truly best value, of those that it is
    said of: where some were trained once, of the others."""
    dropped: float | None
    """Share of searches whose race drops it; None where there is none."""
    worst_row: float
    """Of a value's intervals those that miss its true difference to the winner; the worst value.
    Of what was trained once the difference is that of the two networks."""
    alone: float
    """Share of searches that name one value alone."""
    held: float
    """Values held possible, on average."""
    compared: float
    """Values compared, on average."""
    lost: float
    """By how much the chosen value is worse than the truly best one, on average."""
    broken: float
    """Share of searches whose chosen value loses more than it was said to lose at most."""
    spent: float
    """Runs that took part in choosing, on average."""
    optimism: float
    """By how much the winner's score is higher than the truth, on average."""
    told: float
    """The same as the report estimates it."""


def rates(found: Sequence[Search]) -> Rates:
    """Return how often statements hold."""
    rows = {lam: [each.missed(lam) for each in found if lam in each.truth] for lam in _rows(found)}
    return Rates(
        searches=len(found),
        left_out=fmean(each.left_out for each in found),
        dropped=fmean(each.dropped for each in found) if found[0].left else None,
        worst_row=max(map(fmean, rows.values())),
        alone=fmean(not each.best.ties for each in found),
        held=fmean(len(each.held) for each in found),
        compared=fmean(len(each.truth) for each in found),
        lost=fmean(each.lost for each in found),
        broken=fmean(each.broken for each in found),
        spent=fmean(each.spent for each in found),
        optimism=fmean(each.best.accuracy - each.truth[each.winner] for each in found),
        told=fmean(each.best.optimism for each in found),
    )


def _rows(found: Sequence[Search]) -> list[float]:
    """Return the values that enough searches compared."""
    tried = Counter(lam for each in found for lam in each.truth)
    return [lam for lam, times in tried.items() if times >= FEW * len(found)]
