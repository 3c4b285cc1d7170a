"""Specifications: defaults, presets, TOML, the command that repeats them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
import shlex
from pathlib import Path
from typing import Any

import pytest

from kbn.errors import InputError
from search.experiments.coarse_fine.search import CoarseFine
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.experiments.loss_evolution import LossEvolution
from search.experiments.paper import Paper
from search.experiments.range_test import RangeTest
from search.experiments.sigma_batchnorm import SigmaBatchNorm
from search.settings.spec import (
    Execution,
    Settings,
    differences,
    read_toml,
    whole_cycles_near,
)
from search.settings.values import Cycle
from search.space.narrow import Zoom

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


def test_a_toml_file_takes_what_the_flags_take(tmp_path: Path) -> None:
    """Numbers, lists and text read as the flags do, with dashes or underscores."""
    path = tmp_path / "study.toml"
    path.write_text(
        'data = "digits"\nbatch-size = 50\nbatch_norm = false\nhidden = [30, 20]\n'
        'coarse = [1e-4, 1e-2]\nfine = "zoom:3"\nserial = true\n'
    )
    read = read_toml(path, [*CHANGED, *(field.name for field in dataclasses.fields(Execution))])
    assert read.pop("serial") is True
    assert LambdaSearch(**read) == LambdaSearch(
        data="digits",
        batch_size=50,
        batch_norm=False,
        hidden=(30, 20),
        coarse=(1e-4, 1e-2),
        fine=Zoom(3),
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("epoch = 3", "no setting 'epoch'; the nearest is 'epochs'"),
        ("batchsize = 3", "the nearest is 'batch-size'"),
        ("epochs = ", "not valid TOML"),
    ],
)
def test_a_bad_toml_file_is_named(tmp_path: Path, content: str, sentence: str) -> None:
    """A key that does not exist is answered with the nearest one that does."""
    path = tmp_path / "study.toml"
    path.write_text(content)
    with pytest.raises(InputError) as error:
        read_toml(path, CHANGED)
    assert sentence in str(error.value)
    assert str(path) in str(error.value)


def test_a_setting_named_twice_is_refused(tmp_path: Path) -> None:
    """TOML takes a key's two spellings for two keys; neither is dropped without a word."""
    path = tmp_path / "study.toml"
    path.write_text("batch-size = 50\nbatch_size = 100\n", encoding="utf-8")
    with pytest.raises(InputError, match="'batch-size' and 'batch_size' are one setting"):
        read_toml(path, CHANGED)


def test_a_missing_toml_file_is_named(tmp_path: Path) -> None:
    """The message names the file and the system's reason."""
    with pytest.raises(InputError, match=r"none\.toml: cannot be read"):
        read_toml(tmp_path / "none.toml", CHANGED)


def test_differences_name_old_and_new() -> None:
    """Each setting that differs is shown with both values, the others are not."""
    old, new = LambdaSearch().plain(), LambdaSearch(epochs=5, coarse=(1e-3, 1e-2)).plain()
    assert differences(old, new) == (
        "epochs 20 → 5",
        "coarse 1e-5,1e-4,1e-3,1e-2,0.1 → 1e-3,1e-2",
    )
    assert differences(old, old) == ()


def test_differences_of_axes_are_named_one_by_one() -> None:
    """An axis that is alike is left out; where the order alone differs, both orders are shown."""
    lam, eta = "lam=1e-4,1e-3", "eta_max=0.1,0.2"
    old = CoarseFine(vary=[lam, eta, "alpha=0.5,0.9"]).plain()
    new = CoarseFine(vary=[lam, "eta_max=0.1,1", "hidden=50/60"], bounds={"lam": (1e-6, 1)}).plain()
    assert [text for text in differences(old, new) if text.startswith(("vary", "bounds"))] == [
        "vary eta_max 0.1,0.2 → 0.1,1",
        "vary alpha 0.5,0.9 → unset",
        "vary hidden unset → 50/60",
        "bounds lam unset → 1e-6,1",
    ]
    turned = differences(CoarseFine(vary=[lam, eta]).plain(), CoarseFine(vary=[eta, lam]).plain())
    assert turned == (f"vary {lam},{eta} → {eta},{lam}",)


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


def test_serial_and_an_address_exclude_each_other() -> None:
    """The contradiction is named."""
    with pytest.raises(InputError, match="--serial and --address"):
        Execution(serial=True, address="auto")


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


def test_a_toml_file_of_an_editor_that_marks_it(tmp_path: Path) -> None:
    """The three bytes that some editors begin a file with are no key."""
    path = tmp_path / "spec.toml"
    path.write_bytes(b"\xef\xbb\xbfepochs = 3\n")
    assert read_toml(path, ["epochs"]) == {"epochs": 3}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = " + b"[" * 50_000, "not valid TOML"),
        (b"epochs = \xff", "no UTF-8"),
        (b"x" * 2**21, "longer than"),
        (b'"\x1b[2J" = 1', "not valid TOML"),
        (b'"\\u001b[2J" = 1', r"no setting '\\x1b\[2J'"),
    ],
)
def test_a_toml_file_of_somebody_else(tmp_path: Path, content: bytes, message: str) -> None:
    """Whatever it holds, one line that can be read."""
    path = tmp_path / "spec.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_toml(path, ["epochs"])
    assert str(caught.value).isprintable()


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


def nested(depth: int) -> list[Any]:
    """Return a list in a list, and so on."""
    return [nested(depth - 1)] if depth else []


ANYTHING: tuple[Any, ...] = (
    *({}, [], [[1]], [[[]]], {"a": 1}, [None], [{}], (1,), nested(200)),
    *(math.nan, math.inf, 1e308, 10**400, -1, True, None, b"x", 0.1j, object()),
    *("", " ", "1" * 5_000, "1e999999999", "\x1b[2J", "\ud800", dt.date(2024, 1, 1)),
)
SPECS = (Execution, LambdaSearch, CoarseFine, LossEvolution, SigmaBatchNorm, Paper, RangeTest)


@pytest.mark.parametrize("spec", SPECS)
def test_settings_of_any_type(spec: type[Settings]) -> None:
    """Each is taken, or refused in one line that names its flag; TOML and callers give anything."""
    messages = []
    for field in dataclasses.fields(spec):
        for value in ANYTHING:
            try:
                spec(**{field.name: value})
            except InputError as error:
                messages.append(str(error))
    assert all(message.isprintable() for message in messages)
    assert max(map(len, messages)) < 1_000
    assert len(messages) > len(dataclasses.fields(spec)) * len(ANYTHING) / 3
