"""Specifications: defaults, presets, TOML, the command that repeats them."""

from __future__ import annotations

import dataclasses
import json
import shlex
from typing import Any

import pytest

from kbn.errors import InputError
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.settings.spec import whole_cycles_near
from search.settings.values import Cycle

CHANGED: dict[str, Any] = {
    "data": "digits",
    "target": "kind",
    "validation": 300,
    "stratified": True,
    "seed": 7,
    "hidden": "30,20",
    "batch_norm": False,
    "init": "normal:1e-3",
    "alpha": 0.5,
    "schedule": "cosine",
    "eta_min": 1e-4,
    "eta_max": 0.2,
    "cycle": "1epochs",
    "batch_size": 50,
    "epochs": 3,
    "scale": 0.5,
    "replicates": 2,
    "preset": "paper",
    "coarse": "1e-4,1e-2",
    "fine": "zoom:3",
    "lambda_bounds": "1e-6,0.5",
    "rounds": "auto",
    "race": "2,4",
    "tolerance": 0.02,
    "runs_at_most": 99,
    "minutes": 1.5,
    "select": "1se",
    "fresh": 3,
    "final_epochs": 5,
    "final_both": True,
    "final_alpha": 0.6,
    "final_validation": 100,
    "ensemble": 2,
}
RACE = ("tolerance", "runs_at_most", "minutes")
NO_RACE = {name: value for name, value in CHANGED.items() if name not in RACE} | {
    "race": "off",
    "replicate_top": "2:4",
}


def test_every_setting_is_changed_above() -> None:
    """The tests below cover all settings, those added later included."""
    names = {field.name for field in dataclasses.fields(LambdaSearch)}
    assert CHANGED.keys() | NO_RACE.keys() == names


def test_what_a_race_takes_the_place_of_is_not_there_beside_it() -> None:
    """The best few are trained again where that is asked for; both at once are refused."""

    def made(**given: Any) -> LambdaSearch:
        return LambdaSearch(**given)

    assert (made().race, made().replicate_top) == ((3, 5, 8), "off")
    assert made(replicate_top="2:4").race == "off"
    assert made(replicate_top="off").race == "off"
    assert made(preset="paper").race == "off"
    assert str(made(race="off").replicate_top) == "3:3"
    with pytest.raises(InputError, match="--replicate-top 2:4: the race says"):
        made(race="3,5", replicate_top="2:4")
    for name in ("runs_at_most", "minutes"):
        with pytest.raises(InputError, match=f"--{name.replace('_', '-')}: is what a race"):
            made(**{"race": "off", name: 9})


@pytest.mark.parametrize("looks", ["1", "3,3", "x", "", "3;5", 0.5, "-3"])
def test_bad_looks_are_refused(looks: Any) -> None:
    """Each is refused by a message that names the flag."""
    with pytest.raises(InputError, match="--race"):
        LambdaSearch(race=looks)


def test_a_study_of_before_is_understood_as_it_was() -> None:
    """Begun without a race it goes on without one; what is asked for now is asked for."""
    held = {"replicate_top": "3:3"}
    assert "race" not in LambdaSearch(race="off").plain()
    assert LambdaSearch().as_begun(held) == LambdaSearch(race="off")
    assert LambdaSearch(fresh=1).as_begun(held) == LambdaSearch(race="off", fresh=1)
    assert LambdaSearch(race=(4, 6)).as_begun(held) == LambdaSearch(race=(4, 6))
    assert LambdaSearch().as_begun({}) == LambdaSearch()
    assert LambdaSearch().as_begun(LambdaSearch().plain()) == LambdaSearch()


