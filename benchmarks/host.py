"""The machine that something is measured on, and how quiet it is."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from benchmarks.blocks import QUIET, Turn, noise, quartiles

IDLE_SECONDS = 2.0
"""How long others are watched before and after a measurement, while it does nothing itself."""
OTHERS = 0.10
"""Share of the cores that others may take then on a quiet host."""
STOLEN = 0.02
"""Share that the machine's own host may take meanwhile."""
RULE = f"""A host is called noisy where others took more than {OTHERS:.0%} of its cores in the
{IDLE_SECONDS:g} s before or after a measurement, where more than {STOLEN:.0%} were stolen by its
host meanwhile, or where a quartile of "ours again / ours", a ratio that means nothing,
lies more than {QUIET} from 1."""
LIBRARIES = (
    *("numpy", "scipy", "scikit-learn", "torch", "ray", "optuna", "joblib", "distributed"),
)


@contextmanager
def watched() -> Iterator[dict[str, Any]]:
    """Yield what is known of the host, complete once the measurement is over."""
    host: dict[str, Any] = {
        "when": datetime.now(UTC).date().isoformat(),
        "commit": commit(),
        "machine": machine(),
        "others": [_others()],
    }
    before, start = _ticks(), time.perf_counter()
    yield host
    seconds = time.perf_counter() - start
    after = _ticks()
    host["stolen"] = _share(before, after, ("steal",))
    host["minutes"] = seconds / 60
    host["others"].append(_others())


def noisy(host: Mapping[str, Any], twin: np.ndarray) -> bool:
    """Say whether a host was noisy, by `RULE`, from what is known of it and the twin's ratios."""
    return (
        max(host["others"]) > OTHERS
        or host["stolen"] > STOLEN
        or bool(twin.size and np.any(np.abs(np.percentile(twin, (25, 75)) - 1) > QUIET))
    )


def state(host: Mapping[str, Any], turns: Sequence[Turn], figure: str) -> str:
    """Say where and when something was measured, what its noise is, and whether that is much."""
    twin = noise(turns, figure)
    others = " and ".join(f"{share:.0%}" for share in host["others"])
    return (
        f"{'**Noisy host**' if noisy(host, twin) else 'Quiet host'}: ours again / ours "
        f"{quartiles(twin, '.2f')}; others took {others} of its cores before and after, "
        f"{host['stolen']:.1%} were stolen.\n{made(host)}"
    )


def made(host: Mapping[str, Any]) -> str:
    """Say when, of what and on what something was made."""
    return (
        f"Made {host['when']} at commit {host['commit']}, in {host['minutes']:.1f} minutes: "
        f"{host['machine']}."
    )


def absent(missing: Mapping[str, str]) -> str:
    """Say who is absent from a table, and why; no figure of an earlier run stands for them."""
    names: dict[str, list[str]] = {}
    for name, reason in missing.items():
        names.setdefault(reason, []).append(name)
    return "".join(f"\nAbsent: {', '.join(who)} ({why}).\n" for why, who in names.items())


def machine() -> str:
    """Return the processor, and the versions of what computes."""
    found = {each.metadata["Name"].lower(): each.version for each in metadata.distributions()}
    versions = [f"{name} {found[name]}" for name in LIBRARIES if name in found]
    pools = {
        f"{pool['internal_api']} {pool['version']} ({pool.get('architecture', '')})"
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    }
    cores = f"{os.cpu_count()} × {processor()}"
    return ", ".join((cores, f"Python {platform.python_version()}", *versions, *sorted(pools)))


def processor() -> str:
    """Return the processor's name."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def commit() -> str:
    """Return the commit that is measured; marked where the code differs from it."""
    command = ("git", "describe", "--always", "--exclude=*")
    changed = ("git", "status", "--porcelain", "*.py")
    found, changes = (
        subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - constants
        for words in (command, changed)
    )
    return (f"{found} with changes" if changes else found) or "unknown"


def _others() -> float:
    """Return the share of the cores that is taken while this process waits."""
    before = _ticks()
    time.sleep(IDLE_SECONDS)
    return _share(before, _ticks(), ("user", "nice", "system", "irq", "softirq", "steal"))


def _ticks() -> dict[str, int]:
    """Return the ticks of all cores so far by what they did; nothing where there is no /proc."""
    path = Path("/proc/stat")
    if not path.exists():
        return {}
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
    first = path.read_text(encoding="utf-8").splitlines()[0].split()
    return dict(zip(names, map(int, first[1:]), strict=False))


def _share(before: Mapping[str, int], after: Mapping[str, int], what: Sequence[str]) -> float:
    taken = {name: after[name] - before[name] for name in before}
    return sum(taken.get(name, 0) for name in what) / max(1, sum(taken.values()))
