"""Where and how a study runs: the settings that change no result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kbn.errors import InputError
from kbn.paths import user_path
from search.settings import values
from search.settings.setting import Settings, setting

MEMORY_PER_TRIAL = 250.0
"""MB of a worker beside the shared arrays, by `benchmarks/memory.py`: CIFAR-10 takes 175 with the
default network, 200 with [500, 500], 256 with [2000]."""


@dataclass(frozen=True, kw_only=True)
class Execution(Settings):
    """Where and how a study runs. Nothing here changes a result."""

    data_dir: Path | None = setting(
        None,
        user_path,
        "Folder of the data set's files (else $KBN_DATA_DIR, the user's cache, a download).",
        "DIR",
    )
    name: str | None = setting(
        None,
        values.file_name,
        "The study's name, its folder under --out  [default: made of driver and data]",
        "NAME",
    )
    out: Path = setting(
        Path("runs"),
        user_path,
        "Folder that holds studies.",
        "DIR",
    )
    address: str | None = setting(
        None,
        values.text,
        "Run on the Ray cluster at HOST:PORT, on the one that this machine belongs to (`auto`), or "
        "on an embedded Ray (`local`)  [default: $RAY_ADDRESS, else local]",
        "ADDRESS",
    )
    serial: bool = setting(
        False, values.boolean, "Run in this process, one task after the other, without Ray."
    )
    max_concurrent: int | None = setting(
        None,
        values.whole(at_least=1),
        "Trials at once, at most  [default: as many as there are cores]",
        "N",
    )
    cpus_per_trial: float = setting(
        1.0,
        values.number(above=0),
        "Cores that Ray sets aside for a trial. A trial uses one BLAS thread in any case, "
        "so that its bytes do not depend on this.",
        "CORES",
    )
    memory_per_trial: float = setting(
        MEMORY_PER_TRIAL,
        values.number(at_least=0),
        "Memory that Ray sets aside for a trial beside the arrays that all trials of a machine "
        "share, in MB; 0 for none.",
        "MB",
    )
    pack: int | str = setting(
        "auto",
        values.whole_or("auto", at_least=1),
        "Trials of equal shape and batches that one task trains together, at most: quicker in all, "
        "later each. `auto`: up to 4 where trials outnumber cores, else 1.",
        "N|auto",
    )
    retries: int = setting(
        1, values.whole(at_least=0), "Further attempts at a trial that raises an error.", "N"
    )
    checkpoint_cycles: int = setting(
        1,
        values.whole(at_least=0),
        "Learning-rate cycles from one checkpoint of a running trial to the next: after a fault it "
        "goes on from the last one, with the same bytes; 0 keeps none.",
        "N",
    )
    trial_timeout: float | None = setting(
        None,
        values.or_off(values.number(above=0)),
        "Longest time between two records of a running trial; past it the attempt is ended and "
        "counts as one that raised. With --serial it can be noticed at the next record only.  "
        "[default: off]",
        "SECONDS|off",
    )
    overwrite: bool = setting(
        False, values.boolean, "Replace a study of the same name, results included."
    )
    dry_run: bool = setting(
        False, values.boolean, "Print the trials, memory and an estimate of time; train nothing."
    )
    quiet: bool = setting(False, values.boolean, "Print errors and the report's path only.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.serial and self.address:
            raise InputError(f"--serial and --address {self.address} exclude each other; drop one")
