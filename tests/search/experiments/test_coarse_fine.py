"""The plan of a search over any axes, driven with made-up accuracies."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kbn.errors import InputError
from search.experiments.coarse_fine.search import CoarseFine
from search.plan import Progress, replay
from search.records import Outcome, Role, State
from search.space.points import grid
from search.trial import Trial
from tests.search.builders import BASE, result

MANY = replace(BASE, validation_size=5_000)
"""Enough images to tell a difference of a few points."""
TWO = {"lam": [1e-4, 1e-3, 1e-2], "eta_max": [0.01, 0.1, 1.0]}
ROOT = Path(__file__).parents[3]
PLAIN: dict[str, Any] = {"replicate_top": "off", "fresh": 0}


def peak(trial: Trial) -> float:
    """Return an accuracy that falls off around λ = 1e-3 and η_max = 0.1."""
    far = abs(math.log10(trial.lam or 1e-6) + 3) + abs(math.log10(trial.eta_max) + 1)
    return 0.6 - 0.05 * far


def made(**settings: Any) -> CoarseFine:
    """Return a search from settings in any form that they can be given in."""
    return CoarseFine(**settings)


def follow(search: CoarseFine, accuracy: Callable[[Trial], float] = peak) -> Progress:
    """Run a search's plan to its end on made-up accuracies."""
    base = replace(MANY, eta_min=search.eta_min)
    return replay(search.plan(base), lambda trial: Outcome(trial, result(trial, accuracy(trial))))


def stage(progress: Progress, role: Role) -> tuple[Trial, ...]:
    """Return the trials of the stages of a role."""
    return tuple(trial for each in progress.stages if each.role is role for trial in each.trials)


def test_two_axes_are_searched_as_a_product_and_then_around_the_best() -> None:
    """Nine points, then three values an axis between the best one's neighbours, then the final."""
    search = made(vary=TWO, **PLAIN)
    progress = follow(search)
    coarse, fine = stage(progress, Role.COARSE), stage(progress, Role.FINE)
    assert [(t.lam, t.eta_max) for t in coarse] == list(grid(TWO.values()))
    assert {t.lam for t in fine} == {3.16228e-4, 1e-3, 3.16228e-3}
    assert {t.eta_max for t in fine} == {0.0316228, 0.1, 0.316228}
    assert len(fine) == 9
    (final,) = stage(progress, Role.FINAL)
    assert (final.lam, final.eta_max, final.with_test) == (1e-3, 0.1, True)
    assert "λ = 1e-3, η_max = 0.1" in progress.stages[-1].reason
    assert not any(trial.with_test for trial in coarse + fine)


def test_unordered_axes_are_fixed_at_the_best_or_kept() -> None:
    """On the fine grid a kind of network has the best one's value, or all of them."""
    vary = {"lam": [1e-4, 1e-3, 1e-2], "batch_norm": [True, False]}

    def better(trial: Trial) -> float:
        return peak(replace(trial, eta_max=0.1)) + 0.1 * trial.batch_norm

    fixed = stage(follow(made(vary=vary, **PLAIN), better), Role.FINE)
    assert {trial.batch_norm for trial in fixed} == {True}
    kept = stage(follow(made(vary=vary, keep="batch_norm", **PLAIN), better), Role.FINE)
    assert {trial.batch_norm for trial in kept} == {True, False}
    assert len(kept) == 2 * len(fixed)


def test_kinds_alone_have_no_fine_grid() -> None:
    """Nothing lies between two widths: the best of them is trained as the final model."""
    search = made(vary={"hidden": [(5,), (6,)]}, **PLAIN)
    progress = follow(search, lambda trial: 0.1 * len(trial.hidden) + 0.05 * trial.hidden[0])
    assert [each.role for each in progress.stages] == [Role.COARSE, Role.FINAL]
    assert progress.stages[-1].trials[0].hidden == (6,)


def test_an_edge_is_passed_on_its_own_axis() -> None:
    """The best point moves outward along η_max alone, one value at a time, within the bounds."""
    search = made(vary=TWO, bounds={"eta_max": (0.01, 50.0)}, **PLAIN)
    progress = follow(search, lambda trial: 0.3 + 0.05 * math.log10(trial.eta_max))
    beyond = stage(progress, Role.EXTEND)
    assert [trial.eta_max for trial in beyond][:2] == [10.0, 50.0]
    assert len({trial.lam for trial in beyond[:2]}) == 1
    assert max(trial.eta_max for trial in beyond) <= 50.0


