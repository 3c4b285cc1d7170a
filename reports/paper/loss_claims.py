"""What the reference report claims of loss and batch norm, as rules over records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from reports.loss_evolution.findings import Widths, networks
from reports.paper.discussion import Verdict, Weighed, above, final_figures, shown
from reports.parts.comparison import Trials
from search.evidence.means import Mean, Runs
from search.experiments.loss_evolution import network_text
from search.records import TRAIN_FALL, VALIDATION_LOSSES, StudyRecord, TrialRecord

NO_ERROR = "not every run completed with a loss whose error is known"
UNPAIRED = "single images' losses were not kept, and the error is that of unpaired ones"


def loss_claims(record: StudyRecord) -> Iterator[Weighed]:
    """Yield what the reference says of the loss with and without batch normalisation."""
    gains = {}
    for hidden, runs in networks(record).items():
        yield _keeps_falling(hidden, runs[True])
        gains[hidden] = _gain(runs)
        yield _ends_lower(hidden, runs, gains[hidden])
    if len(gains) > 1:
        yield _larger_when_deep(gains)


def _weighed(text: str, mean: Mean, figures: str) -> Weighed:
    """Return a claim that a mean is above 0."""
    said = figures if mean.paired else f"{figures} ({UNPAIRED})"
    return Weighed(text, said, above(mean), seeds=mean.freedom > 0)


def _keeps_falling(hidden: Widths, trials: Trials) -> Weighed:
    """Compare the training loss at the end with that of one learning-rate cycle before."""
    text = f"With batch norm the loss of {network_text(hidden)} keeps falling in later epochs."
    last = _final_losses(trials, "train")
    before = last and _cycle_before(trials, last)
    if last is None or before is None:
        why = "there are no two cycles of every run to compare"
        return Weighed(text, why, otherwise=Verdict.UNTESTED)
    fall = replace(before - last, single=_kept(trials, TRAIN_FALL)).mean()
    figures = (
        f"training loss {shown(before.mean())} at the end of the last cycle but one, "
        f"{shown(last.mean())} at the end of the last, lower by {shown(fall)}"
    )
    return _weighed(text, fall, figures)


def _cycle_before(trials: Sequence[TrialRecord], last: Runs) -> Runs | None:
    """Return the training losses one cycle before the end; None where that is not between epochs.

    Epochs of older versions have no error; theirs is taken to be that of the end.
    """
    epoch = trials[0].trial.before_last_cycle
    if epoch is None:
        return None
    then = [each.history[epoch - 1] for each in trials]
    errors = [each.train_loss_error for each in then]
    variances = [
        end if error is None else error**2
        for error, end in zip(errors, last.variances, strict=True)
    ]
    return Runs([each.train_loss for each in then], variances)


def _final_losses(trials: Sequence[TrialRecord], part: str) -> Runs | None:
    """Return the losses at the end; None unless every run completed with a known error."""
    figures = final_figures(trials, part)
    if figures is None:
        return None
    errors = [each.loss_error for each in figures if each.loss_error is not None]
    if len(errors) < len(figures):
        return None
    kept = _kept(trials, VALIDATION_LOSSES) if part == "validation" else None
    return Runs([each.loss for each in figures], [error**2 for error in errors], kept)


def _kept(trials: Sequence[TrialRecord], name: str) -> list[np.ndarray] | None:
    """Return the runs' losses image by image; None unless they are there of each, and as many."""
    found = [each.result.arrays.get(name) for each in trials if each.result]
    kept = [each.astype(float) for each in found if each is not None]
    same = len({len(each) for each in kept}) == 1
    return kept if same and len(kept) == len(trials) else None


def _gain(runs: Mapping[bool, Trials]) -> Runs | None:
    """Return by how much batch normalisation lowers the final validation loss, run by run."""
    without, with_norm = (_final_losses(runs[norm], "validation") for norm in (False, True))
    return without - with_norm if without and with_norm else None


def _ends_lower(hidden: Widths, runs: Mapping[bool, Trials], gain: Runs | None) -> Weighed:
    text = f"With batch norm the loss of {network_text(hidden)} ends lower."
    if gain is None:
        return Weighed(text, NO_ERROR, otherwise=Verdict.UNTESTED)
    parts = []
    for part in ("train", "validation"):
        ends = (_final_losses(runs[norm], part) for norm in (True, False))
        with_norm, without = (shown(each.mean()) if each else "unknown" for each in ends)
        parts.append(f"{part} loss {with_norm} with, {without} without")
    lower = gain.mean()
    figures = f"{'; '.join(parts)}; judged by the validation loss, lower by {shown(lower)}"
    return _weighed(text, lower, figures)


def _larger_when_deep(gains: Mapping[Widths, Runs | None]) -> Weighed:
    shallow, deep = min(gains, key=len), max(gains, key=len)
    text = (
        f"The effect of batch norm is larger in the deep network, {network_text(deep)}, than in "
        f"{network_text(shallow)}."
    )
    small, large = gains[shallow], gains[deep]
    if small is None or large is None:
        return Weighed(text, NO_ERROR, otherwise=Verdict.UNTESTED)
    more = (large - small).mean()
    figures = (
        f"validation loss lower by {shown(large.mean())} in the deep network, by "
        f"{shown(small.mean())} in the other, a difference of {shown(more)}"
    )
    return _weighed(text, more, figures)
