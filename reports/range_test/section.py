"""The section of a learning-rate range test."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from reports.drawing.album import Album, Picture
from reports.drawing.style import Draw, label_panels
from reports.parts.section import Section
from reports.parts.tables import markdown
from reports.parts.text import count, real, share
from reports.range_test import plots
from reports.range_test.findings import Findings, findings
from search.evidence.learning_rates import CLEARLY
from search.experiments.loss_evolution import network_text
from search.records import StudyRecord
from search.settings.values import number_text


def section(record: StudyRecord, album: Album) -> Section:
    """Draw the figure, and return the section."""
    found = findings(record)
    trial = record.trials[0].trial
    return Section(
        name="range test",
        title=f"Learning rates of a {network_text(trial.hidden)} network on {record.data.title}",
        template="sections/range_test.md.j2",
        context={
            "measured": markdown(table(found)) if found.measured else "",
            "picture": picture(found, album),
            "flags": flags(found),
            "rule": rule(found),
            "runs": found.runs,
        },
        verdict=verdict(found),
        summary=summary(found),
        findings=found,
        settings={
            "epochs": f"{trial.epochs}, measured at the end of each",
            "λ": number_text(trial.lam),
        },
    )


def verdict(found: Findings) -> str:
    """Say what is suggested, or that nothing is."""
    suggested = found.suggestion
    if not found.measured:
        return "Nothing is measured yet."
    if suggested is None:
        return "From these learning rates nothing can be suggested."
    low, high = _eta(suggested.eta_min), _eta(suggested.eta_max)
    return f"η from {low} to {high} is suggested for a cyclical learning rate."


def summary(found: Findings) -> str:
    """Say what the suggestion rests on, or why there is none."""
    suggested = found.suggestion
    if not found.measured:
        return verdict(found)
    lowest, highest = _eta(found.measured[0].eta), _eta(found.measured[-1].eta)
    if suggested is None:
        return (
            f"Between η = {lowest} and {highest} no accuracy was clearly above the first one. Try "
            "higher learning rates (--eta-max), more epochs, or other initial weights."
        )
    best = max(found.measured, key=lambda each: each.accuracy)
    text = (
        f"Accuracy reached {share(best.accuracy)} at η = {_eta(best.eta)} "
        f"({found.images:,} validation images, {count(found.runs, 'run')})."
    )
    if not suggested.rises:
        low = _eta(suggested.eta_min)
        text += f" It rose from the lowest η on: a smaller one than {low} would do as well."
    if not suggested.falls:
        text += f" It still rose at the end: look beyond {highest} with a larger --eta-max."
    if found.diverged:
        text += f" {count(found.diverged, 'run')} diverged before the highest learning rate."
    return text


def rule(found: Findings) -> str:
    """Say how the suggestion is made."""
    return (
        "η_min is the last learning rate before accuracy is clearly above that of the first epoch, "
        f"by more than {CLEARLY:g} standard errors of {found.images:,} images; η_max is that of "
        "the highest accuracy. The rule follows L. N. Smith, “Cyclical Learning Rates for Training "
        "Neural Networks” (2017), section 3.3, which reads both off the curve by eye."
    )


def flags(found: Findings) -> str:
    """Return the flags that use the suggestion; nothing where there is none."""
    if found.suggestion is None:
        return ""
    return f"--eta-min {_eta(found.suggestion.eta_min)} --eta-max {_eta(found.suggestion.eta_max)}"


def table(found: Findings) -> pd.DataFrame:
    """Return one row a learning rate."""
    return pd.DataFrame(
        {
            "η": _eta(each.eta),
            "validation accuracy": share(each.accuracy),
            "validation loss": real(each.loss, 3),
            "runs": str(each.runs),
        }
        for each in found.measured
    )


def picture(found: Findings, album: Album) -> Picture | None:
    """Draw accuracy and loss against η; nothing while there is nothing to draw."""
    if len(found.measured) < 2:
        return None
    caption = "(a) Validation accuracy and (b) validation loss while the learning rate rises."
    if found.suggestion is not None:
        caption += " Shaded: the suggested range."
    return album.draw("range-test", _draw(found), caption, height=3.0)


def _draw(found: Findings) -> Draw:
    def draw(figure: Figure) -> None:
        left, right = figure.subplots(1, 2)
        plots.against_eta(found.measured, "accuracy", found.suggestion, left)
        plots.against_eta(found.measured, "loss", found.suggestion, right)
        label_panels((left, right))

    return draw


def _eta(eta: float) -> str:
    """Return a learning rate with two digits: more would say more than was measured."""
    return number_text(float(f"{eta:.2g}"))
