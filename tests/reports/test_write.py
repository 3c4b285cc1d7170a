"""Writing a report: each file whole or not at all."""

from __future__ import annotations

import pickle
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import reports
from reports import trials_frame
from reports.document import SECTIONS
from reports.drawing.album import Picture
from reports.drawing.style import Draw, Painted, write_painted
from reports.parts.section import Section
from reports.write import FRAMES
from search.records import State, StudyRecord
from tests.reports.records import SEARCH, STUDIES, Ending, by_lambda, study

resource = pytest.importorskip("resource", reason="no limits on a file's size on this system")

EARLIER = "the earlier one\n"
WRITTEN = ("report.md", "report.json", "trials.csv", "history.csv", "layers.csv")


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, hidden ones included."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@contextmanager
def full_disk_after(size: int) -> Iterator[None]:
    """Let no file grow beyond a number of bytes: the system's own error, in mid-write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.fixture
def text_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures out."""
    names = ("accuracy", "learning", "eta", "final", "confusion")
    pictures = {name: Picture(f"{name}.png", f"{name}.svg", name) for name in names}
    monkeypatch.setattr("reports.coarse_fine.section.figures", lambda *_, **__: pictures)


@pytest.fixture
def earlier(tmp_path: Path, text_only: None) -> Path:
    """Return a folder that holds an earlier report."""
    for name in WRITTEN:
        (tmp_path / name).write_text(EARLIER, encoding="utf-8")
    return tmp_path


def of_length(folder: Path, length: int) -> StudyRecord:
    """Return a study whose report is long, because an error's text is."""
    return study(folder, by_lambda({1e-3: Ending(failures=("x" * length,))}))


def test_what_write_hands_back_is_there(tmp_path: Path, text_only: None) -> None:
    """Six paths in the study's folder, each a file, and no file beside them."""
    report = reports.write(study(tmp_path))
    assert report.path == tmp_path / "report.md"
    assert report.html == tmp_path / "report.html"
    assert report.findings == tmp_path / "report.json"
    tables = {path.name for path in (report.trials, report.history, report.layers)}
    assert tables == {"trials.csv", "history.csv", "layers.csv"}
    assert set(contents(tmp_path)) == {"report.md", "report.html", "report.json", *tables}
    assert len(trials_frame(study(tmp_path))) + 1 == len(report.trials.read_text().splitlines())


def test_a_report_replaces_the_earlier_one(earlier: Path) -> None:
    """Nothing of it is left, also where it was longer."""
    reports.write(of_length(earlier, 100_000))
    reports.write(study(earlier))
    assert len((earlier / "report.md").read_bytes()) < 100_000
    assert EARLIER.encode() not in contents(earlier).values()


def test_a_disk_that_fills_up_in_mid_report(earlier: Path) -> None:
    """The earlier report stays whole, and no half-written file lies about."""
    with full_disk_after(50_000), pytest.raises(OSError, match="File too large"):
        reports.write(of_length(earlier, 100_000))
    assert set(contents(earlier)) == set(WRITTEN)
    assert (earlier / "report.md").read_text(encoding="utf-8") == EARLIER


@pytest.mark.parametrize("size", [0, 100, 1_000])
def test_a_disk_that_fills_up_in_mid_table(earlier: Path, size: int) -> None:
    """The same for a CSV file: of each file there is the earlier one or the new one."""
    with full_disk_after(size), pytest.raises(OSError, match="File too large"):
        reports.write(study(earlier))
    assert contents(earlier) == {name: EARLIER.encode() for name in WRITTEN}


def test_a_disk_that_fills_up_in_mid_figure(tmp_path: Path) -> None:
    """Figures, too, are whole or as they were; the report is not touched before they are done."""
    record = study(tmp_path, STUDIES["nothing yet"])
    (tmp_path / "figures").mkdir()
    eta = ("figures/eta.svg", "figures/eta-dark.svg", "figures/eta.png")
    for path in ("report.md", *eta):
        (tmp_path / path).write_text(EARLIER, encoding="utf-8")
    with full_disk_after(4_000), pytest.raises(OSError, match="File too large"):
        reports.write(record)
    found = contents(tmp_path)
    assert set(found) == {*WRITTEN, *eta} - {"report.json"}  # which comes after the figures
    assert {found[path] for path in ("report.md", *eta)} == {EARLIER.encode()}


def test_a_text_that_cannot_be_encoded(earlier: Path) -> None:
    """A lone surrogate in an error's text, as file names may hold, is shown as its escape."""
    record = study(earlier, by_lambda({1e-3: Ending(failures=("lost",))}))
    first, *others = record.trials
    (attempt, *later) = first.attempts
    assert attempt.failure is not None
    odd = replace(attempt, failure=replace(attempt.failure, traceback="\ud800"))
    first = replace(first, attempts=(odd, *later))
    assert reports.write(replace(record, trials=(first, *others))).missing == ()
    for name in ("report.md", "report.html"):
        assert "\\ud800" in (earlier / name).read_text(encoding="utf-8")


