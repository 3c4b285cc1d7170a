"""Studies side by side, as Markdown and as a part of a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from reports.compare.facts import Against, Compared, Difference, Paired, Side, Tested, Unpaired
from reports.compare.findings import findings
from reports.compare.plots import draw_along, draw_learning, shared_axes
from reports.drawing.style import Draw, write_figure
from reports.page.html import Body, body
from reports.parts.summary import plain
from reports.parts.tables import markdown
from reports.parts.text import NONE, count, paragraphs, phrases, share, signed
from search.evidence.compare import LEVEL
from search.records import StudyRecord

MOST = 20
"""Setups that a table, or a sentence, holds."""
AGAINST = (
    "Accuracy less that of the best of all, on the same images. Each interval holds the true "
    f"difference in {LEVEL:.0%} of such comparisons, whichever setup turns out the best."
)
ONCE = "Every setup was trained once, so that the intervals hold the noise of images alone."
POOLED = "A setup that several studies trained counts once, with the runs of all of them."
_MARKUP = re.compile(r"[\\`*\[\]<&|$]")


@dataclass(frozen=True)
class StudiesCompared:
    """Some studies side by side."""

    records: tuple[StudyRecord, ...]

    @cached_property
    def findings(self) -> Compared:
        """What they say, as frozen records."""
        return findings(self.records)

    def plain(self) -> Any:
        """Return the findings as JSON has values."""
        return plain(self.findings)

    @property
    def text(self) -> str:
        """The comparison in Markdown, without figures."""
        return render(self.findings)

    def body(self) -> Body:
        """Return the comparison as a part of an HTML page that holds its figures."""
        with TemporaryDirectory() as folder:
            pictures = []
            for name, caption, height, draw in _figures(self.findings):
                write_figure(Path(folder), name, draw, height=height, dark=True)
                pictures.append(f"![{caption}]({name}.png)")
            return body(render(self.findings, pictures), Path(folder))


def _figures(found: Compared) -> Iterator[tuple[str, str, float, Draw]]:
    """Yield the name, caption and height of each figure that there is something for, and itself."""
    if panels := len(shared_axes(found)):
        caption = "Validation accuracy along what the studies vary: the highest at each value."
        yield "along", caption, 0.6 + 2.5 * panels, partial(draw_along, found)
    if any(side.final and side.final.curve for side in found.studies):
        caption = "The trainings of the final models, by validation accuracy."
        yield "learning", caption, 3.0, partial(draw_learning, found)


def render(found: Compared, pictures: Sequence[str] = ()) -> str:
    """Return a comparison in Markdown, with pictures as Markdown names them."""
    parts = (
        f"# {phrases([literal(side.name) for side in found.studies])}",
        *(verdict(each) for each in found.paired),
        *(unpaired_sentence(each) for each in found.unpaired),
        *(
            f"{named(side.name)} has no setup yet all of whose runs completed."
            for side in found.studies
            if side.best is None
        ),
        "## Side by side",
        _table(sides_table(found.studies)),
        *(tested_sentence(each) for each in found.tested),
        *pictures,
        *(_paired(each) for each in found.paired),
        "## Settings that differ",
        _settings(found),
    )
    return paragraphs(*parts) + "\n"


def literal(text: str) -> str:
    """Return what anybody may have named as the words that it is, in Markdown."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def named(study: str) -> str:
    """Return a study's name as a sentence says it."""
    return f"**{literal(study)}**"


def verdict(pair: Paired) -> str:
    """Say which setup is the best of several studies, and what cannot be told from it."""
    best = pair.best
    text = (
        f"{phrases([named(name) for name in pair.studies])} validate on the same "
        f"{pair.images:,} images, so that they are compared image by image. The best of all is "
        f"{best.label} of {named(pair.study)}: {share(best.accuracy)} ± {share(best.error)} over "
        f"{count(best.runs, 'run')}. "
    )
    return text + " ".join((*_the_others(pair), _ties(pair)))


def _the_others(pair: Paired) -> Iterator[str]:
    """Say of each other study how far its best setup is from the best of all."""
    told = {other.study: other for other in reversed(pair.others) if other.best_of_study}
    for study in pair.studies:
        if study == pair.study:
            continue
        if study not in told:
            yield f"It is the best of {named(study)}, too."
            continue
        other = told[study]
        how = "cannot be told from it" if other.tied else "is worse"
        yield (
            f"The best of {named(study)}, {other.label}, {how}: {signed(other.difference)} "
            f"({interval(other)})."
        )