def test_what_cannot_be_trained_is_not_asked_for() -> None:
    """Around an end and beyond it no η_max is below η_min, and no batch larger than the images."""
    reach = {"bounds": {"eta_max": (1e-4, 1.0)}, "rounds": 3, **PLAIN}
    rates = made(vary={"eta_max": [0.01, 0.1]}, eta_min=0.01, **reach)
    progress = follow(rates, lambda trial: 0.5 - trial.eta_max)
    asked = {trial.eta_max for each in progress.stages for trial in each.trials}
    assert min(asked) == 0.01
    assert {0.02, 0.04, 0.08} < asked

    half, whole = MANY.train_size // 2, MANY.train_size
    batches = made(
        vary={"batch_size": [half, whole]}, bounds={"batch_size": (2, 10 * whole)}, **PLAIN
    )
    progress = follow(batches, lambda trial: trial.batch_size / (100 * whole))
    trials = [trial for each in progress.stages for trial in each.trials]
    assert max(trial.batch_size for trial in trials) == whole
    assert stage(progress, Role.FINE)


def test_kept_kinds_are_kept_in_every_round() -> None:
    """`--keep` holds beyond the fine grid: each later grid has all values of a kept axis, too."""
    vary = {"lam": [1e-4, 1e-3, 1e-2], "batch_norm": [True, False]}
    search = made(vary=vary, keep="batch_norm", rounds=2, fine="zoom:3", **PLAIN)
    progress = follow(search, lambda trial: peak(replace(trial, eta_max=0.1)))
    later = stage(progress, Role.ROUND)
    assert {trial.lam: trial.batch_norm for trial in later}
    for lam in {trial.lam for trial in later}:
        assert {trial.batch_norm for trial in later if trial.lam == lam} == {True, False}


def warnings(progress: Progress) -> list[str]:
    """Return the warnings of a search."""
    return [text for each in progress.stages for text in each.warnings]


def test_an_edge_beyond_which_nothing_trains_does_not_blame_the_bounds() -> None:
    """It says what keeps the next value from being trained: no flag of the search would help."""
    search = made(
        vary={"eta_max": [0.01, 0.1]},
        bounds={"eta_max": (1e-4, 1.0)},
        eta_min=0.01,
        fine="0.5,1",
        **PLAIN,
    )
    (warning,) = warnings(follow(search, lambda trial: 0.5 - trial.eta_max))
    assert "The next one, 1e-3, cannot be trained: its η_min is above its η_max." in warning
    assert "--bounds" not in warning


def test_an_edge_that_replicates_chose_is_not_blamed_on_the_bounds() -> None:
    """A value that its replicates put ahead at an end was never gone on from."""

    def turned(trial: Trial) -> float:
        best = 0.1 if trial.replicate else 0.01
        return 0.6 - 0.05 * abs(math.log10(trial.eta_max / best))

    search = made(
        vary={"eta_max": [0.001, 0.01, 0.1]},
        bounds={"eta_max": (1e-4, 1.0)},
        fine="1",
        replicate_top="3:3",
        fresh=0,
    )
    (warning,) = warnings(follow(search, turned))
    assert "became the best by its replicates" in warning
    assert "put 1 into --vary" in warning


def test_the_end_of_all_values_is_no_edge() -> None:
    """No α is below 0: where it is the best, nothing better lies beyond."""
    search = made(vary={"alpha": [0.0, 0.5]}, fine="zoom:1", **PLAIN)
    assert not warnings(follow(search, lambda trial: 0.5 - trial.alpha / 10))


def test_without_bounds_an_edge_is_warned_of() -> None:
    """The warning names the axis and the flag that would tell."""
    progress = follow(made(vary=TWO, **PLAIN), lambda t: 0.3 + 0.05 * math.log10(t.eta_max))
    (warning,) = {text for each in progress.stages for text in each.warnings if "η_max" in text}
    assert "largest" in warning
    assert "--vary" in warning


