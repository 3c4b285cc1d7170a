"""Memory of a worker while it trains, beside the arrays that all workers of a node share.

    python benchmarks/memory.py --data cifar10

prints, for some networks, the peak of what belongs to the worker alone: `RssAnon` (what it
allocated) and `RssFile` (libraries, which workers of a node share in truth), sampled every 2 ms.
The default of `--memory-per-trial` is taken from this, rounded up.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import click

from cluster import Event, Kind, RayPool
from search.experiments.lambda_coarse_fine import LambdaSearch
from search.settings.execution import MEMORY_PER_TRIAL
from search.training.problem import prepare
from search.training.trainer import Shared, train_trial
from search.trial import Trial

SAMPLE_SECONDS = 0.002
FIELDS = ("RssAnon", "RssFile", "RssShmem")
NETWORKS = ((50, 50), (50, 30, 20, 20, 10, 10, 10, 10), (500, 500), (2000,))


def resident() -> dict[str, float]:
    """Return this process's resident memory by kind, in MB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    words = dict(line.split(":", 1) for line in lines)
    return {field: int(words[field].split()[0]) / 1000 * 1.024 for field in FIELDS}


def measured(shared: Shared, trial: Trial) -> Iterator[dict[str, float]]:
    """Train a trial; yield the peak of each kind of memory, in MB."""
    peak, done = resident(), threading.Event()

    def sample() -> None:
        while not done.wait(SAMPLE_SECONDS):
            for field, megabytes in resident().items():
                peak[field] = max(peak[field], megabytes)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        for _ in train_trial(shared, trial):
            pass
    finally:
        done.set()
        sampler.join()
    yield peak


@click.command()
@click.option("--data", default="cifar10")
@click.option("--data-dir", type=click.Path(path_type=Path))
@click.option("--batch-size", default=100)
def main(data: str, data_dir: Path | None, batch_size: int) -> None:
    """Train one epoch of each network in a worker of its own and print its peaks."""
    print(f"{'hidden':>28}  batch " + "".join(f"{field:>10}" for field in FIELDS) + "   alone")
    for hidden in NETWORKS:
        spec = LambdaSearch(data=data, hidden=hidden, batch_size=batch_size, epochs=1)
        problem = prepare(spec, data_dir=data_dir, say=print)
        with RayPool(measured, problem.shared, max_concurrent=1, retries=0) as pool:
            pool.submit("trial", problem.base)
            events: list[Event] = []
            while not any(event.kind in (Kind.DONE, Kind.FAILED) for event in events):
                events += pool.poll(1.0)
        (value,) = [event.value for event in events if event.kind is Kind.ITEM]
        words = ",".join(str(width) for width in hidden)
        columns = "".join(f"{value[field]:10.0f}" for field in FIELDS)
        print(f"{words:>28}{batch_size:7}{columns}{value['RssAnon'] + value['RssFile']:8.0f}")
    print(f"default of --memory-per-trial: {MEMORY_PER_TRIAL:.0f} MB")


if __name__ == "__main__":
    main()
