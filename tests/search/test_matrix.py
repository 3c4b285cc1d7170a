"""One hash over all results: whatever ran them, in whatever order, interrupted or not."""

from __future__ import annotations

import itertools
import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search import Study, digest, run
from search.evidence.digest import LEFT_OUT
from tests.cluster.conftest import head
from tests.search.drivers import NAME, PATIENCE, started
from tests.search.studies import FLAGS, SMALL
from tests.search.test_faults import joining

SHUFFLES = str(Path(__file__).with_name("shuffles.py"))
EXECUTORS = {
    "serial": ["--serial"],
    "1 worker": ["--max-concurrent=1"],
    "2 workers": ["--max-concurrent=2", "--cpus-per-trial=0.5"],
    "4 workers": ["--max-concurrent=4", "--cpus-per-trial=0.25"],
    "two nodes": ["--address=auto"],
}
KILLED_AFTER = 2
EVERYDAY = {("serial", 1, 0), ("2 workers", 1, 0)}
"""Executor, seed of the order, results before the kill."""


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Return the study, run in one go in this process."""
    return run(SMALL, out=tmp_path_factory.mktemp("serial"), serial=True, quiet=True)


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Any]:
    """Yield a cluster of two nodes with one CPU each, and a head with none."""
    with head(cpus=0) as cluster:
        for _ in range(2):
            cluster.add_node(num_cpus=1)
        yield cluster


def reported(folder: Path) -> str:
    """Return the hash that a report prints."""
    text = (folder / "report.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"results' hash\s*\|\s*([0-9a-f]{16})", text)
    return str(found)


def cases() -> Iterator[Any]:
    """Yield the matrix; what is not for every day is slow, and all but serial runs need Ray."""
    for case in itertools.product(EXECUTORS, (0, 1), (0, KILLED_AFTER)):
        marks = [] if case in EVERYDAY else [pytest.mark.slow]
        if case[0] != "serial":
            marks.append(pytest.mark.ray)
        words = case[0], "shuffled" if case[1] else "in order", "killed" if case[2] else "in one go"
        yield pytest.param(*case, marks=marks, id=", ".join(words))


@pytest.mark.parametrize(("executor", "seed", "kill"), [*cases()])
def test_one_hash(
    request: pytest.FixtureRequest,
    serial: Study,
    tmp_path: Path,
    executor: str,
    seed: int,
    kill: int,
) -> None:
    """Serial, one, two and four workers, two nodes; any order; killed and resumed."""
    cluster = request.getfixturevalue("two_nodes") if executor == "two nodes" else None
    environment = joining(cluster) if cluster else {}
    flags: list[str | Path] = [*FLAGS, *EXECUTORS[executor], "--quiet", "--out", tmp_path]
    for number in filter(None, (kill, -1)):
        program = (SHUFFLES, str(seed), str(max(0, number)))
        with started(*flags, program=program, **environment) as driver:
            _, err = driver.communicate(timeout=PATIENCE)
        assert driver.returncode == (-signal.SIGKILL if number > 0 else 0), err
    assert reported(tmp_path / NAME) == digest(serial)


def test_the_hash_is_of_the_results_alone(serial: Study) -> None:
    """Times, hosts and single images' losses, which older studies lack, leave it as it is.

    A figure's last bit, an epoch or another array changes it.
    """
    record = serial.record
    trial = record.trials[0]
    result = trial.result
    assert result is not None
    assert result.validation is not None

    def changed(**what: Any) -> str:
        return digest(replace(record, trials=(replace(trial, **what), *record.trials[1:])))

    elsewhere = replace(result.environment, host="elsewhere")
    assert changed(result=replace(result, seconds=9.0, environment=elsewhere)) == digest(serial)
    assert changed(attempts=()) == digest(serial)
    assert digest(replace(record, trials=record.trials[::-1])) == digest(record)
    losses = {name: np.ones(3, np.float16) for name in LEFT_OUT}
    assert changed(result=replace(result, arrays={**result.arrays, **losses})) == digest(serial)
    last_bit = replace(result.validation, loss=result.validation.loss * (1 + 2**-52))
    other_arrays = {name: array ^ 1 for name, array in result.arrays.items()}
    others = {
        changed(result=replace(result, validation=last_bit)),
        changed(result=replace(result, arrays=other_arrays)),
        changed(history=trial.history[:-1]),
        changed(result=None),
        digest(serial),
    }
    assert len(others) == 5