def test_a_sample_is_followed_by_a_closer_one() -> None:
    """As many points again, of the box that the best quarter spans; nothing is drawn anew."""
    vary = {"lam": "random:1e-5:1e-1", "eta_max": "random:0.001:10"}
    search = made(vary=vary, samples=32, **PLAIN)
    progress = follow(search)
    first, closer = stage(progress, Role.COARSE), stage(progress, Role.FINE)
    assert len(first) == len(closer) == 32
    ranked = sorted(first, key=peak, reverse=True)[:8]
    for name in ("lam", "eta_max"):
        values = [getattr(trial, name) for trial in ranked]
        assert all(min(values) <= getattr(trial, name) <= max(values) for trial in closer)
    again = follow(search)
    assert [each.trials for each in again.stages] == [each.trials for each in progress.stages]
    assert progress.choice is not None


def test_rounds_lie_around_all_that_is_tied() -> None:
    """A second round has new points alone, between the neighbours of those alike, axis by axis."""
    progress = follow(made(vary=TWO, rounds=2, **PLAIN))
    known = {(t.lam, t.eta_max) for role in (Role.COARSE, Role.FINE) for t in stage(progress, role)}
    new = {(t.lam, t.eta_max) for t in stage(progress, Role.ROUND)}
    assert new
    assert not new & known


def test_the_best_are_trained_again_and_one_is_chosen() -> None:
    """Without a race the best three points get three runs each, and the choice is among them."""
    progress = follow(made(vary=TWO, race="off"))
    again = stage(progress, Role.REPLICATES)
    assert len({(t.lam, t.eta_max) for t in again}) == 3
    assert {t.replicate for t in again} == {0, 1, 2}
    assert {t.replicate for t in stage(progress, Role.FRESH)} == {3, 4}


def test_the_simplest_within_one_error_is_taken_where_asked() -> None:
    """Of points alike the larger λ first: by the order in which the axes were named."""
    search = made(vary=TWO, select="1se", fine="zoom:1", **PLAIN)
    progress = follow(search, lambda _: 0.5)
    (final,) = stage(progress, Role.FINAL)
    assert final.lam == max(t.lam for t in stage(progress, Role.COARSE))


