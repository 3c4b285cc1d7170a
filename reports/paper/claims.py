"""The reference report's claims, as rules over a study's records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reports.coarse_fine.searched import ended_trials, known_of
from reports.paper.discussion import Claim, Estimate, Verdict, accuracy, all_of, final_loss, shown
from reports.parts import reference
from reports.parts.tables import learned
from reports.parts.text import listed, signed
from reports.sigma_batchnorm.findings import published
from search.evidence.compare import LEVEL
from search.experiments.loss_evolution import network_text
from search.experiments.sigma_batchnorm import MATRIX, Cell, cell_of
from search.records import StudyRecord, TrialRecord
from search.settings.values import number_text, some
from search.space.points import only

NO_ERROR = "not every run completed with a loss whose error is known"

Groups = Mapping[tuple[tuple[int, ...], bool], tuple[TrialRecord, ...]]
"""The runs of each architecture, with and without batch normalisation."""


def loss_claims(record: StudyRecord) -> Iterator[Claim]:
    """Yield what the reference says of the loss with and without batch normalisation."""
    groups = _by_network(record)
    gains = {}
    for hidden in dict.fromkeys(hidden for hidden, _ in groups):
        yield _keeps_falling(hidden, groups[hidden, True])
        gains[hidden] = _gain(groups, hidden)
        yield _ends_lower(hidden, groups, gains[hidden])
    if len(gains) > 1:
        yield _larger_when_deep(gains)


def _by_network(record: StudyRecord) -> Groups:
    groups: dict[tuple[tuple[int, ...], bool], list[TrialRecord]] = {}
    for each in record.trials:
        groups.setdefault((each.trial.hidden, each.trial.batch_norm), []).append(each)
    return {key: tuple(trials) for key, trials in groups.items()}


def _keeps_falling(hidden: tuple[int, ...], trials: Sequence[TrialRecord]) -> Claim:
    """Compare the training loss of the last cycle's end with that of the cycle before."""
    text = f"With batch norm the loss of {network_text(hidden)} keeps falling in later epochs."
    trial = trials[0].trial
    cycle = trial.cycle_steps // (trial.train_size // trial.batch_size)
    last = final_loss(trials, "train")
    if last is None or any(len(each.history) <= cycle for each in trials):
        return Claim(text, Verdict.UNTESTED, "there are no two cycles of every run to compare")
    ends = [each.history[-1 - cycle].train_loss for each in trials]
    before = Estimate(sum(ends) / len(ends), last.error)
    figures = (
        f"training loss {shown(before)} at the end of the last cycle but one, {shown(last)} at "
        "the end of the last"
    )
    return Claim(text, (before - last).above(), figures)


def _gain(groups: Groups, hidden: tuple[int, ...]) -> Estimate | None:
    """Return by how much batch normalisation lowers the final validation loss."""
    sides = [final_loss(groups.get((hidden, norm), ()), "validation") for norm in (False, True)]
    without, with_norm = sides
    return without - with_norm if without and with_norm else None


def _ends_lower(hidden: tuple[int, ...], groups: Groups, gain: Estimate | None) -> Claim:
    text = f"With batch norm the loss of {network_text(hidden)} ends lower."
    if gain is None:
        return Claim(text, Verdict.UNTESTED, NO_ERROR)
    parts = []
    for part in ("train", "validation"):
        with_norm, without = (final_loss(groups[hidden, norm], part) for norm in (True, False))
        assert with_norm is not None
        assert without is not None
        parts.append(f"{part} loss {shown(with_norm)} with, {shown(without)} without")
    figures = f"{'; '.join(parts)}; judged by the validation loss, lower by {shown(gain)}"
    return Claim(text, gain.above(), figures)


def _larger_when_deep(gains: Mapping[tuple[int, ...], Estimate | None]) -> Claim:
    shallow, deep = min(gains, key=len), max(gains, key=len)
    text = (
        f"The effect of batch norm is larger in the deep network, {network_text(deep)}, than in "
        f"{network_text(shallow)}."
    )
    small, large = gains[shallow], gains[deep]
    if small is None or large is None:
        return Claim(text, Verdict.UNTESTED, NO_ERROR)
    figures = (
        f"validation loss lower by {shown(large)} in the deep network, by {shown(small)} in the "
        "other"
    )
    return Claim(text, (large - small).above(), figures)


