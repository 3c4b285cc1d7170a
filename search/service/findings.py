"""What a list says of a study's outcome, from the numbers of its report."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from search.space.axis import AXES, Axis, Scale

Found = Mapping[str, Any]


@dataclass(frozen=True)
class Best:
    """The point with the highest validation accuracy, or the one that was chosen."""

    label: str
    accuracy: float
    """Mean share of validation images labelled right."""
    error: float | None = None
    """Its standard error."""
    runs: int = 1
    ties: int | None = None
    """Other points that cannot be told from it; None while none were compared."""


@dataclass(frozen=True)
class Share:
    """A share of images, and its standard error."""

    accuracy: float
    error: float | None = None


@dataclass(frozen=True)
class Findings:
    """What is said of a study in a row."""

    verdict: str = ""
    best: Best | None = None
    test: Share | None = None
    curve: tuple[tuple[float, float], ...] = ()
    """The highest accuracy at each value of the first axis, where that has an order, ascending."""
    curve_axis: str = ""
    """The axis's symbol: `λ`."""
    curve_log: bool = False
    """Whether that axis is even in its logarithm."""
    warnings: tuple[str, ...] = ()


NOTHING = Findings()
RATE = AXES["eta_max"]
"""What a range test measures against."""


def findings_of(report: Found) -> Findings:
    """Return what a `report.json` says; raise what reading something else raises."""
    sections = list(report["sections"])
    verdict = next((each["verdict"] for each in reversed(sections) if each["verdict"]), "")
    found = Findings(verdict=str(verdict), warnings=tuple(map(str, report["warnings"])))
    for section in sections:
        if section["kind"] == "coarse_fine":
            return replace(found, **_search(section["findings"]))
        if section["kind"] == "range_test":
            measured = section["findings"]["measured"]
            pairs = [(each["eta"], each["accuracy"]) for each in measured]
            return replace(found, **curve(RATE, pairs))
    return found


def _search(search: Found) -> dict[str, Any]:
    """Return the findings of a search over axes."""
    axes = [AXES[name] for name in search["axes"]]
    points = [point for look in search["looks"] for point in look["points"]]
    said: dict[str, Any] = {"test": _test(search["finals"])}
    if best := search["best"]:
        said["best"] = Best(
            label(axes, best["point"]),
            float(best["accuracy"]),
            best["error"],
            int(best["runs"]),
            sum(bool(other["tied"]) for other in best["others"]),
        )
    known = [point for point in points if point["accuracy"] is not None]
    most = {tuple(map(str, point["point"])): point for point in known}
    pairs = [(point["point"][0], point["accuracy"]) for point in most.values()]
    return said | curve(axes[0], pairs)


def curve(axis: Axis, pairs: Iterable[tuple[Any, Any]]) -> dict[str, Any]:
    """Return accuracy against an axis as the fields of `Findings`: the highest at each value."""
    highest: dict[float, float] = {}
    for value, accuracy in pairs if axis.ordered else ():
        if value == axis.baseline:  # it has no place on the curve
            continue
        highest[float(value)] = max(float(accuracy), highest.get(float(value), 0.0))
    return {
        "curve": tuple(sorted(highest.items())),
        "curve_axis": axis.symbol,
        "curve_log": axis.scale is Scale.LOG,
    }


def label(axes: Sequence[Axis], point: Sequence[Any]) -> str:
    """Return a point as lists name it: `λ=1e-3, η_max=0.1`."""
    return ", ".join(axis.label(value) for axis, value in zip(axes, point, strict=True))


def best_so_far(names: Sequence[str], points: Iterable[Sequence[Any]]) -> Best | None:
    """Return the best of points that a running study has measured: see `running.progress`."""
    axes = [AXES[name] for name in names]
    ranked = [(statistics.fmean(accuracies), len(accuracies), of) for of, accuracies in points]
    if not ranked:
        return None
    accuracy, runs, point = max(ranked, key=lambda each: each[:2])
    return Best(label(axes, point), accuracy, runs=runs)


def curve_so_far(names: Sequence[str], points: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """Return those points as a curve, in the fields of `Findings`."""
    pairs = [(point[0], statistics.fmean(accuracies)) for point, accuracies in points]
    return curve(AXES[names[0]], pairs)


def _test(finals: Sequence[Found]) -> Share | None:
    """Return the test accuracy of the model that was kept."""
    parts = [part for final in finals if final["kept"] for part in final["parts"]]
    return next(
        (
            Share(float(part["accuracy"]), part["error"])
            for part in parts
            if part["part"] == "test" and part["accuracy"] is not None
        ),
        None,
    )