def test_what_follows_from_an_axis_follows_in_every_stage() -> None:
    """A cycle in epochs stays one when batches change; σ starts weights from a normal."""
    search = made(vary={"batch_size": [50, 100], "sigma": [1e-2, 1e-1]}, **PLAIN)
    for each in follow(search, lambda _: 0.5).stages:
        for trial in each.trials:
            assert trial.cycle_steps == 10 * (trial.train_size // trial.batch_size)
            assert trial.init == "normal"
            assert isinstance(trial.batch_size, int)


WITH_ZERO = {**TWO, "lam": [0, *TWO["lam"]]}


def regularised(zero: float) -> Callable[[Trial], float]:
    """Return `peak`, and so much where λ is 0."""
    return lambda trial: zero if trial.lam == 0 else peak(trial)


@pytest.mark.parametrize("zero", [0.1, 0.9])
def test_a_baseline_changes_no_grid(zero: float) -> None:
    """Whether it is the worst or the best, the other trials are those of the search without it."""
    settings = {**PLAIN, "race": "off", "rounds": 3, "bounds": {"lam": (1e-6, 1)}}
    with_zero = follow(made(vary=WITH_ZERO, **settings), regularised(zero))
    without = follow(made(vary=TWO, **settings))
    for role in (Role.COARSE, Role.EXTEND, Role.FINE, Role.ROUND):
        asked = [trial for trial in stage(with_zero, role) if trial.lam]
        assert asked == list(stage(without, role))
    (final,) = stage(with_zero, Role.FINAL)
    assert final.lam == (0.0 if zero > 0.6 else 1e-3)


def test_a_baseline_has_the_finer_values_of_other_axes() -> None:
    """λ = 0 is not judged by coarse values of η_max alone; by itself it is trained once."""
    progress = follow(made(vary=WITH_ZERO, **PLAIN), regularised(0.1))
    fine = stage(progress, Role.FINE)
    assert {t.eta_max for t in fine if not t.lam} == {t.eta_max for t in fine if t.lam}
    alone = follow(made(vary={"lam": WITH_ZERO["lam"]}, **PLAIN), lambda trial: 0.5 + trial.lam)
    assert [t.lam for t in stage(alone, Role.COARSE)] == [0, 1e-4, 1e-3, 1e-2]
    assert all(t.lam for t in stage(alone, Role.FINE))
    kinds = made(vary={"lam": WITH_ZERO["lam"], "hidden": [(5,), (6,)]}, **PLAIN)
    assert all(t.lam for t in stage(follow(kinds, lambda trial: 0.5 + trial.lam), Role.FINE))


def test_sentences_know_that_a_baseline_is_apart() -> None:
    """A grid lies around the best λ above 0; no edge is seen at 0, nor beyond it."""
    search = made(vary={"lam": [0, 1e-3, 1e-2]}, bounds={"lam": (1e-4, 1)}, **PLAIN)
    progress = follow(search, lambda trial: 0.6 - trial.lam)
    extend = next(each for each in progress.stages if each.role is Role.EXTEND)
    assert "the best λ above 0 so far, 1e-3 with 0.5990, is the smallest tried" in extend.reason
    fine = next(each for each in progress.stages if each.role is Role.FINE)
    assert "because its validation accuracy is the highest above 0" in fine.reason
    assert stage(progress, Role.FINAL)[0].lam == 0.0
    assert not warnings(progress)


def test_where_only_a_baseline_completes_it_is_chosen() -> None:
    """There is no grid around it."""

    def only(trial: Trial) -> Outcome:
        state = State.DIVERGED if trial.lam else State.COMPLETED
        return Outcome(trial, result(trial, 0.5, state=state))

    progress = replay(made(vary={"lam": [0, 1e-3, 1e-2]}, **PLAIN).plan(MANY), only)
    assert [each.role for each in progress.stages] == [Role.COARSE, Role.FINAL]
    assert progress.stages[-1].trials[0].lam == 0.0


def test_where_nothing_completes_there_is_nothing_to_narrow() -> None:
    """The plan ends after its first look and says why."""

    def lost(trial: Trial) -> Outcome:
        return Outcome(trial, result(trial, 0.5, state=State.DIVERGED))

    for search in (
        made(vary=TWO),
        made(vary={"lam": "random:1e-5:0.1"}, samples=4),
    ):
        progress = replay(search.plan(MANY), lost)
        assert progress.choice is not None
        assert progress.choice.trial is None
        assert len(progress.stages) == 1


@pytest.mark.parametrize(
    "search",
    [
        made(vary=TWO),
        made(vary=TWO, race="off"),
        made(vary=TWO, rounds=3, replicates=2),
        made(vary={"lam": "random:1e-5:0.1", "hidden": [(5,), (6,)]}, samples=5),
        made(vary={"hidden": [(5,), (6,)]}, race="off"),
        made(vary={"hidden": [(5,), (6,)]}),
        made(vary={**TWO, "lam": [0, 1e-4, 1e-3, 1e-2]}, rounds=2),
        made(vary={"lam": "0,random:1e-5:0.1", "eta_max": "random:0.01:1"}, samples=5),
    ],
    ids=lambda search: f"{' '.join(map(str, search.varied))} race {search.race}",
)
def test_the_outline_counts_what_the_plan_asks_for(search: CoarseFine) -> None:
    """Coarse stages are as large as expected, later ones no larger; names are the plan's."""
    expected: dict[str, int] = {}
    for outline in search.outline():
        expected[outline.name] = expected.get(outline.name, 0) + outline.trials
    for each in follow(search).stages:
        assert each.name in expected
        again = each.role in (Role.REPLICATES, Role.RACE)
        assert len(each.trials) <= expected[each.name] or again
        if each.role is Role.COARSE:
            assert len(each.trials) == expected[each.name]


def test_the_outline_knows_the_lengths_of_runs() -> None:
    """Where epochs or the cycle are varied, each run counts its own; later ones the longest."""
    by_epochs = made(vary={"epochs": [5, 20], "lam": [1e-3, 1e-2]}, **PLAIN).outline()
    assert [(each.name, each.trials, each.epochs) for each in by_epochs] == [
        ("coarse", 2, 5),
        ("coarse", 2, 20),
        ("fine", 9, 20),
        ("final", 1, 20),
    ]
    by_cycle = made(vary={"cycle": [4, 7]}, **PLAIN).outline()
    assert [(each.name, each.epochs) for each in by_cycle] == [
        ("coarse", 20),
        ("coarse", 21),
        ("fine", 21),
        ("final", 28),
    ]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"vary": {"lam": "random:1e-5:0.1"}}, ("--samples", "random")),
        ({"vary": {"batch_norm": [True, False]}, "fine": "zoom:4"}, ("zoom:4", "batch_norm")),
        ({"vary": {"lam": [*range(1, 102)], "alpha": [k / 101 for k in range(101)]}},
         ("10,201", "10,000", "--samples")),
        ({"vary": TWO, "lam": 0.1}, ("--lam", "is varied")),
        ({"vary": TWO, "eta_max": 0.5}, ("--eta-max", "is varied")),
        ({"vary": {"sigma": [0.1, 0.2]}, "init": "normal:0.1"}, ("--init", "sigma")),
        ({"vary": {"alpha": [0.5, 0.9]}, "batch_norm": False}, ("alpha", "no effect")),
        ({"vary": {"cycle": [5, 10]}, "schedule": "constant"}, ("cycle", "constant")),
        ({"vary": {"eta_min": [0.01, 0.2]}}, ("0.2", "0.1", "eta_max")),
        ({"vary": TWO, "bounds": {"alpha": (0.1, 0.9)}}, ("--bounds alpha", "not varied")),
        ({"vary": TWO, "keep": "hidden"}, ("--keep hidden", "not varied")),
        ({"vary": TWO, "samples": 1}, ("--samples 1", "at least 2")),
        ({"vary": TWO, "samples": 10_001}, ("--samples 10001", "10,000")),
        ({"vary": TWO, "samples": 5, "rounds": 2}, ("--rounds 2", "--samples")),
        ({"vary": TWO, "samples": 5, "bounds": {"lam": (1e-5, 1)}}, ("--bounds", "--samples")),
        ({"vary": {"hidden": [5, 6]}, "keep": "hidden"}, ("--keep hidden", "nothing lies between")),
        ({"vary": {"cycle": [2, 4]}, "scale": 0.5}, ("--scale 0.5", "cycle")),
        ({"vary": {"epochs": [2, 4]}, "scale": 0.5}, ("--scale 0.5", "epochs")),
        ({"vary": {"epochs": [2, 4]}, "final_epochs": 9}, ("--final-epochs", "epochs is varied")),
        ({"vary": {"alpha": [0.1, 0.2]}, "final_alpha": 0.7}, ("--final-alpha", "alpha is varied")),
        ({"vary": {"eta_max": [1, 2]}, "lam": 1e31}, ("--lam 1e31", "at most")),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_searched_is_refused(
    settings: dict[str, Any], words: tuple[str, ...]
) -> None:
    """One line says the value, the bound and the way out."""
    with pytest.raises(InputError) as caught:
        made(**settings)
    text = str(caught.value)
    assert "\n" not in text
    assert all(word in text for word in words), text


