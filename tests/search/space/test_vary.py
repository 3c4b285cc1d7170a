"""What `--vary` and `--bounds` take, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from kbn.errors import InputError
from search.space.axis import BATCH_NORM, ETA_MAX, HIDDEN, LAM, SCHEDULE
from search.space.vary import Varied, limits, linear, log, random, unordered, vary


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("lam=1e-5:1e-1:5", Varied(LAM, (1e-5, 1e-4, 1e-3, 1e-2, 1e-1))),
        ("lam=1e-3,1e-4", Varied(LAM, (1e-4, 1e-3))),
        ("lam=1e-3,0", Varied(LAM, (0.0, 1e-3))),
        ("lam=0,1e-3:1e-1:3", Varied(LAM, (0.0, 1e-3, 1e-2, 1e-1))),
        ("lam=1,1e-3:1e-1:3", Varied(LAM, (1e-3, 1e-2, 1e-1, 1.0))),
        ("lam=0,random:1e-3:1", Varied(LAM, (0.0, 1e-3, 1.0), drawn=True)),
        ({"lam": (0, random(1e-3, 1))}, Varied(LAM, (0.0, 1e-3, 1.0), drawn=True)),
        ({"lam": (0, *log(1e-3, 1e-1, 3))}, Varied(LAM, (0.0, 1e-3, 1e-2, 1e-1))),
        ("eta-max=random:0.01:1", Varied(ETA_MAX, (0.01, 1.0), drawn=True)),
        ("hidden=50,50/100", Varied(HIDDEN, ((50, 50), (100,)))),
        ("batch_norm=yes,no", Varied(BATCH_NORM, (False, True))),
        ("schedule=triangular,cosine", Varied(SCHEDULE, ("cosine", "triangular"))),
        ({"lam": log(1e-3, 1e-1, 3)}, Varied(LAM, (1e-3, 1e-2, 1e-1))),
        ({"lam": linear(0.1, 0.3, 3)}, Varied(LAM, (0.1, 0.2, 0.3))),
        ({"eta_max": random(0.01, 1)}, Varied(ETA_MAX, (0.01, 1.0), drawn=True)),
        ({"hidden": [(50, 50), (100,)]}, Varied(HIDDEN, ((50, 50), (100,)))),
        ({"batch_norm": [True, False]}, Varied(BATCH_NORM, (False, True))),
    ],
    ids=str,
)
def test_every_form_is_read(given: Any, expected: Varied) -> None:
    """Ranges, lists and what is drawn, as text and from Python; each reads back as shown."""
    (found,) = vary("--vary", given)
    assert found == expected
    assert vary("--vary", str(found)) == (expected,)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("etamax=1,2", ("etamax", "nearest is eta_max")),
        ("lam", ("NAME=VALUES",)),
        (["lam=1e-3,1e-2", "lam=1,2"], ("lam is named twice",)),
        ("lam=1e-3", ("one value is not varied",)),
        ("lam=1e-3,,1e-2", ("1e-3,,1e-2", "one , belongs between two values")),
        ("lam=,1e-3,1e-2", ("one , belongs",)),
        ("lam=1e-3, ,1e-2", ("one , belongs",)),
        ("hidden=50//60", ("50//60", "one / belongs between two values")),
        ("hidden=50,,50/60", ("one comma belongs between two values",)),
        ("lam=", ("one , belongs",)),
        ("lam=1e-3,1e-3", ("1e-3 is named twice",)),
        ("lam=1e-1:1e-3:5", ("0.1 is not below 1e-3",)),
        ("lam=1e-3:1e-1", ("low:high:count",)),
        ("lam=1e-3:1e-1:1", ("1", "at least 2")),
        ("lam=1e-3:1e-1:x", ("x", "whole number")),
        ("lam=0:1:3", ("0", "above 0", "log axis", "lam=0,1e-5:1e-1:5")),
        ("lam=random:0:1", ("0", "above 0", "log axis")),
        ("lam=-1e-3,1", ("-1e-3", "above 0")),
        ("lam=0", ("one value is not varied",)),
        ("lam=0,0,1", ("0 is named twice",)),
        ("lam=1e-3,1e-4:1e-2:3", ("1e-3 is named twice",)),
        ("lam=1e-3,random:1e-4:1e-2", ("random:…", "drop the values beside it")),
        ("eta_max=0,0.1", ("0", "above 0")),
        ("lam=1e-3:1e-1:100000000", ("100000000", "at most 10000")),
        ("batch_size=1,20", ("1", "at least 2")),
        ("batch_norm=yes,1", ("choose yes or no",)),
        ("lam=random:1e-3", ("random:0.01:1",)),
        ("schedule=random:a:b", ("choose one of",)),
        ("schedule=cosine,rising", ("rising", "choose one of triangular")),
        ("schedule=cosine,square", ("square", "choose one of")),
        ("batch_norm=yes,maybe", ("maybe",)),
        ("hidden=50/x", ("x", "whole number")),
        ("hidden=random:10:50", ("hidden",)),
        ([], ("empty",)),
        (3, ("NAME=VALUES",)),
    ],
    ids=str,
)
def test_what_cannot_be_varied_is_refused(given: Any, words: tuple[str, ...]) -> None:
    """One line says the value and the way out."""
    with pytest.raises(InputError) as caught:
        vary("--vary", given)
    text = str(caught.value)
    assert "--vary" in text
    assert "\n" not in text
    assert all(word in text for word in words), text


def test_a_baseline_is_apart_from_the_values_on_the_scale() -> None:
    """0 stands beside λ's log axis, and is a value like others where the axis is linear."""
    (lam,) = vary("--vary", "lam=0,1e-3:1e-1:3")
    assert (lam.baseline, lam.placed) == ((0.0,), (1e-3, 1e-2, 1e-1))
    (alpha,) = vary("--vary", "alpha=0,0.5")
    assert (alpha.baseline, alpha.placed) == ((), (0.0, 0.5))


