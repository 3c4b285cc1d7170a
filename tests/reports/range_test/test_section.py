"""What a report says of a range test."""

from __future__ import annotations

import re
from pathlib import Path

from reports.document import render
from search import RangeTest, run


def test_a_range_test_is_reported_with_the_flags_to_use(tmp_path: Path) -> None:
    """A real run: a suggestion in the first sentence, its flags, the rule and its source."""
    study = run(RangeTest(data="digits", epochs=12), out=tmp_path, serial=True, quiet=True)
    text = render(study.record)
    assert re.match(
        r"# .*\n\n\*\*η from \S+ to \S+ is suggested for a cyclical learning rate\.\*\*\n", text
    )
    assert "\n*Table 2. " in text
    assert "--eta-min " in text
    assert "L. N. Smith" in text
    assert (study.folder / "figures" / "range-test.png").stat().st_size > 0
    assert text.count("\n| ") >= 12


def test_a_network_that_learns_nowhere_is_said_to(tmp_path: Path) -> None:
    """Learning rates too small to learn with suggest nothing, and the report says what to try."""
    spec = RangeTest(data="digits", epochs=4, eta_min=1e-9, eta_max=1e-8)
    text = render(run(spec, out=tmp_path, serial=True, quiet=True).record)
    assert "nothing can be suggested" in text
    assert "--eta-max" in text
    assert "To use it" not in text
