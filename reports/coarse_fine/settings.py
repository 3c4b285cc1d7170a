"""What a search adds to the table of settings."""

from __future__ import annotations

from reports.coarse_fine.searched import search_of
from reports.coarse_fine.words import simplest
from reports.parts.settings import settings_rows
from reports.parts.text import phrases
from search.experiments.coarse_fine.settings import SearchSettings
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.records import StudyRecord
from search.settings.values import number_text
from search.space.axis import ALPHA, BATCH_SIZE, CYCLE, EPOCHS, HIDDEN
from search.space.vary import Varied


def own_settings(record: StudyRecord) -> dict[str, str]:
    """Return the rows that are a search's own, and those that what it varies changes."""
    search = search_of(record)
    space = search.space
    names = [axis.name for axis in space.axes]
    fixed, changed = settings_rows(record), settings_rows(record, names)
    rows = {name: text for name, text in changed.items() if text != fixed[name]}
    if not isinstance(search, LambdaSearch):  # its coarse grid is a section's heading
        rows["varied"] = "; ".join(map(_varied, search.varied))
        if "lam" not in names:
            rows["λ"] = number_text(search.fixed_lam)
    return rows | {
        "epochs": _epochs(search),
        f"runs of each {space.noun}": f"{search.replicates}{_more_runs(search)}; {_seeds(search)}",
        f"choice of {space.name if len(names) == 1 else 'the point'}": _choice(search),
    }


def _varied(varied: Varied) -> str:
    axis = varied.axis
    shown = [axis.show(value) for value in varied.values]
    if varied.drawn:
        *baseline, low, high = shown
        beside = "".join(f" {each} or" for each in baseline)
        return f"{axis.title},{beside} drawn from {low} to {high}"
    return f"{axis.title}: {(' or ' if axis is HIDDEN else ', ').join(shown)}"


def _epochs(search: SearchSettings) -> str:
    axes = search.space.axes
    if EPOCHS in axes:
        text = "varied; for the final model those of the chosen point"
    elif CYCLE in axes:
        text = (
            f"the whole cycles nearest to {search.epochs} in the search, to {search.final_epochs} "
            "for the final model"
        )
    else:
        text = f"{search.epochs} in the search, {search.final_epochs} for the final model"
    return text if ALPHA in axes else f"{text} (α = {number_text(search.final_alpha)})"


def _more_runs(search: SearchSettings) -> str:
    """Say how often points are trained that are trained again."""
    if search.rule is not None:
        looks = [str(runs) for runs in search.rule.looks if runs > search.replicates]
        return f", then in a race {phrases(looks)} of those left" if looks else ""
    if search.replicate_top == "off" or search.replicate_top.replicates <= search.replicates:
        return ""
    return f", and {search.replicate_top.replicates} of the best {search.replicate_top.count}"


def _seeds(search: SearchSettings) -> str:
    """Say what points have in common, replicate by replicate."""
    axes = search.space.axes
    if not {HIDDEN, BATCH_SIZE} & set(axes):
        each = f"every {search.space.name if len(axes) == 1 else 'point'}"
        return f"{each} starts from the same weights and sees the same batches"
    same = ["widths"] if HIDDEN in axes else []
    same += ["batch size"] if BATCH_SIZE in axes else []
    return (
        f"networks of the same {phrases(same)} start from the same weights and see the same batches"
    )


def _choice(search: SearchSettings) -> str:
    rule = {
        "best": "the highest mean validation accuracy",
        "1se": (
            f"{simplest(search.space)} within one standard error of the highest mean validation "
            "accuracy"
        ),
    }[search.select]
    if search.at_a_time is not None:
        return f"{rule}; {search.at_a_time} points of the whole box, then as many around the best"
    if not any(axis.ordered for axis in search.space.axes):
        return rule
    rounds = "until the data cannot tell more" if search.rounds == "auto" else search.rounds
    return f"{rule}; {_edges(search)}; rounds: {rounds}"


def _edges(search: SearchSettings) -> str:
    several = len(search.space.axes) > 1
    passed = [
        f"{f'of {axis.symbol} ' if several else ''}down to {axis.show(ends[0])}, up to "
        f"{axis.show(ends[1])}"
        for axis in search.space.axes
        if axis.ordered and (ends := search.ends(axis)) is not None
    ]
    if not passed:
        return "the grids' ends are not passed"
    return f"beyond the grids' ends {'; '.join(passed)}"