def _ties(pair: Paired) -> str:
    ties = pair.ties
    if not pair.others:
        return "There is no other setup to compare it with."
    if not ties:
        return f"Each other of the {len(pair.others) + 1} setups is worse."
    if len(ties) > MOST:
        return f"{len(ties):,} of the {len(pair.others) + 1:,} setups cannot be told from it."
    listed = phrases(
        [
            f"{phrases([tie.label for tie in ties if tie.study == study])} of {named(study)}"
            for study in dict.fromkeys(tie.study for tie in ties)
        ]
    )
    return f"What cannot be told from it ({LEVEL:.0%} confidence): {listed}."


def interval(found: Against | Difference) -> str:
    """Return an interval as a sentence gives it."""
    return f"{LEVEL:.0%} interval {signed(found.low)} to {signed(found.high)}"


def unpaired_sentence(pair: Unpaired) -> str:
    """Say that two studies cannot be paired, why, and how far they are apart all the same."""
    of = pair.of
    noise = (
        "" if pair.same_data else ", and what it says of their settings it says of their data, too"
    )
    return (
        f"{named(of.first)} and {named(of.second)} cannot be paired: {pair.reason}. The best of "
        f"{named(of.second)} less that of {named(of.first)} is {signed(of.difference)} "
        f"({interval(of)}); the interval holds the noise of both sets of images{noise}."
    )


def tested_sentence(pair: Tested) -> str:
    """Say how far two final models are apart on test images."""
    of = pair.of
    if pair.paired:
        images = (
            "Both labelled the same test images, and are compared image by image; the interval is "
            "of these two networks, without the noise of seeds."
        )
    elif pair.same_images:
        images = (
            "Both labelled the same test images, but one of them is of a version that did not keep "
            "which of them it got right: the interval is that of two sets of images, wider than a "
            "paired one."
        )
    else:
        images = "They were tested on other images."
    return (
        f"By test accuracy, the final model of {named(of.second)} less that of {named(of.first)} "
        f"is {signed(of.difference)} ({interval(of)}). {images}"
    )


def sides_table(studies: Sequence[Side]) -> pd.DataFrame:
    """Return a row a quantity, a column a study."""
    columns = {
        literal(side.name): [literal(text) for text in _rows(side).values()] for side in studies
    }
    return pd.DataFrame({"": list(_rows(studies[0])), **columns})


def _rows(side: Side) -> dict[str, str]:
    best, final = side.best, side.final
    return {
        "experiment": side.title,
        "data": side.data,
        "trials": f"{side.trials:,}{'' if side.finished else ', not finished'}",
        "best setup": best.label if best else NONE,
        "its validation accuracy": f"{share(best.accuracy)} ± {share(best.error)}"
        if best
        else NONE,
        "over": f"{count(best.runs, 'run')}, {side.validation_images:,} images" if best else NONE,
        "final model": f"{final.label}, {count(final.epochs, 'epoch')}" if final else NONE,
        "its test accuracy": f"{share(final.test_accuracy)} ± {share(final.test_error)}"
        if final
        else NONE,
        "on": f"{final.test_images:,} images" if final else NONE,
    }


def _paired(pair: Paired) -> str:
    """Return the table of what studies of the same images tried, against the best of all."""
    shown = pair.others[:MOST]
    if not shown:
        return ""
    rest = len(pair.others) - len(shown)
    frame = pd.DataFrame(
        [
            {
                "setup": literal(each.label),
                "study": literal(each.study),
                "runs in common": str(each.runs),
                "difference": signed(each.difference),
                "interval": f"{signed(each.low)} to {signed(each.high)}",
                "p": share(each.p),
                "verdict": "cannot be told" if each.tied else "worse",
            }
            for each in shown
        ]
    )
    notes = [
        *([] if pair.knows_seeds else [ONCE]),
        *([POOLED] if pair.pooled else []),
        *([f"{rest:,} more are not shown."] if rest else []),
    ]
    return paragraphs(
        f"## Against {pair.best.label} of {literal(pair.study)}",
        _table(frame),
        " ".join((AGAINST, *notes)),
    )


def _settings(found: Compared) -> str:
    if not found.settings:
        return "None: these are runs of one specification."
    names = [literal(each.name) for each in found.settings]
    columns = {
        literal(side.name): [literal(each.typed[k]) or NONE for each in found.settings]
        for k, side in enumerate(found.studies)
    }
    return _table(pd.DataFrame({"": names, **columns}))


def _table(frame: pd.DataFrame) -> str:
    """Return a table whose columns all stand to the left: they hold words and numbers."""
    return markdown(frame, left=frame.columns)