def test_a_specification_reads_back_from_its_command_and_its_plain_form() -> None:
    """What is printed to repeat a study gives the same one; so does `spec.json`."""
    search = made(
        vary=[*("lam=1e-4,1e-3", "hidden=50,50/20")],
        bounds={"lam": (1e-6, 1.0)},
        keep="hidden",
        fine="zoom:2",
    )
    command = search.command()
    assert "--vary lam=1e-4,1e-3 --vary hidden=20/50,50" in command
    assert "--bounds lam=1e-6,1" in command
    assert CoarseFine(**search.plain()) == search


TYPED = """
from search import CoarseFine, linear, log, random

CoarseFine(vary={"eta_max": log(0.01, 1, 5), "lam": [1e-4, 1e-3]})
CoarseFine(vary={"hidden": [(50,), (50, 50)], "alpha": linear(0.1, 0.9, 3)}, bounds={"lam": (0, 1)})
CoarseFine(vary={"lam": random(1e-5, 0.1)}, samples=8)
CoarseFine(vary=["lam=1e-4,1e-3"], bounds=["lam=1e-5,1"])
"""


@pytest.mark.slow  # it checks all that is imported, which takes half a minute where nothing is kept
def test_what_is_varied_can_be_given_as_a_dictionary_to_a_type_checker(tmp_path: Path) -> None:
    """Every form that the library takes is of the field's type, in mypy's strict mode."""
    (tmp_path / "caller.py").write_text(TYPED)
    command = [sys.executable, "-m", "mypy", "--strict", str(tmp_path / "caller.py")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.stdout.startswith("Success"), ran.stdout + ran.stderr
