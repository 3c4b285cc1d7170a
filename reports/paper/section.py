"""The study of all of the reference's experiments: what stands around their sections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pandas as pd

from reports.coarse_fine.findings import finals_of
from reports.coarse_fine.summary import final_scores
from reports.paper import discrepancies
from reports.paper import gradient_check as gradient_report
from reports.paper.claims import lambda_claims, loss_claims, matrix_claims
from reports.paper.discussion import SIGNIFICANT, Claim
from reports.parts.section import Section
from reports.parts.tables import markdown
from reports.parts.text import cell, count
from search.records import StudyRecord

CLAIMS: Mapping[str, Callable[[StudyRecord], Iterator[Claim]]] = {
    "loss_evolution": loss_claims,
    "lambda_coarse_fine": lambda_claims,
    "sigma_batchnorm": matrix_claims,
}
PAIRS: Mapping[str, Callable[[StudyRecord], Iterator[discrepancies.Pair]]] = {
    "lambda_coarse_fine": discrepancies.search_pairs,
    "sigma_batchnorm": discrepancies.matrix_pairs,
}


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
    parts = {each.kind: record.part(each) for each in record.experiments}
    claims = [claim for kind, rule in CLAIMS.items() for claim in rule(parts[kind])]
    pairs = [pair for kind, rule in PAIRS.items() for pair in rule(parts[kind])]
    far = discrepancies.large_differences(pairs)
    return Section(
        name="discussion",
        title="Discussion",
        template="sections/discussion.md.j2",
        context={
            "elsewhere": "" if record.data.name == "cifar10" else cell(record.data.title),
            "significant": SIGNIFICANT,
            "claims": markdown(claims_table(claims)),
            "compared": len(pairs),
            "far": "" if far.empty else markdown(far),
            "far_count": len(far),
            "large": discrepancies.LARGE,
        },
        summary=f"{_in_short(claims)}.",
        verdict=_verdict(parts["lambda_coarse_fine"], claims),
    )


def claims_table(claims: list[Claim]) -> pd.DataFrame:
    """Return one row a claim."""
    return pd.DataFrame(
        [
            {
                "the reference's claim": cell(claim.text),
                "here": f"**{claim.verdict}**",
                "figures": cell(claim.figures),
            }
            for claim in claims
        ]
    )


def _in_short(claims: list[Claim]) -> str:
    verdicts = Counter(claim.verdict for claim in claims)
    words = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.most_common())
    return f"Of {count(len(claims), 'claim')} of the reference report: {words}"


def _verdict(search: StudyRecord, claims: list[Claim]) -> str:
    scores = final_scores(finals_of(search))
    return f"{_in_short(claims)}{f'; the final model labels {scores} right' if scores else ''}."
