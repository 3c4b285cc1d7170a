"""Studies side by side, computed once, for tables, plots and sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from reports.coarse_fine.searched import ended_trials, outcomes, search_of
from reports.compare.facts import (
    Against,
    Along,
    Compared,
    Difference,
    Final,
    Paired,
    Scored,
    Setting,
    Side,
    Tested,
    Unpaired,
)
from search.evidence.marks import standard_error_of_share
from search.evidence.paired import paired
from search.evidence.studies import Images, Setup, Together, Tried, apart, compare_studies, setup_of
from search.experiments.coarse_fine.settings import SearchSettings
from search.records import TEST_CORRECT, Role, State, StudyRecord, TrialRecord
from search.settings.differences import differing
from search.settings.spec import Experiment
from search.settings.values import cut, show
from search.space.points import Space

LONGEST = 80
"""Characters of a setting's value."""


def findings(records: Sequence[StudyRecord]) -> Compared:
    """Return what some studies, of different folders, say side by side."""
    names = names_of(records)
    tried = {k: each for k, record in enumerate(records) if (each := tried_of(record))}
    groups = tuple(_Group(records, names, together) for together in compare_studies(tried))
    group_of = {number: group for group in groups for number in group.studies}
    sides = tuple(_side(record, names[k], k, group_of.get(k)) for k, record in enumerate(records))
    return Compared(
        studies=sides,
        settings=_settings(records),
        paired=tuple(group.paired() for group in groups if len(group.studies) > 1),
        unpaired=tuple(
            _unpaired(records, sides, (one, other), (tried[one].images, tried[other].images))
            for one, other in combinations(sorted(group_of), 2)
            if group_of[one] is not group_of[other]
        ),
        tested=_tested(records, sides),
    )


def names_of(records: Sequence[StudyRecord]) -> list[str]:
    """Return the studies' names; of those that have the same, their folders."""
    names = [record.name for record in records]
    return [
        name if names.count(name) == 1 else str(record.folder)
        for name, record in zip(names, records, strict=True)
    ]


def tried_of(record: StudyRecord) -> Tried | None:
    """Return what a study chooses among or, where it searches nothing, compares."""
    space = space_of(record)
    if space is not None:
        trials = ended_trials(_search(record))
        ended = tuple(outcomes(trials))
        return Tried(ended, lambda trial: space.simplicity(space.of(trial))) if ended else None
    grid = {i for stage in record.stages if stage.role is Role.GRID for i in stage.trial_ids}
    open_states = (State.WAITING, State.RUNNING)
    ended = tuple(
        outcomes([t for t in record.trials if t.trial.id in grid and t.state not in open_states])
    )
    return Tried(ended) if ended else None


def _search(record: StudyRecord) -> StudyRecord:
    """Return the part of a study that is its search."""
    (first, *_) = (e for e in record.experiments if isinstance(e.settings, SearchSettings))
    return record.part(first)


def space_of(record: StudyRecord) -> Space | None:
    """Return what a study searches; None where it searches nothing."""
    if any(isinstance(each.settings, SearchSettings) for each in record.experiments):
        return search_of(_search(record)).space
    return None


def _settings(records: Sequence[StudyRecord]) -> tuple[Setting, ...]:
    specs = [_specification(record) for record in records]
    return tuple(
        Setting(
            name,
            tuple(cut(_typed(spec[name]), LONGEST) if name in spec else "" for spec in specs),
        )
        for name in differing(*specs)
    )


def _specification(record: StudyRecord) -> Mapping[str, Any]:
    """Return what a study is made of, whatever its data are called; see `identity_of`."""
    found: dict[str, Any] = {"experiment": record.kind}
    for each in record.experiments:
        assert isinstance(each.settings, Experiment)
        for name, value in each.settings.plain().items():
            if found.setdefault(name, value) != value:  # an experiment of several has its own
                found[f"{name} of {each.kind}"] = value
    return found | {"data": record.data.name, "data's fingerprint": record.data.fingerprint}


