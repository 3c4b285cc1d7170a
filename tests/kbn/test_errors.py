"""Messages as a notebook shows them."""

from __future__ import annotations

import pytest

from kbn.errors import InputError, in_python
from search.study.run import Stopped


@pytest.mark.parametrize(
    ("flags", "arguments"),
    [
        ("--epochs 0: must be at least 1", "epochs=0: must be at least 1"),
        ("--data fashion: there is none", "data=fashion: there is none"),
        (
            "choose another --name, or --overwrite to replace it",
            "choose another `name`, or `overwrite` to replace it",
        ),
        ("--eta-min 1 is above --eta-max 0.1", "eta_min=1 is above eta_max=0.1"),
        ("run the same command again", "run the same cell again"),
        ("a – b -- c", "a – b -- c"),
    ],
)
def test_flags_are_arguments_there(flags: str, arguments: str) -> None:
    """A flag with a value is an argument with it; one without is named."""
    assert in_python(flags) == arguments


def test_one_line_is_all_that_a_notebook_shows() -> None:
    """IPython asks an error for what to show in place of a traceback."""
    assert InputError("--epochs 0: no")._render_traceback_() == ["InputError: epochs=0: no"]
    stopped = Stopped("stopped: run the same command again to go on")
    assert stopped._render_traceback_() == ["Stopped: stopped: run the same cell again to go on"]
