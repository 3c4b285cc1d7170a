"""The study of all of the reference's experiments: what stands around their sections."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from reports.coarse_fine.finals import finals_of
from reports.coarse_fine.summary import final_scores
from reports.paper import gradient_check as gradient_report
from reports.paper.discrepancies import BY_CHANCE, LARGE, large_differences
from reports.paper.discussion import Claim, Verdict
from reports.paper.findings import Discussion, discuss
from reports.parts import reference
from reports.parts.section import Section
from reports.parts.tables import markdown
from reports.parts.text import cell, count, phrases, share
from search.evidence.chance import NEGLIGIBLE
from search.evidence.sides import RATE
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.records import StudyRecord


def title(record: StudyRecord) -> str:
    """Return the report's title."""
    return f"The reference report's experiments, on {record.data.title}"


def sections(record: StudyRecord, experiments: list[Section]) -> list[Section]:
    """Return the sections in the reference's order: gradient check first, discussion last."""
    every = [gradient_report.section(), *experiments, discussion(record)]
    return [replace(each, summary=f"- **{_capital(each.name)}.** {each.summary}") for each in every]


def _capital(name: str) -> str:
    """Return a name as a sentence begins with it; λ and σ stay as they are."""
    return name[:1].upper() + name[1:] if name[:1].isascii() else name


def discussion(record: StudyRecord) -> Section:
    """Hold the reference's claims and numbers against what was measured."""
    found = discuss(record)
    far = large_differences(found.numbers)
    (search,) = (each for each in record.experiments if each.kind == LambdaSearch.kind)
    return Section(
        name="discussion",
        title="Discussion",
        template="sections/discussion.md.j2",
        context={
            "elsewhere": "" if record.data.name == "cifar10" else cell(record.data.title),
            "rate": f"{RATE:.0%}",
            "negligible": NEGLIGIBLE,
            "replicates": found.replicates,
            "claims": markdown(claims_table(found)),
            "compared": len(found.numbers),
            "far": "" if far.empty else markdown(far),
            "far_count": len(far),
            "large": LARGE,
            "by_chance": count(round(len(found.numbers) * BY_CHANCE), "number"),
            "twice": phrases([share(grid[1e-2]) for grid in reference.GRIDS.values()]),
        },
        summary=f"{_in_short(found)}.",
        verdict=_verdict(record.part(search), found),
        findings=found,
    )


def claims_table(found: Discussion) -> pd.DataFrame:
    """Return one row a claim."""
    return pd.DataFrame(
        [
            {
                "the reference's claim": cell(claim.text),
                "here": f"**{claim.verdict}**{_scope(claim)}",
                "figures": cell(claim.figures),
            }
            for claim in found.claims
        ]
    )


def _scope(claim: Claim) -> str:
    """Return what a verdict is on, where it is not on networks of a kind."""
    decided = claim.verdict in (Verdict.SUPPORTED, Verdict.CONTRADICTED)
    return " for these networks" if decided and claim.these_networks else ""


def _in_short(found: Discussion) -> str:
    words = ", ".join(f"{number} {verdict}" for verdict, number in found.verdicts.items())
    once = ", held against networks trained once each" if found.replicates == 1 else ""
    return f"Of {count(len(found.claims), 'claim')} of the reference report{once}: {words}"


def _verdict(search: StudyRecord, found: Discussion) -> str:
    scores = final_scores(finals_of(search))
    return f"{_in_short(found)}{f'; the final model labels {scores} right' if scores else ''}."