def test_a_figure_that_fails_leaves_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason stands where the figure would; all else is there, and the caller is told."""

    def fail(*_: object, **__: object) -> None:
        raise OverflowError("too <large>\nto draw")

    monkeypatch.setattr("reports.coarse_fine.plots.search_order", fail)
    report = reports.write(study(tmp_path))
    (missing,) = report.missing
    assert missing.part == "figure order"
    assert missing.reason == "OverflowError: too <large> to draw"
    assert "in fail" in missing.traceback
    text = report.path.read_text(encoding="utf-8")
    reason = "(OverflowError: too &lt;large> to draw)"
    assert f"> This report is without figure order, which could not be made {reason}." in text
    place = f"> A figure could not be drawn {reason}: The order of the search"
    assert text.index("figures/lambda.png") < text.index(place) < text.index("figures/learning.png")
    assert "A figure could not be drawn" in report.html.read_text(encoding="utf-8")
    drawn = {path.stem for path in (tmp_path / "figures").glob("*.png")}
    assert drawn == {"lambda", "differences", "learning", "eta", "final", "confusion", "weights"}
    assert report.trials.exists()


def test_a_part_that_fails_costs_no_other(
    tmp_path: Path, text_only: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table, and an experiment's section, are missing from a report that has all the rest."""

    def fail(*_: object) -> Section:
        raise KeyError("no luck")

    def fail_too(_: StudyRecord) -> pd.DataFrame:
        raise ValueError("no luck")

    record = study(tmp_path)
    monkeypatch.setitem(SECTIONS, record.kind, fail)
    monkeypatch.setitem(FRAMES, "history.csv", fail_too)
    report = reports.write(record)
    parts = [missing.part for missing in report.missing]
    assert parts == ["history.csv", "the part on lambda coarse fine"]
    text = report.path.read_text(encoding="utf-8")
    assert all(f"This report is without {part}," in text for part in parts)
    assert all(part in text for part in ("## What was run", "## Decisions", "## Environment"))
    assert report.html.exists()
    assert report.trials.exists()
    assert report.layers.exists()
    assert not report.history.exists()


def test_figures_may_be_drawn_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that the last trial does not change are not drawn again; all bytes are the same."""
    painted: list[str] = []

    def paint(draw: Draw, *, height: float, **_: object) -> Painted:
        figure = Figure(figsize=(7, height))
        draw(figure)
        shown = [[np.array(line.get_data()).tolist() for line in ax.lines] for ax in figure.axes]
        painted.append(repr(shown))
        return Painted(*[f"{height} {shown} {kind}".encode() for kind in ("svg", "png", "dark")])

    def write_figure(folder: Path, name: str, draw: Draw, **how: Any) -> tuple[Path, Path]:
        return write_painted(folder, name, paint(draw, **how))

    monkeypatch.setattr("reports.drawing.album.paint", paint)
    monkeypatch.setattr("reports.drawing.album.write_figure", write_figure)
    for name in ("at once", "ahead"):
        (tmp_path / name).mkdir()
    record = study(tmp_path / "at once", STUDIES["finished"])
    reports.write(record)
    at_once, number = contents(record.folder), len(painted)
    record = replace(record, folder=tmp_path / "ahead")
    ahead: dict[bytes, Painted] = {}
    for _ in range(2):  # the second time all is known
        reports.draw_ahead(_before_its_last_trial(record), ahead.keys(), ahead.__setitem__)
    assert not contents(record.folder)
    assert len(painted) - number == len(ahead) > 2
    painted.clear()
    reports.write(record, ahead=ahead)
    assert contents(record.folder) == at_once
    assert 0 < len(painted) == number - len(ahead)


def _before_its_last_trial(record: StudyRecord) -> StudyRecord:
    """Return a study as it was while its final model trained, sent by another process."""
    assert record.final is not None
    last = record.final.trial.id
    trials = tuple(
        replace(each, state=State.RUNNING, result=None, history=())
        if each.trial.id == last
        else each
        for each in record.trials
    )
    early = replace(record, trials=trials, mistakes=None)
    sent: StudyRecord = pickle.loads(pickle.dumps(early))  # noqa: S301 - what was just pickled
    return sent


def test_ctrl_c_in_mid_report(earlier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupt between the first byte and the last leaves the earlier report whole."""
    record, whole = study(earlier), Path.write_text

    def half(path: Path, data: str, encoding: str, errors: str) -> int:
        if path.suffix != ".md":
            return whole(path, data, encoding=encoding)
        whole(path, data[: len(data) // 2], encoding=encoding)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises(KeyboardInterrupt):
        reports.write(record)
    monkeypatch.undo()
    assert (earlier / "report.md").read_text(encoding="utf-8") == EARLIER
    assert set(contents(earlier)) == set(WRITTEN)


def test_files_can_be_read_by_others(tmp_path: Path, text_only: None) -> None:
    """They have the rights of any file that the user makes, not those of a temporary one."""
    (tmp_path / "plain").touch()
    reports.write(study(tmp_path))
    rights = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(rights.values()) == {rights["plain"]}


def test_a_kind_of_study_without_a_report(tmp_path: Path) -> None:
    """A driver whose report nobody wrote is an error of the program, not an empty report."""
    record = study(tmp_path, search=SEARCH)
    unheard = replace(record.experiments[0], kind="unheard_of")
    with pytest.raises(KeyError, match="unheard_of"):
        reports.write(replace(record, experiments=(unheard,)))
    assert not (tmp_path / "report.md").exists()
