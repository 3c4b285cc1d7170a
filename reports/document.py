"""A whole report: what its sections have in common stands around them once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jinja2

from reports.coarse_fine import section as coarse_fine_report
from reports.drawing.album import Album, preview_mark
from reports.loss_evolution import section as loss_report
from reports.paper import section as paper_report
from reports.parts.environment import (
    environment_table,
    failed_attempts,
    failures_remainder,
    failures_table,
    mixed_environments,
    shown_failures,
)
from reports.parts.missing import making
from reports.parts.section import Section
from reports.parts.settings import settings_table
from reports.parts.tables import accuracies, learned, markdown
from reports.parts.text import cell, count, fenced, paragraphs, share
from reports.range_test import section as range_report
from reports.sigma_batchnorm import section as sigma_report
from search.evidence.chance import LEVEL
from search.records import Missing, State, StudyRecord

SECTIONS: Mapping[str, Callable[[StudyRecord, Album], Section]] = {
    "loss_evolution": loss_report.section,
    "lambda_coarse_fine": coarse_fine_report.section,
    "coarse_fine": coarse_fine_report.section,
    "sigma_batchnorm": sigma_report.section,
    "range_test": range_report.section,
}
"""How each kind of experiment is reported; one that is not named here has no section."""


STUDIES: Mapping[str, Callable[[StudyRecord, list[Section]], list[Section]]] = {
    "paper": paper_report.sections,
}
"""What a study of several experiments adds to their sections."""
NEXT, SAME = "\ue000", "\ue001"
"""Where templates ask for the number of the next table or figure, and for the same once more."""


def render(record: StudyRecord, *, figures: bool = True) -> str:
    """Return a study's report in Markdown, its figures written; or one without figures."""
    missing = list[Missing]()
    album = Album(record, missing=missing) if figures else None
    return lay_out(record, sections_of(record, missing, album), missing)


def lay_out(record: StudyRecord, sections: Sequence[Section], missing: list[Missing]) -> str:
    """Return a report in Markdown around its sections.

    It names what is `missing`; what cannot be made here is added to that.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports"),
        autoescape=False,  # noqa: S701 - Markdown, not HTML; table cells are escaped one by one
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"fenced": fenced, "cell": cell}
    environment.globals |= {"next_number": NEXT, "same_number": SAME}
    bodies = []
    for section in sections:
        with making(f"the part on {section.name}", missing):
            bodies.append(environment.get_template(section.template).render(section.context))
    text = environment.get_template("report.md.j2").render(
        _context(record, sections), bodies=bodies, missing=missing
    )
    return re.sub(r"\n{3,}", "\n\n", _numbered(text)).strip() + "\n"


def _numbered(text: str) -> str:
    """Number tables and figures in the order in which a reader meets them, each kind from 1.

    Parts are laid out before what stands around them, so that this comes last.
    """
    counts: Counter[str] = Counter()

    def number(found: re.Match[str]) -> str:
        kind, mark = found.groups()
        counts[kind] += mark == NEXT
        return f"{kind} {counts[kind]}"

    return re.sub(f"(Table|Figure) ([{NEXT}{SAME}])", number, text)


def sections_of(
    record: StudyRecord, missing: list[Missing], album: Album | None = None
) -> list[Section]:
    """Return a report's sections; what cannot be made becomes `missing`.

    Their figures are the album's; without one there are none.
    """
    sections = list[Section]()
    with album or Album(record, missing=missing, empty=True) as drawn:
        for each in record.experiments:
            section = SECTIONS[each.kind]
            with making(f"the part on {each.kind.replace('_', ' ')}", missing):
                sections.append(section(record.part(each), drawn))
    if record.kind in STUDIES:
        with making("what compares the parts", missing):
            return STUDIES[record.kind](record, sections)
    return sections


def _context(record: StudyRecord, sections: Sequence[Section]) -> dict[str, Any]:
    several = len(record.experiments) > 1
    verdict = sections[-1].verdict if sections else ""  # what comes last knows the others
    own = {
        f"{section.name}: {name}" if several else name: text
        for section in sections
        for name, text in section.settings.items()
    }
    return {
        "record": record,
        "title": _title(record, sections),
        "preview": preview_mark(record),
        "verdict": verdict,
        "summaries": [each.summary for each in sections if each.summary != verdict],
        "settings": markdown(settings_table(record, own)),
        "unfinished": unfinished(record),
        "unlearned": any_unlearned(record),
        "chance": share(record.data.chance),
        "chance_level": f"{LEVEL:.1%}",
        "environment": markdown(environment_table(record)),
        "mixed": mixed_environments(record),
        "failures": paragraphs(markdown(failures_table(record)), failures_remainder(record))
        if failed_attempts(record)
        else "",
        "failed_attempts": shown_failures(record),
        "model": any(each.result and each.result.test for each in record.trials if record.chosen),
    }


def _title(record: StudyRecord, sections: Sequence[Section]) -> str:
    if len(record.experiments) > 1:
        return paper_report.title(record)
    return sections[0].title if sections else record.name


def unfinished(record: StudyRecord) -> str:
    """Return how many trials have no result, in words; nothing when the study is finished."""
    counts = {
        state: sum(trial.state is state for trial in record.trials)
        for state in (State.WAITING, State.RUNNING, State.FAILED)
    }
    waiting = counts[State.WAITING] + counts[State.RUNNING]
    parts = [f"{count(waiting, 'trial')} without a result yet"] if waiting else []
    parts += [f"{count(counts[State.FAILED], 'trial')} failed"] if counts[State.FAILED] else []
    return " and ".join(parts) or "trials are still to be decided on"


def any_unlearned(record: StudyRecord) -> bool:
    """Say whether a completed trial's accuracy is no better than chance."""
    values = accuracies(record.trials)
    return any(not learned(value, record.data) for value in values)
