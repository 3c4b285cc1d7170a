"""The discrete-event model behind the figures of many cores: what it holds, without a Ray."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.driver_model import WRITES, Costs, Load, efficiency, limits, wall
from cluster.ray_pool import _Ended, messages, seconds_between_messages

SECONDS = st.floats(0.0, 0.1)
COSTS = st.builds(
    Costs,
    message=SECONDS,
    item=SECONDS,
    trial=SECONDS,
    scan=SECONDS,
    commit=SECONDS,
    window=st.sampled_from((0.0, 0.1)),
    latency=SECONDS,
    together=st.booleans(),
)
LOADS = st.builds(
    Load,
    slots=st.integers(1, 9),
    trials=st.integers(1, 30),
    seconds=st.floats(0.0, 5.0),
    records=st.integers(0, 4),
)


@given(slots=st.integers(1, 20), rounds=st.integers(1, 5), records=st.integers(0, 5))
def test_a_driver_that_costs_nothing_wastes_nothing(slots: int, rounds: int, records: int) -> None:
    """Trials of equal length that divide evenly among the cores keep all of them busy."""
    load = Load(slots=slots, trials=rounds * slots, seconds=2.0, records=records)
    assert efficiency(Costs(), load) == pytest.approx(1.0)


@given(
    slots=st.sampled_from((1, 1_000, 10_000)),
    records=st.integers(0, 12),
    eighths=st.integers(1, 400),
)
def test_a_trial_sends_as_the_pool_has_it(slots: int, records: int, eighths: int) -> None:
    """The model's messages are those that the pool's own code makes of the same records."""
    gap, now = eighths / 8, [0.0]

    def task() -> Iterator[int]:
        for number in range(records):
            now[0] = (number + 1) * gap
            yield number

    load = Load(slots=slots, trials=1, seconds=records * gap, records=records)
    with patch.object(time, "monotonic", lambda: now[0]):
        *during, ended = messages(task, seconds_between_messages(slots))
    assert isinstance(ended, _Ended)
    sent = [0, *(len(each) for each in during if isinstance(each, list)), len(ended.items) + 1]
    assert [each.items for each in load.messages] == sent


def test_trials_that_do_not_divide_leave_cores_idle() -> None:
    """Five trials on four cores take as long as eight."""
    load = Load(slots=4, trials=5, seconds=2.0, records=1)
    assert efficiency(Costs(), load) == pytest.approx(5 / 8)


@given(costs=COSTS, load=LOADS)
def test_the_wall_time_lies_between_its_bounds(costs: Costs, load: Load) -> None:
    """Neither the driver nor a core does two things at once, and no core waits without a cause."""
    messages = load.trials * len(load.messages)
    items = load.trials * (load.records + 1)
    writes = WRITES * load.trials
    served = messages * costs.message + items * costs.item + load.trials * costs.trial
    committed = costs.commit * (1 if costs.window else writes)
    rounds = math.ceil(load.trials / load.slots)
    alone = load.seconds + costs.latency
    least = max(served + committed, rounds * alone)
    asked = messages * costs.scan * min(load.slots, load.trials)
    most = served + asked + costs.commit * writes + costs.window + (rounds + 1) * alone
    assert least <= wall(costs, load) + 1e-9
    assert wall(costs, load) <= most + 1e-9


@pytest.mark.parametrize(
    ("costs", "each"),
    [
        (Costs(message=0.01), 3 * 0.01),
        (Costs(item=0.01), 3 * 0.01),
        (Costs(trial=0.02), 0.02),
        (Costs(commit=0.03), WRITES * 0.03),
        (Costs(scan=1e-4, together=False), 3 * 1e-4 * 200),
    ],
)
def test_a_saturated_driver_sets_the_pace(costs: Costs, each: float) -> None:
    """With more cores than it can serve, trials end as fast as the driver takes them in."""
    load = Load(slots=200, trials=2_000, seconds=0.1, records=2)
    assert wall(costs, load) == pytest.approx(load.trials * each, rel=0.06)


@pytest.mark.parametrize("term", ["message", "item", "trial", "scan", "commit", "latency"])
def test_what_costs_more_takes_longer(term: str) -> None:
    """Each of the costs is felt, and the longer it takes the lower is the efficiency."""
    costs = Costs(1e-3, item=1e-4, trial=1e-3, scan=1e-5, commit=5e-3, window=0.1, latency=5e-3)
    load = Load(slots=50, trials=500, seconds=1.0, records=5)
    dearer = [replace(costs, **{term: f * getattr(costs, term)}) for f in (1, 2, 4, 8)]
    found = [efficiency(each, load) for each in dearer]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[-1]


def test_commits_in_groups_do_not_set_the_pace() -> None:
    """A group costs one commit however many cores there are; alone, each write costs one."""
    load = Load(slots=100, trials=1_000, seconds=1.0, records=0)
    alone = Costs(commit=0.02)
    assert efficiency(alone, load) < 0.3
    assert efficiency(replace(alone, window=0.1), load) > 0.85


@pytest.mark.parametrize("together", [True, False])
def test_a_limit_is_where_its_term_fills_the_driver(*, together: bool) -> None:
    """Each term's limit is the number of cores at which that term alone takes all the time."""
    costs = Costs(message=1e-3, item=2e-3, trial=4e-3, scan=1e-5, commit=0.02, together=together)
    found = limits(costs, seconds=10.0, records=7)
    assert found["messages"] == pytest.approx(10.0 / (9 * 1e-3))
    assert found["records"] == pytest.approx(10.0 / (8 * 2e-3))
    assert found["submissions"] == pytest.approx(10.0 / 4e-3)
    assert found["commits"] == pytest.approx(10.0 / (2 * 0.02))
    cores = found["asking"]
    assert cores / 10.0 * 9 * 1e-5 * (1 if together else cores) == pytest.approx(1.0)
    assert limits(replace(costs, window=0.1), seconds=10.0, records=7)["commits"] == math.inf


def test_several_drivers_serve_more_cores() -> None:
    """Where a driver's time is what lacks, four do four times as much; each has its share."""
    costs, load = Costs(message=1e-3, trial=2e-3), Load(400, 2_000, 0.1, 1)
    parts = [load.part(number, 3) for number in range(3)]
    assert sum(part.slots for part in parts) == load.slots
    assert sum(part.trials for part in parts) == load.trials
    assert {part.trials / part.slots for part in parts} == {5.0}
    alone, four = (wall(costs, load, drivers=drivers) for drivers in (1, 4))
    assert four == pytest.approx(alone / 4, rel=0.05)


def test_what_starts_a_core_s_first_task_serves_all_drivers() -> None:
    """Further tasks go to a core's worker directly, and more drivers start none sooner."""
    costs, load = Costs(first=0.01), Load(100, 300, 10.0, 1)
    for drivers in (1, 4):
        assert wall(costs, load, drivers=drivers) == pytest.approx(100 * 0.01 + 3 * 10.0)


def test_one_store_takes_one_commit_at_a_time() -> None:
    """Drivers that bring their groups to one store wait for each other."""
    costs, load = Costs(commit=0.1, window=0.1), Load(40, 400, 0.5, 0)
    alone, eight = (wall(costs, load, drivers=drivers) for drivers in (1, 8))
    assert eight > 1.5 * alone
