"""What a search found: computed once, for its tables, figures and sentences."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from statistics import fmean, median

import numpy as np

from reports.coarse_fine.baseline import against_baseline
from reports.coarse_fine.classes import class_scores
from reports.coarse_fine.facts import (
    CLOSE,
    QUANTILES,
    Against,
    Best,
    ClassScore,
    Explained,
    Findings,
    Lay,
    Look,
    Margin,
    Reached,
    Score,
    Unlearned,
)
from reports.coarse_fine.finals import finals_of
from reports.coarse_fine.frames import search_history
from reports.coarse_fine.raced import raced
from reports.coarse_fine.searched import (
    by_point,
    compared,
    ended_trials,
    known_of,
    lone_ordered,
    outcomes,
    search_of,
    search_stages,
    title_of,
    trials_of,
)
from reports.parts.tables import (
    NO_SEEDS,
    accuracies,
    learned,
    mean_seconds,
    reference_values,
    states,
    that_learned,
    uncertainty,
)
from search.evidence.compare import Comparison
from search.evidence.importance import importance
from search.evidence.margins import margin
from search.evidence.marks import Seeds
from search.evidence.mcnemar import exact_pairs, holm
from search.evidence.outcomes import candidates
from search.evidence.scores import standing
from search.records import DataRecord, Figures, Role, State, StudyRecord, TrialRecord
from search.space.axis import LAM
from search.space.points import Point
from search.trial import Purpose, stream

Groups = Mapping[Point, tuple[TrialRecord, ...]]


def findings(record: StudyRecord) -> Findings:
    """Return everything that a search's section says."""
    space, known = search_of(record).space, known_of(record)
    seeds = known.seeds if known else NO_SEEDS
    groups = by_point(ended_trials(record), space)
    chosen = _chosen(record, known)
    race = raced(record, chosen)
    hopeless = race.hopeless if race else ()
    best = _best(record, known, groups, hopeless) if known else None
    return Findings(
        axes=tuple(axis.name for axis in space.axes),
        looks=tuple(_look(record, name, seeds) for name in search_stages(record)),
        best=best,
        chosen=chosen,
        selected=_score(groups[chosen], record.data, seeds) if chosen and known else None,
        fresh=_score(trials_of(record, Role.FRESH), record.data, seeds),
        finals=finals_of(record),
        margins=_margins(record, seeds),
        explained=_explained(record),
        classes=_classes(record),
        learning=_learning(record),
        race=race,
        images=record.data.validation_size,
        baseline=against_baseline(best, space) if best else None,
        unlearned=_unlearned(record),
        finished=record.finished,
    )


def _chosen(record: StudyRecord, known: Comparison | None) -> Point | None:
    if known is None:
        return None
    final = any(stage.role is Role.FINAL for stage in record.stages)
    simplest = search_of(record).select == "1se" and final
    return known.one_se if simplest else known.winner


def _look(record: StudyRecord, name: str, seeds: Seeds) -> Look:
    search, trials = search_of(record), record.stage(name)
    stage = next(each for each in record.stages if each.name == name)
    published: Mapping[Point, float] = {}
    if search.space.axes == (LAM,):
        published = {(lam,): v for lam, v in reference_values(record, trials, stage.role).items()}
    points = tuple(
        _reached(record, point, group, seeds, published.get(point))
        for point, group in by_point(trials, search.space).items()
    )
    errors = [each.error for each in points if each.error is not None]
    return Look(
        title=title_of(stage, search),
        role=stage.role,
        points=points,
        replicated=any(each.trial.replicate for each in trials),
        typical_error=median(errors) if errors else None,
    )


def _reached(
    record: StudyRecord,
    point: Point,
    trials: Sequence[TrialRecord],
    seeds: Seeds,
    published: float | None,
) -> Reached:
    counted = that_learned(trials, record.data)
    completed = [each.result for each in counted if each.result]
    values = accuracies(counted)
    return Reached(
        point=point,
        runs=len(values),
        accuracy=fmean(values) if values else None,
        error=uncertainty(counted, seeds),
        lowest=min(values, default=None),
        highest=max(values, default=None),
        train_accuracy=_mean([each.train for each in completed], "accuracy"),
        validation_loss=_mean([each.validation for each in completed], "loss"),
        seconds=mean_seconds(trials),
        states=tuple(states(trials, record.data)),
        waits=any(each.state is State.WAITING for each in trials),
        reference=published,
    )


def _mean(figures: Sequence[Figures | None], name: str) -> float | None:
    values = [getattr(each, name) for each in figures if each]
    return fmean(values) if values else None