def test_limits_are_read_axis_by_axis() -> None:
    """As text or from Python; each reads back as shown."""
    (found,) = limits("--bounds", "eta_max=0.001,2")
    assert (found.axis, found.low, found.high) == (ETA_MAX, 0.001, 2.0)
    assert limits("--bounds", {"eta_max": (0.001, 2)}) == limits("--bounds", [str(found)])
    assert limits("--bounds", {"eta_max": "1e-3,2"}) == (found,)


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ((0, 1, 5), "log 0: must be finite and above 0"),
        (("a", 1, 5), "log a: a number above 0 is needed"),
        ((0.01, 1, 1), "log, values, 1: must be a whole number, at least 2"),
    ],
)
def test_values_that_cannot_lie_on_a_scale_are_refused(
    ends: tuple[Any, Any, int], words: str
) -> None:
    """From Python, too, by one line; evenly spaced ones may go down to 0."""
    with pytest.raises(InputError, match=words):
        log(*ends)
    assert linear(0, 0.9, 4) == (0, 0.3, 0.6, 0.9)


@pytest.mark.parametrize(
    "text",
    [
        *("eta_max", "eta_max=1", "eta_max=2,1", "hidden=1,2", "x=1,2", "lam=0,1"),
        ["lam=1e-5,1", "lam=1e-6,1"],
    ],
)
def test_bad_limits_are_refused(text: str | list[str]) -> None:
    """Each by a message that names the flag."""
    with pytest.raises(InputError, match="--bounds"):
        limits("--bounds", text)


def test_only_unordered_axes_can_be_kept() -> None:
    """What is narrowed anyway need not be kept."""
    assert unordered("--keep", "hidden,batch_norm") == ("hidden", "batch_norm")
    assert unordered("--keep", "") == ()
    for text in ("lam", "hidden,,batch_norm"):
        with pytest.raises(InputError, match="--keep"):
            unordered("--keep", text)


def test_many_values_are_told_by_their_ends() -> None:
    """A sentence names up to twenty; the command has all of them."""
    (few,) = vary("--vary", "lam=1e-3,1e-2")
    assert few.told == str(few) == "lam=1e-3,1e-2"
    (many,) = vary("--vary", "lam=1e-4:1e-1:30")
    assert many.told == "lam=30 values from 1e-4 to 0.1"
    assert str(many).count(",") == 29
    (layers,) = vary("--vary", "hidden=" + "/".join(f"{width},5" for width in range(1, 31)))
    assert layers.told == "hidden=30 values"