def _typed(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return show(value)


class _Group:
    """Studies of the same images, with the names that their setups have."""

    def __init__(
        self, records: Sequence[StudyRecord], names: Sequence[str], together: Together
    ) -> None:
        self.together = together
        self.studies = together.studies
        self._names = names
        self._labels: dict[int, dict[Setup, str]] = {
            number: {setup_of(each.trial): each.label for each in reversed(records[number].trials)}
            for number in self.studies
        }

    def best(self, study: int) -> Scored:
        """Return the best setup of a study."""
        return self._scored(self.together.best[study], study)

    def _scored(self, setup: int, study: int) -> Scored:
        together = self.together
        return Scored(
            label=self._labels[study][together.setups[setup]],
            runs=together.candidates[setup].runs,
            accuracy=together.accuracy(setup),
            error=together.error(setup),
        )

    def along(self, study: int, space: Space) -> tuple[Along, ...]:
        """Return a study's highest accuracy at each value of each axis."""
        together, found = self.together, []
        own = [k for k, of in enumerate(together.tried_by) if study in of]
        for axis in space.axes:
            at = space.axes.index(axis)
            highest: dict[Any, int] = {}
            for k in own:
                value = space.of(together.setups[k])[at]
                if value not in highest or together.accuracy(k) > together.accuracy(highest[value]):
                    highest[value] = k
            values = tuple(sorted(highest))
            found.append(
                Along(
                    axis.name,
                    values,
                    tuple(together.accuracy(highest[value]) for value in values),
                    tuple(together.error(highest[value]) for value in values),
                )
            )
        return tuple(found)

    def paired(self) -> Paired:
        """Return every setup against the best of all."""
        together = self.together
        study = self._of(together.winner)
        others = [self._against(k) for k in range(len(together.setups)) if k != together.winner]
        return Paired(
            studies=tuple(self._names[k] for k in self.studies),
            images=together.setups[0].validation_size,
            study=self._names[study],
            best=self._scored(together.winner, study),
            others=tuple(sorted(others, key=lambda each: not each.best_of_study)),
            knows_seeds=together.known.knows_seeds,
            pooled=any(len(of) > 1 for of in together.tried_by),
        )

    def _of(self, setup: int) -> int:
        """Return the study that a setup is the best of, else one that tried it."""
        tried = self.together.tried_by[setup]
        best = [number for number in tried if self.together.best[number] == setup]
        return (best or tried)[0]

    def _against(self, setup: int) -> Against:
        row = next(row for row in self.together.known.rows if row.point == (setup,))
        study = self._of(setup)
        return Against(
            study=self._names[study],
            label=self._labels[study][self.together.setups[setup]],
            runs=row.runs,
            difference=row.difference,
            low=row.low,
            high=row.high,
            p=row.p,
            tied=row.tied,
            best_of_study=setup in self.together.best.values(),
        )


def _side(record: StudyRecord, name: str, number: int, group: _Group | None) -> Side:
    space = space_of(record)
    return Side(
        name=name,
        title=record.experiments[0].kind.replace("_", " ")
        if len(record.experiments) == 1
        else record.kind,
        data=record.data.title,
        finished=record.finished,
        trials=len(record.trials),
        validation_images=record.data.validation_size,
        best=group.best(number) if group else None,
        along=group.along(number, space) if group and space else (),
        final=_final(record, space),
    )


def _chosen(record: StudyRecord) -> TrialRecord | None:
    """Return the training of a study's final model."""
    return next((each for each in record.trials if each.trial.id == record.chosen), None)


def _final(record: StudyRecord, space: Space | None) -> Final | None:
    final = _chosen(record)
    result = final.result if final else None
    if final is None or result is None or result.test is None or result.validation is None:
        return None
    return Final(
        label=space.label(space.of(final.trial)) if space else final.label,
        epochs=result.epochs,
        validation_accuracy=result.validation.accuracy,
        test_accuracy=result.test.accuracy,
        test_error=standard_error_of_share(result.test.accuracy, result.test.n),
        test_images=result.test.n,
        curve=tuple(epoch.validation_accuracy for epoch in final.history),
    )


def _unpaired(
    records: Sequence[StudyRecord],
    sides: Sequence[Side],
    pair: tuple[int, int],
    images: tuple[Images, Images],
) -> Unpaired:
    first, second = (sides[number] for number in pair)
    assert first.best
    assert second.best
    found = apart(
        (first.best.accuracy, first.best.error), (second.best.accuracy, second.best.error)
    )
    titles = tuple(records[number].data.title for number in pair)
    return Unpaired(
        reason=_reason(*images, *titles),
        of=Difference(first.name, second.name, *found),
        same_data=images[0].fingerprint == images[1].fingerprint,
    )


def _reason(one: Images, other: Images, title: str, other_title: str) -> str:
    """Say in what the images of two studies differ."""
    if one.fingerprint != other.fingerprint:
        if title != other_title:
            return f"they are of other data, {title} and {other_title}"
        return (
            f"their data have one name and other images (fingerprints {one.fingerprint} and "
            f"{other.fingerprint})"
        )
    if one.validation_size != other.validation_size:
        return (
            f"{one.validation_size:,} images validate in one and {other.validation_size:,} in the "
            "other"
        )
    if one.stratified != other.stratified:
        return "one splits its images class by class and the other does not"
    return f"they split their images with seeds {one.seed} and {other.seed}"


def _tested(records: Sequence[StudyRecord], sides: Sequence[Side]) -> tuple[Tested, ...]:
    """Return each final model's test accuracy against that of the first study that has one."""
    have = [k for k, side in enumerate(sides) if side.final]
    return tuple(_final_pair(records, sides, have[0], k) for k in have[1:])


def _final_pair(
    records: Sequence[StudyRecord], sides: Sequence[Side], first: int, second: int
) -> Tested:
    """Compare two final models image by image, where both studies kept which they label right."""
    pair = first, second
    same = len({records[k].data.fingerprint for k in pair}) == 1
    one, other = (_test_marks(records[k]) if same else None for k in pair)
    if one is not None and other is not None:
        found = paired(other, one)
        ends = found.difference, found.low, found.high
    else:
        finals = [final for k in pair if (final := sides[k].final)]
        ends = apart(*((each.test_accuracy, each.test_error) for each in finals))
    return Tested(
        Difference(sides[first].name, sides[second].name, *ends),
        same_images=same,
        paired=one is not None and other is not None,
    )


def _test_marks(record: StudyRecord) -> np.ndarray | None:
    """Return which test images a study's final model labels right; None where that is not kept."""
    final = _chosen(record)
    result = final.result if final else None
    if result is None or result.test is None or TEST_CORRECT not in result.arrays:
        return None
    return np.unpackbits(result.arrays[TEST_CORRECT], count=result.test.n).astype(bool)
