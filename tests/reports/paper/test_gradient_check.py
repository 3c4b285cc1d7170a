"""The gradient check as it stands in a report."""

from __future__ import annotations

from kbn.differences import check_random
from kbn.gradcheck import REFERENCE
from reports.paper.findings import Gradient, GradientFindings, check_gradients
from reports.paper.gradient_check import gradient_table, section


def test_the_table_holds_the_reference_s_and_what_was_measured() -> None:
    """One row a parameter; those without effect have no error that could be compared."""
    checks = check_random()
    table = gradient_table(check_gradients()).set_index("parameter")
    assert list(table.index) == [check.name for check in checks]
    for check in checks:
        row = table.loc[check.name]
        assert row["reference"] == (
            f"{REFERENCE[check.name]:.3e}" if check.name in REFERENCE else "–"
        )
        assert (row["relative error"] == "–") == (not check.effect)
    assert table.loc["w0", "verdict"] == "agrees"
    assert table.loc["b0", "verdict"] == "no effect on the cost"


def test_a_wrong_gradient_is_named() -> None:
    """It is bold in the table."""
    wrong = Gradient("w0", 0.05, None, agrees=False)
    found = GradientFindings(1e-7, 0.05, agrees=False, gradients=(wrong,))
    assert gradient_table(found).loc[0, "verdict"] == "**does not agree**"


def test_the_summary_says_the_largest_error() -> None:
    """Back-propagation agrees, to the number that the table shows."""
    worst = max(check.relative_error for check in check_random() if check.effect)
    assert section().summary.endswith(f"the largest relative error is {worst:.1e}.")
