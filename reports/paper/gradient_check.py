"""The gradient check as a section: computed when the report is written, in float64."""

from __future__ import annotations

import pandas as pd

from kbn.differences import REFERENCE_HIDDEN
from kbn.gradcheck import REFERENCE
from reports.paper.findings import Gradient, GradientFindings, check_gradients
from reports.parts.section import Section
from reports.parts.tables import markdown
from reports.parts.text import NONE

TEMPLATE = "sections/gradient_check.md.j2"


def section() -> Section:
    """Check the gradients of the reference's small network, and return the section."""
    found = check_gradients()
    return Section(
        name="gradient check",
        title="Gradient check",
        template=TEMPLATE,
        context={
            "hidden": REFERENCE_HIDDEN,
            "tolerance": f"{found.tolerance:.0e}".replace("e-0", "e-"),
            "published": _number(max(REFERENCE.values()), ".1e").replace("e-0", "e-"),
            "checks": markdown(gradient_table(found)),
        },
        summary=(
            f"Gradients by back-propagation {'agree' if found.agrees else '**do not agree**'} with "
            f"centred differences: the largest relative error is {found.largest_error:.1e}."
        ),
        findings=found,
    )


def gradient_table(found: GradientFindings) -> pd.DataFrame:
    """Return one row a parameter: relative error, the reference's, and their quotient."""
    return pd.DataFrame(
        [
            {
                "parameter": each.parameter,
                "relative error": _number(each.relative_error, ".3e"),
                "reference": _number(each.reference, ".3e"),
                "reference ÷ measured": _number(each.quotient, ".2g"),
                "verdict": _verdict(each),
            }
            for each in found.gradients
        ]
    )


def _number(value: float | None, form: str) -> str:
    return NONE if value is None else f"{value:{form}}"


def _verdict(gradient: Gradient) -> str:
    if gradient.relative_error is None:
        return "no effect on the cost"
    return "agrees" if gradient.agrees else "**does not agree**"
