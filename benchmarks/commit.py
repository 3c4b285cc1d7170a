"""What a durable commit costs: a result's commit under SQLite's ways to keep a journal.

    python -m benchmarks.commit [FOLDER] [ROUNDS]

Prints the median and quartiles of each, measured in turns on the folder's disk.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.made_up import epoch, result, trial
from search.store.sealed import seal
from search.store.store import Store

MODES = (
    ("DELETE", "EXTRA"),  # the store's own
    ("DELETE", "FULL"),
    ("WAL", "FULL"),
    ("WAL", "NORMAL"),  # may lose the last commits with the power
)


def main(folder: Path, rounds: int) -> None:
    """Commit results of 20 epochs to one store a mode, in turns."""
    history = [epoch(number) for number in range(1, 21)]
    with tempfile.TemporaryDirectory(dir=folder) as place:
        stores = {mode: Store(Path(place) / f"{'-'.join(mode)}.db") for mode in MODES}
        for (journal, synchronous), store in stores.items():
            database = store._db  # noqa: SLF001 - its settings are what is compared
            database.execute(f"PRAGMA journal_mode = {journal}")
            database.execute(f"PRAGMA synchronous = {synchronous}")
        seconds: dict[tuple[str, str], list[float]] = {mode: [] for mode in MODES}
        for number in range(rounds):
            one = trial(seed=number)
            sealed = seal(result(one, 0.5), history)
            for mode, store in stores.items():
                store.add_trials([one])
                start = time.perf_counter()
                store.commit(sealed)
                seconds[mode].append(time.perf_counter() - start)
        for store in stores.values():
            store.close()
    for mode, values in seconds.items():
        low, median, high = (1e3 * value for value in statistics.quantiles(values, n=4))
        print(f"{' '.join(mode):13} {median:6.1f} ms (quartiles {low:.1f} to {high:.1f})")


if __name__ == "__main__":
    main(
        Path(sys.argv[1] if len(sys.argv) > 1 else "."),
        int(sys.argv[2]) if len(sys.argv) > 2 else 50,
    )
