"""What the reference report claims of λ and of initial weights, as rules over records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reports.coarse_fine.searched import ended_trials, known_of
from reports.paper.discussion import Verdict, Weighed, above, accuracy, final_figures, shown
from reports.parts import reference
from reports.parts.text import listed, signed
from reports.sigma_batchnorm.findings import Cells, cells, published
from search.evidence.chance import chance_of, chance_of_none, unlearned_below
from search.evidence.compare import LEVEL
from search.evidence.means import shares
from search.evidence.sides import Sides, all_of
from search.records import StudyRecord
from search.settings.values import number_text, some
from search.space.points import only

ONCE = "each value was trained once, and what other seeds would change is not in that"


def lambda_claims(record: StudyRecord) -> Iterator[Weighed]:
    """Yield what the reference says of its λ: that it is the best of those tried.

    That is a claim about a value, and not about networks: where seeds are not in the comparison,
    the data cannot tell.
    """
    lam = reference.FINAL.lam
    text = f"λ = {number_text(lam)} is best."
    found = known_of(record)
    differences = {only(row.point): row for row in found.rows} if found else {}
    winner = only(found.winner) if found else None
    if found is None or winner is None or (lam != winner and lam not in differences):
        why = "there is no completed run with it"
        yield Weighed(text, why, otherwise=Verdict.UNTESTED)
        return
    if not all(reference.searched(record.data, each.trial) for each in ended_trials(record)):
        yield Weighed(text, reference.OTHERS, otherwise=Verdict.UNTESTED)
        return
    if lam == winner:
        sides = Sides(support=max(row.p for row in found.rows) / 2, against=1.0)
        ties = listed(list(map(only, found.ties))) if found.ties else ""
        figures = (
            f"it is the best here, too, but {ties} cannot be told from it"
            if ties
            else "it is the best here, too, and every other value is worse by a paired comparison"
        )
    else:
        row = differences[lam]
        sides = Sides(support=1.0, against=row.p / 2)
        figures = (
            f"here {number_text(winner)} is; {number_text(lam)} differs from it by "
            f"{signed(row.difference)} ({LEVEL:.0%} interval {signed(row.low)} to "
            f"{signed(row.high)})"
        )
    if found.knows_seeds:
        yield Weighed(text, figures, sides, seeds=True)
    else:
        yield Weighed(text, f"{figures}; {ONCE}")


def matrix_claims(record: StudyRecord) -> Iterator[Weighed]:
    """Yield what the reference says of the matrix of σ × batch normalisation."""
    matrix = cells(record)
    yield _all_above_floor(record, {cell: matrix[cell] for cell in matrix if cell.batch_norm})
    small = {c: matrix[c] for c in matrix if not c.batch_norm and c.sigma <= reference.SMALL}
    if small:
        yield _small_do_not_learn(record, small)


def _all_above_floor(record: StudyRecord, normed: Cells) -> Weighed:
    floor = reference.FLOOR
    text = f"Each cell with batch norm has a test accuracy above {floor}."
    same = {c: trials for c, trials in normed.items() if published(record, trials)}
    if not same:
        return Weighed(text, reference.OTHERS, otherwise=Verdict.UNTESTED)
    parts, words = [], []
    for cell, trials in same.items():
        name, ended = f"σ = {number_text(cell.sigma)}", final_figures(trials, "test")
        reached = accuracy(trials, "test")
        if ended and reached:
            rates = [each.accuracy for each in ended]
            parts.append(above(shares(rates, ended[0].n, at=floor), floor))
        words.append(f"{name}: {shown(reached, 4) if reached else 'did not complete'}")
    seeds = all(len(trials) > 1 for trials in same.values())
    return _of_all(text, parts, asked=len(same), figures="; ".join(words), seeds=seeds)


def _small_do_not_learn(record: StudyRecord, small: Cells) -> Weighed:
    """Weigh whether none of some networks learned: surely by no more than is negligible."""
    most, data = number_text(reference.SMALL), record.data
    text = f"Without batch norm, networks with σ of {most} or less do not learn."
    parts, words = [], []
    for cell, trials in small.items():
        ended, name = final_figures(trials, "validation"), f"σ = {number_text(cell.sigma)}"
        rates = [each.accuracy for each in ended or ()]
        parts += [
            Sides(
                support=chance_of_none(
                    rate, share=data.chance, n=data.validation_size, classes=len(data.classes)
                ),
                against=chance_of(rate, share=data.chance, n=data.validation_size),
            )
            for rate in rates
        ]
        highest = " at most" if len(rates) > 1 else ""
        reached = f"validation accuracy {max(rates):.4f}{highest}" if rates else "has no result"
        words.append(f"{name}: {reached}")
    bound = unlearned_below(data.chance, n=data.validation_size, classes=len(data.classes))
    figures = (
        f"{some(words)}; always naming one class gives at most {data.chance:.4f} on these images, "
        f"and below {bound:.4f} on all there are a network counts as one that has not learned"
    )
    asked = sum(map(len, small.values()))
    return _of_all(text, parts, asked=asked, figures=figures, seeds=False)


def _of_all(text: str, parts: Sequence[Sides], *, asked: int, figures: str, seeds: bool) -> Weighed:
    """Return a claim about several parts, of which so many were asked for.

    Those that did not end cannot support it; what one of the others says against it counts.
    """
    if not parts:
        return Weighed(text, figures, otherwise=Verdict.UNTESTED)
    sides = all_of(parts)
    if len(parts) == asked:
        return Weighed(text, figures, sides, seeds=seeds)
    return Weighed(
        text, figures, replace(sides, support=1.0), otherwise=Verdict.UNTESTED, seeds=seeds
    )
