"""What has to be the same wherever a study's trials run, and this project's version."""

from __future__ import annotations

import functools
import hashlib
import platform
import tomllib
from importlib import metadata
from pathlib import Path

import numpy as np
import scipy

import kbn

PACKAGE = Path(__file__).resolve().parent.parent
CODE = (Path(kbn.__file__).resolve().parent, PACKAGE)
"""Packages whose code decides a result; on a cluster's workers they lie in different folders."""


def project_version() -> str:
    """Return this project's version, also where its code was sent without being installed."""
    try:
        return metadata.version("kbn-search")
    except metadata.PackageNotFoundError:
        pass
    try:
        table = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    except OSError:
        return "unknown"
    return str(table["project"]["version"])


@functools.cache
def code_digest() -> str:
    """Return eight hexadecimal digits of a hash over the code that decides a result."""
    digest = hashlib.sha256()
    for package in CODE:
        for path in sorted(package.rglob("*.py")):
            digest.update(path.relative_to(package.parent).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def versions() -> dict[str, str]:
    """Return what a cluster's nodes have to agree on: Python, Ray, NumPy, SciPy and our code.

    SciPy's BLAS, another library than NumPy's, updates the weights. Python counts up to its minor
    version. Our own code is named by a hash, which tells two states of one version apart.
    """
    return {
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "Ray": metadata.version("ray"),
        "NumPy": np.__version__,
        "SciPy": scipy.__version__,
        "the code of kbn and search": code_digest(),
    }