def lambda_claims(record: StudyRecord) -> Iterator[Claim]:
    """Yield what the reference says of its λ: that it is the best of those tried."""
    lam = reference.FINAL.lam
    text = f"λ = {number_text(lam)} is best."
    found = known_of(record)
    differences = {only(row.point): row for row in found.rows} if found else {}
    winner = only(found.winner) if found else None
    if found is None or winner is None or (lam != winner and lam not in differences):
        yield Claim(text, Verdict.UNTESTED, "there is no completed run with it")
    elif not all(reference.searched(record.data, each.trial) for each in ended_trials(record)):
        yield Claim(text, Verdict.UNTESTED, reference.OTHERS)
    elif lam == winner and found.ties:
        ties = listed(list(map(only, found.ties)))
        yield Claim(
            text, Verdict.OPEN, f"it is the best here, too, but {ties} cannot be told from it"
        )
    elif lam == winner:
        yield Claim(text, Verdict.SUPPORTED, "every other value is worse by a paired comparison")
    else:
        row = differences[lam]
        figures = (
            f"here {number_text(winner)} is; {number_text(lam)} differs from it by "
            f"{signed(row.difference)} ({LEVEL:.0%} interval {signed(row.low)} to "
            f"{signed(row.high)})"
        )
        yield Claim(text, Verdict.OPEN if row.tied else Verdict.CONTRADICTED, figures)


def matrix_claims(record: StudyRecord) -> Iterator[Claim]:
    """Yield what the reference says of the matrix of σ × batch normalisation."""
    cells: dict[Cell, list[TrialRecord]] = {}
    for each in record.stage(MATRIX):
        cells.setdefault(cell_of(each.trial), []).append(each)
    yield _all_above_floor(record, {cell: cells[cell] for cell in cells if cell.batch_norm})
    small = {c: cells[c] for c in cells if not c.batch_norm and c.sigma <= reference.SMALL}
    if small:
        yield _small_do_not_learn(record, small)


def _all_above_floor(record: StudyRecord, cells: Mapping[Cell, Sequence[TrialRecord]]) -> Claim:
    text = f"Each cell with batch norm has a test accuracy above {reference.FLOOR}."
    same = {c: trials for c, trials in cells.items() if published(record, tuple(trials))}
    if not same:
        return Claim(text, Verdict.UNTESTED, reference.OTHERS)
    found = {cell: accuracy(trials, "test") for cell, trials in same.items()}
    floor = reference.FLOOR
    verdicts = [each.above(floor) if each else Verdict.UNTESTED for each in found.values()]
    figures = "; ".join(
        f"σ = {number_text(cell.sigma)}: {shown(each, 4) if each else 'did not complete'}"
        for cell, each in found.items()
    )
    return Claim(text, all_of(verdicts), figures)


def _small_do_not_learn(record: StudyRecord, cells: Mapping[Cell, Sequence[TrialRecord]]) -> Claim:
    small = number_text(reference.SMALL)
    text = f"Without batch norm, networks with σ of {small} or less do not learn."
    verdicts, words = [], []
    for cell, trials in cells.items():
        reached = [e.result.validation.accuracy for e in trials if e.result and e.result.validation]
        name = f"σ = {number_text(cell.sigma)}"
        if len(reached) < len(trials):
            verdicts.append(Verdict.UNTESTED)
            words.append(f"{name}: has no result")
            continue
        learnt = [learned(each, record.data) for each in reached]
        verdicts.append(Verdict.CONTRADICTED if any(learnt) else Verdict.SUPPORTED)
        words.append(f"{name}: validation accuracy {max(reached):.4f} at most")
    figures = f"{some(words)}; always naming one class gives {record.data.chance:.4f}"
    return Claim(text, all_of(verdicts), figures)