def test_the_defaults_are_the_references() -> None:
    """Unchanged, the grids are the reference report's; replicates and the final model are not."""
    search = LambdaSearch()
    assert search.hidden == (50, 50)
    assert search.coarse == (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
    assert (search.eta_min, search.eta_max, search.batch_size) == (1e-5, 1e-1, 100)
    assert search.cycle.steps(450) == 2 * 2250
    assert (search.epochs, search.final_epochs) == (20, 30)


def test_plain_values_make_the_same_specification() -> None:
    """What goes into spec.json, read back, is equal."""
    search = LambdaSearch(**CHANGED)
    assert LambdaSearch(**json.loads(json.dumps(search.plain()))) == search


@pytest.mark.parametrize("changes", [{}, CHANGED, NO_RACE, {"race": "off"}, {"preset": "paper"}])
def test_the_command_repeats_the_specification(changes: dict[str, Any]) -> None:
    """Its flags, read back, give an equal specification."""
    search = LambdaSearch(**changes)
    python, dash_m, module, *words = shlex.split(search.command())
    assert (python, dash_m, module) == ("python", "-m", "search.lambda_coarse_fine")
    flags: dict[str, Any] = {}
    while words:
        name = words.pop(0).removeprefix("--").replace("-", "_")
        if isinstance(getattr(search, name.removeprefix("no_"), None), bool):
            flags[name.removeprefix("no_")] = not name.startswith("no_")
        else:
            flags[name] = words.pop(0)
    assert LambdaSearch(**flags) == search


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"eta_min": 0.5}, "--eta-min 0.5 is above --eta-max 0.1"),
        ({"batch_size": 1}, "--batch-size 1: must be a whole number, at least 2"),
        ({"replicates": 0}, "--replicates 0"),
        ({"alpha": 1.0}, "--alpha 1"),
        ({"schedule": "rising"}, "--schedule rising: choose one of triangular"),
        ({"schedule": "linear"}, "--schedule linear: choose one of triangular"),
        ({"preset": "papers"}, "--preset papers: choose one of standard, paper"),
    ],
)
def test_bad_settings_are_refused(changes: dict[str, Any], sentence: str) -> None:
    """Each is refused when the specification is made."""
    with pytest.raises(InputError) as error:
        LambdaSearch(**changes)
    assert sentence in str(error.value)


def test_names_of_studies_say_the_data() -> None:
    """The default name tells driver and data, and is a plain folder name."""
    search = LambdaSearch()
    assert search.study_name("digits") == "lambda-coarse-fine-digits"
    assert search.study_name("synthetic:600") == "lambda-coarse-fine-synthetic-600"
    assert search.study_name("npz:/some/where/mine.npz") == "lambda-coarse-fine-npz-mine"


@pytest.mark.parametrize(
    ("epochs", "length", "expected"), [(20, 10, 20), (20, 6, 18), (20, 50, 50), (30, 4, 32)]
)
def test_whole_cycles(epochs: int, length: int, expected: int) -> None:
    """The number of epochs nearest to the wish that ends a cycle."""
    assert whole_cycles_near(epochs, Cycle(length, "epochs")) == expected


def test_a_preview_keeps_its_cycles_whole() -> None:
    """Runs shrink with the cycle, so that they end where they ended in it."""
    preview = LambdaSearch(scale=0.1).at_scale()
    assert (preview.cycle, preview.epochs, preview.final_epochs) == (Cycle(3, "epochs"), 6, 9)
    steps = LambdaSearch(scale=0.25, cycle=Cycle(4_500, "steps"), epochs=20).at_scale()
    assert steps.epochs == 10
    assert steps.cycle.length == 562  # 4,500 · 0.25 · √0.25: an epoch has fewer steps, too
    assert LambdaSearch().at_scale() == LambdaSearch()


def test_a_preview_has_a_name_of_its_own() -> None:
    """It never meets the whole study's folder."""
    assert LambdaSearch(scale=0.1).study_name("digits") == "lambda-coarse-fine-digits-scale-0.1"


def test_a_default_name_fits_a_folder() -> None:
    """A long file's name is cut between characters; two that differ at their ends stay two."""
    spec = LambdaSearch()
    assert spec.study_name("npz:images/mine.npz") == "lambda-coarse-fine-npz-mine"
    edge = "n" * (255 - len("lambda-coarse-fine-npz-"))
    assert spec.study_name(f"npz:{edge}.npz") == f"lambda-coarse-fine-npz-{edge}"
    one, other = (spec.study_name(f"npz:{'λ' * 120}{end}.npz") for end in "ab")
    assert one != other
    for name in (one, other):
        assert len(name.encode()) <= 255
        assert name.startswith("lambda-coarse-fine-npz-λλλ")
