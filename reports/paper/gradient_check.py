"""The gradient check as a section: computed when the report is written, in float64."""

from __future__ import annotations

from functools import cache

import pandas as pd

from kbn.gradcheck import REFERENCE, REFERENCE_HIDDEN, TOLERANCE, ParameterCheck, check_random
from reports.parts.section import Section
from reports.parts.tables import markdown
from reports.parts.text import NONE

TEMPLATE = "sections/gradient_check.md.j2"


@cache
def section() -> Section:
    """Check the gradients of the reference's small network, and return the section."""
    checks = check_random()
    worst = max(check.relative_error for check in checks if check.effect)
    passed = all(check.passed for check in checks)
    return Section(
        name="gradient check",
        title="Gradient check",
        template=TEMPLATE,
        context={
            "hidden": REFERENCE_HIDDEN,
            "tolerance": f"{TOLERANCE:.0e}".replace("e-0", "e-"),
            "checks": markdown(gradient_table(checks)),
            "passed": passed,
        },
        summary=(
            f"Gradients by back-propagation {'agree' if passed else '**do not agree**'} with "
            f"centred differences: the largest relative error is {worst:.1e}."
        ),
    )


def gradient_table(checks: tuple[ParameterCheck, ...]) -> pd.DataFrame:
    """Return one row a parameter: relative error, the reference's, and their quotient."""
    return pd.DataFrame(
        [
            {
                "parameter": check.name,
                "relative error": f"{check.relative_error:.3e}" if check.effect else NONE,
                "reference": f"{REFERENCE[check.name]:.3e}" if check.name in REFERENCE else NONE,
                "reference ÷ measured": _quotient(check),
                "verdict": _verdict(check),
            }
            for check in checks
        ]
    )


def _quotient(check: ParameterCheck) -> str:
    if check.name not in REFERENCE or not check.effect or not check.relative_error:
        return NONE
    return f"{REFERENCE[check.name] / check.relative_error:.2g}"


def _verdict(check: ParameterCheck) -> str:
    if not check.effect:
        return "no effect on the cost"
    return "agrees" if check.passed else "**does not agree**"
