"""A script that a test runs on its own: many studies in one process, half of them on Ray.

The others run beside them, in a thread of their own. Another thread collects garbage at random
moments, as any that allocates may. Ctrl-C comes at random moments, too, and what it raised is kept,
as a notebook does.

Arguments: a folder; how many studies; a seed.
"""

from __future__ import annotations

import gc
import json
import random
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import reports
from reports.drawing.style import Painted
from reports.write import Report
from search import LambdaSearch, run
from search.records import StudyRecord
from search.space.narrow import Factors

SMALL = LambdaSearch(
    data="digits",
    coarse=(1e-3,),
    fine=Factors((1.0,)),
    epochs=1,
    final_epochs=1,
    lambda_bounds="off",
    replicate_top="off",
    fresh=0,
)
STOPPED = 0.15
"""How many of the studies on Ray Ctrl-C comes to, as a share."""
LONGEST = 6.0
"""Seconds of a study after which it may still come."""


def collect(rng: random.Random) -> None:
    """Collect garbage at random moments, for ever."""
    while True:
        time.sleep(rng.expovariate(10))
        gc.collect()


def stop(*_: object) -> None:
    """Be Ctrl-C."""
    raise KeyboardInterrupt


def no_report(
    record: StudyRecord, *, artists: int = 1, ahead: Mapping[bytes, Painted] | None = None
) -> Report:
    """Draw nothing: that takes seconds, and this is about what is beside it."""
    del artists, ahead
    one = record.folder / "report.md"
    return Report(path=one, html=one, trials=one, history=one, layers=one, findings=one)


def open_files() -> int:
    """Return how many files this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def ended(out: Path, name: str, *, serial: bool) -> str:
    """Run a study, and say what came of it."""
    study = run(SMALL, out=out, name=name, serial=serial, quiet=True)
    return "finished" if study.best else "not finished"


def main(out: Path, studies: int, seed: int) -> None:
    """Run them, and write what came of each, and how many files were open after those on Ray."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    reports.write = no_report
    signal.signal(signal.SIGALRM, stop)
    threading.Thread(target=collect, args=(random.Random(seed),), daemon=True).start()  # noqa: S311
    beside = ThreadPoolExecutor(1)
    kept: deque[BaseException] = deque(maxlen=5)
    on_ray: list[str] = []
    serial: list[str] = []
    opened: list[int] = []
    for number in range(studies // 2):
        other = beside.submit(ended, out, f"serial-{number}", serial=True)
        try:
            if rng.random() < STOPPED:
                signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.0, LONGEST))
            on_ray.append(ended(out, f"ray-{number}", serial=False))
        except KeyboardInterrupt as error:
            kept.append(error)
            on_ray.append("stopped")
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        serial.append(other.result())
        opened.append(open_files())
        found = {"on Ray": on_ray, "serial": serial, "open files": opened}
        (out / "found.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
