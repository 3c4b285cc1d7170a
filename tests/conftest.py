"""What all tests share: annotations are run, and where real images are found."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.somebody import open_folder

# Shapes and types in signatures are checked at every call; an int may stand for a float, as it
# may for a type checker. It has to come before the first import of the package.
# `kbn.train` and `kbn.train_pack` are left out: their protocol cannot be checked while a program
# runs.
CHECKED = ("data", "initialise", "layers", "network", "pack", "schedule", "step", "workspace")
install_import_hook(
    [f"kbn.{part}" for part in CHECKED],
    "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))",
)

# How long an example takes is the machine's affair: speed lives in benchmarks.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

# In the background of a script Ctrl-C is ignored; the drivers that tests stop would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def open_path() -> Iterator[Path]:
    """Return a temporary folder for what is another user's."""
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser; its loop of events is gone before another module's tests run."""
    with chromium() as running:
        yield running


SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Where a script that unpacks real images may lie, beside the repository."""


@pytest.fixture(scope="session")
def cifar_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds CIFAR-10 in its binary layout; skip where there is none."""
    given = os.environ.get("KBN_DATA_DIR")
    if given:
        folder = Path(given).expanduser()
        if not any(folder.glob("**/data_batch_1.bin")):
            pytest.skip(f"$KBN_DATA_DIR {folder} holds no CIFAR-10 in the binary layout")
        return folder
    script = SHARED / "unpack_cifar10.py"
    if not script.exists():
        pytest.skip(f"no CIFAR-10: $KBN_DATA_DIR is not set and {script} does not exist")
    folder = tmp_path_factory.mktemp("cifar10")
    subprocess.run([sys.executable, script, folder], check=True, stdout=subprocess.DEVNULL)
    return folder