def _best(
    record: StudyRecord, known: Comparison, groups: Groups, hopeless: Collection[Point]
) -> Best:
    runs = accuracies(that_learned(groups[known.winner], record.data))
    stand = standing(compared(record), search_of(record).space)
    rivals = len(stand.contenders)
    tests = mcnemar_to_winner(record, known)
    return Best(
        point=known.winner,
        accuracy=fmean(runs),
        error=known.errors[known.winner],
        runs=len(runs),
        rivals=None if rivals == len(stand.complete) else rivals,
        learned=learned(fmean(runs), record.data),
        others=tuple(
            Against(
                point=row.point,
                runs=row.runs,
                difference=row.difference,
                low=row.low,
                high=row.high,
                p=row.p,
                tied=row.tied,
                mcnemar=tests.get(row.point),
            )
            for row in known.rows
        ),
        once=sum(row.runs == 1 < len(runs) and row.point not in hopeless for row in known.rows),
        one_se=known.one_se,
        optimism=known.optimism,
        freedom=known.seeds.freedom,
        dispersion=known.seeds.dispersion,
        seed_spread=float(np.sqrt(known.seeds.level)),
        shares_seeds=known.shares_seeds,
        draws=known.draws,
    )


def mcnemar_to_winner(record: StudyRecord, found: Comparison) -> dict[Point, float]:
    """Return McNemar's exact p-value of each point that has one run in common with the winner.

    Holm's correction is over all pairs of such points, since the winner was picked from them.
    """
    known = candidates(compared(record), search_of(record).space)
    points = [each.point for each in known]
    winner = points.index(found.winner)
    single = np.array([each.runs == 1 for each in known])
    first, second = np.triu_indices(len(known), k=1)
    tested = single[first] | single[second]
    first, second = first[tested], second[tested]
    p = exact_pairs(np.stack([each.correct[0] for each in known]))
    corrected = holm(p[first, second])
    winners = (first == winner) | (second == winner)
    others = np.where(first == winner, second, first)[winners]
    return dict(zip((points[k] for k in others.tolist()), corrected[winners].tolist(), strict=True))


def _score(trials: Sequence[TrialRecord], data: DataRecord, seeds: Seeds) -> Score | None:
    done = that_learned(trials, data)
    if not done:
        return None
    trial = done[0].trial
    return Score(
        runs=len(done),
        images=trial.validation_size,
        epochs=trial.epochs,
        accuracy=fmean(accuracies(done)),
        error=uncertainty(done, seeds),
    )


def _unlearned(record: StudyRecord) -> tuple[Unlearned, ...]:
    scores = standing(compared(record), search_of(record).space).scores
    return tuple(
        Unlearned(each.point, each.unlearned, each.runs) for each in scores if each.unlearned
    )


def _margins(record: StudyRecord, seeds: Seeds) -> tuple[Margin, ...]:
    space = search_of(record).space
    first = candidates(outcomes(_first_look(record)), space)
    if len(space.axes) == 1 or not first:
        return ()
    return tuple(Margin(axis.name, margin(first, space, axis, seeds)) for axis in space.axes)


def _explained(record: StudyRecord) -> tuple[Explained, ...]:
    search, first = search_of(record), _first_look(record)
    known = candidates(outcomes(first), search.space)
    if len(search.space.axes) == 1 or len(known) < 2:
        return ()
    rng = stream(first[0].trial.seed, 0, Purpose.IMPORTANCE)
    return tuple(
        Explained(tuple(axis.name for axis in each.axes), each.share, each.low, each.high)
        for each in importance(known, search.space, rng=rng)
    )


def _classes(record: StudyRecord) -> tuple[ClassScore, ...]:
    kept = next((each.result for each in record.trials if each.trial.id == record.chosen), None)
    counts = kept.arrays.get("confusion") if kept else None
    return () if counts is None else class_scores(counts, record.data.classes)


def _learning(record: StudyRecord) -> tuple[Lay, ...]:
    """Return where the runs of many points lay; nothing for those that are drawn along an axis."""
    search = search_of(record)
    if lone_ordered(search.space):
        return ()
    history = search_history(record, search)
    if history["point"].nunique() <= CLOSE:
        return ()
    epochs = history.groupby("epoch")
    loss, accuracy = (
        epochs[f"validation_{name}"].quantile(np.array(QUANTILES)).unstack()
        for name in ("loss", "accuracy")
    )
    return tuple(
        Lay(int(epoch), tuple(loss.loc[epoch].tolist()), tuple(accuracy.loc[epoch].tolist()))
        for epoch in loss.index
    )


def _first_look(record: StudyRecord) -> list[TrialRecord]:
    """Return the ended trials of the first grid or sample: what later ones hold was picked."""
    ended = {each.trial.id for each in ended_trials(record)}
    return [each for each in trials_of(record, Role.COARSE) if each.trial.id in ended]
