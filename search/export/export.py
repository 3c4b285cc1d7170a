"""From a study to another tool, by the tool's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from kbn.errors import InputError, WriteError, one_line
from search.export import to_csv, to_mlflow, to_optuna, to_tensorboard
from search.records import StudyRecord

TARGETS: Mapping[str, tuple[Callable[[StudyRecord, Path], None], str]] = {
    "optuna": (to_optuna.to_optuna, to_optuna.DEFAULT),
    "mlflow": (to_mlflow.to_mlflow, to_mlflow.DEFAULT),
    "tensorboard": (to_tensorboard.to_tensorboard, to_tensorboard.DEFAULT),
    "csv": (to_csv.to_csv, to_csv.DEFAULT),
}
"""How a study is written for each tool, and the name of what is written."""
STORES = ("sqlalchemy", "optuna", "mlflow", "alembic")
"""Whose errors say that a file is no store of theirs, or cannot be written."""
FOLDER = "export"
"""In the study's own folder: where that goes unless another place is named."""


def export(record: StudyRecord, to: str, out: Path | None = None) -> Path:
    """Write a study for another tool; return where it is.

    Parameters
    ----------
    record
        The study, finished or not.
    to
        A name of `TARGETS`.
    out
        The file or folder to write; a store of Optuna's or MLflow's that is there is added to.

    Raises
    ------
    InputError
        When the tool is not known or not installed, or what is named holds the study already.
    WriteError
        When the place cannot be written to.
    """
    if to not in TARGETS:
        raise InputError(f"--to {to}: choose one of {', '.join(TARGETS)}")
    write, name = TARGETS[to]
    path = out or record.folder / FOLDER / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(record, path)
    except (InputError, WriteError):
        raise
    except OSError as error:
        raise WriteError(path, error) from error
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in STORES:
            raise
        raise InputError(
            f"{path} cannot be added to ({one_line(error)}); name another file with --into"
        ) from error
    return path
