"""The discrete-event model behind the figures of many cores: what it holds, without a Ray."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.driver_model import (
    WRITES,
    Costs,
    Load,
    Message,
    efficiency,
    limits,
    messages,
    traffic,
    wall,
)
from cluster.bundles import BUNDLE_SECONDS
from cluster.messages import Ended, Outbox, Part, seconds_between_messages

SECONDS = st.floats(0.0, 0.1)
COSTS = st.builds(
    Costs,
    message=SECONDS,
    item=SECONDS,
    trial=SECONDS,
    bundle=SECONDS,
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
    trials=st.integers(1, 4),
    records=st.integers(0, 6),
    eighths=st.integers(1, 400),
)
def test_a_bundle_sends_as_the_pool_has_it(
    slots: int, trials: int, records: int, eighths: int
) -> None:
    """The model's messages are those that the pool's own code makes of the same records."""
    gap, every, now = eighths / 8, seconds_between_messages(slots), [0.0]
    seconds = gap * max(1, records)
    sent = [Message(0.0, 0, 1)]
    with patch.object(time, "monotonic", lambda: now[0]):
        outbox = Outbox(every, lambda _: ("its trial", False))

    def go_on(until: float) -> None:
        while now[0] + outbox.left(now[0]) < until:
            now[0] += outbox.left(now[0])
            send()
        now[0] = until

    def send() -> None:
        if outbox.left(now[0]) == 0.0:
            sent.append(counted(outbox.wait()))

    begun = 0

    def counted(parts: list[Part]) -> Message:
        nonlocal begun
        new = {part.number for part in parts if part.number > begun}
        begun = max([begun, *new])
        items = sum(item != "result" for part in parts for item in part.items)
        return Message(now[0], items, len(new) + sum(part.ended is not None for part in parts))

    with patch.object(time, "monotonic", lambda: now[0]):
        for trial in range(trials):
            outbox.begin(trial)
            for number in range(1, records + 1):
                go_on(trial * seconds + number * gap)
                outbox.put(number)
                send()
            go_on((trial + 1) * seconds)
            outbox.put("result")
            outbox.end(Ended(None, seconds))
            if trial < trials - 1:
                send()
        outbox.close()
        sent.append(counted(outbox.wait()))
    model = messages(trials, seconds, records, every)
    assert [each[1:] for each in model] == [each[1:] for each in sent]
    assert [each.at for each in model] == pytest.approx([each.at for each in sent])


def test_trials_that_do_not_divide_leave_cores_idle() -> None:
    """Five trials on four cores take as long as eight."""
    load = Load(slots=4, trials=5, seconds=2.0, records=1)
    assert efficiency(Costs(), load) == pytest.approx(5 / 8)


@given(costs=COSTS, load=LOADS)
def test_the_wall_time_lies_between_its_bounds(costs: Costs, load: Load) -> None:
    """Neither the driver nor a core does two things at once, and no core waits without a cause."""
    bundles, sent, items = traffic(load, costs)
    assert items <= load.trials * load.records
    writes = WRITES * load.trials
    served = sent * costs.message + items * costs.item + load.trials * costs.trial
    served += bundles * costs.bundle
    committed = costs.commit * (1 if costs.window else writes)
    rounds = math.ceil(load.trials / load.slots)
    alone = load.seconds + costs.latency
    least = max(served + committed, rounds * load.seconds + costs.latency)
    asked = sent * costs.scan * min(load.slots, load.trials)
    most = served + asked + costs.commit * writes + costs.window + (rounds + 1) * alone
    assert least <= wall(costs, load) + 1e-9
    assert wall(costs, load) <= most + 1e-9


@pytest.mark.parametrize(
    ("costs", "each"),
    [
        (Costs(message=1.0), 4 * 1.0),
        (Costs(item=1.0), 2 * 1.0),
        (Costs(trial=2.0), 2.0),
        (Costs(bundle=2.0), 2.0),
        (Costs(commit=3.0), WRITES * 3.0),
        (Costs(scan=0.01, together=False), 4 * 0.01 * 200),
    ],
)
def test_a_saturated_driver_sets_the_pace(costs: Costs, each: float) -> None:
    """With more cores than it can serve, trials end as fast as the driver takes them in.

    They are so long that each is a bundle of its own.
    """
    load = Load(slots=200, trials=2_000, seconds=20.0, records=2)
    assert wall(costs, load) == pytest.approx(load.trials * each, rel=0.06)


def test_bundles_lift_what_a_message_and_a_submission_cost() -> None:
    """Where there are many trials a core, a driver serves more cores than it would one by one."""
    costs = Costs(message=1e-2, bundle=1e-2)
    few, many = (Load(slots=100, trials=n * 100, seconds=0.5, records=2) for n in (3, 300))
    assert efficiency(costs, few) < 0.2
    assert efficiency(costs, many) > 0.6


@pytest.mark.parametrize(
    "term", ["message", "item", "trial", "bundle", "scan", "commit", "latency"]
)
def test_what_costs_more_takes_longer(term: str) -> None:
    """Each of the costs is felt, and the longer it takes the lower is the efficiency."""
    costs = Costs(
        1e-3, item=1e-4, trial=1e-3, bundle=1e-3, scan=1e-5, commit=5e-3, window=0.1, latency=5e-3
    )
    load = Load(slots=50, trials=500, seconds=1.0, records=5)
    dearer = [replace(costs, **{term: f * getattr(costs, term)}) for f in (1, 8, 64)]
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
    costs = Costs(
        1e-3, item=2e-3, trial=4e-3, bundle=6e-3, scan=1e-5, commit=0.02, together=together
    )
    found = limits(costs, seconds=10.0, records=7)
    size = BUNDLE_SECONDS / 10.0
    sent = len(messages(int(size), 10.0, 7, 1.0)) / size
    told = sum(each.items for each in messages(int(size), 10.0, 7, 1.0)) / size
    assert found["messages"] == pytest.approx(10.0 / (sent * 1e-3))
    assert told == 7
    assert found["records"] == pytest.approx(10.0 / (7 * 2e-3))
    assert found["results"] == pytest.approx(10.0 / 4e-3)
    assert found["submissions"] == pytest.approx(size * 10.0 / 6e-3)
    assert found["commits"] == pytest.approx(10.0 / (2 * 0.02))
    cores = found["asking"]
    assert cores / 10.0 * sent * 1e-5 * (1 if together else cores) == pytest.approx(1.0)
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
