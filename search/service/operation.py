"""For whoever runs the service: whether it is well, and numbers for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kbn.paths import Kind, kind_of, may_write
from search.service.api import place_of
from search.service.place import Place
from search.service.summary import StudyState, Summary
from search.training.versions import project_version

router = APIRouter()
Here = Annotated[Place, Depends(place_of)]
UNAVAILABLE = 503


@dataclass(frozen=True)
class Health:
    """Whether studies can be submitted and run."""

    well: bool
    version: str
    problem: str = ""


@router.get("/health")
def show_health(here: Here, response: Response) -> Health:
    """Say whether the folder of studies can be read, and written to unless all is read-only."""
    problem = _problem(here)
    if problem:
        response.status_code = UNAVAILABLE
    return Health(not problem, project_version(), problem)


def _problem(here: Place) -> str:
    kind = kind_of(here.root)
    if kind is None:
        return ""  # it is made when the first study is submitted
    if kind is not Kind.FOLDER:
        return f"{here.root} is a {kind}"
    if not here.read_only and not may_write(here.root):
        return f"{here.root} may not be written to"
    return ""


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def show_metrics(here: Here) -> Response:
    """Return numbers as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(_Studies(here.folders.summaries()))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Studies(Collector):
    """What there is to count, as it is now."""

    def __init__(self, rows: list[Summary]) -> None:
        self._rows = rows

    def collect(self) -> Iterator[Metric]:
        """Yield what Prometheus is told."""
        counts = Counter(row.state for row in self._rows)
        studies = GaugeMetricFamily("kbn_studies", "Studies by state.", labels=["state"])
        for state in StudyState:
            studies.add_metric([state.value], counts[state])
        yield studies
        running = [row for row in self._rows if row.state.runs]
        yield GaugeMetricFamily(
            "kbn_running_trials_ended",
            "Trials of the studies that run which have ended.",
            value=sum(row.trials_ended or 0 for row in running),
        )
        yield GaugeMetricFamily(
            "kbn_running_trials",
            "Trials to expect of the studies that run.",
            value=sum(row.trials or 0 for row in running),
        )
        yield GaugeMetricFamily(
            "kbn_running_seconds_left",
            "The longest time that a study which runs is estimated to take still.",
            value=max((row.seconds_left or 0.0 for row in running), default=0.0),
        )
