"""The service, studies over HTTP: `python -m search.serve`."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec

import click

NEEDED = ("fastapi", "uvicorn", "multipart", "prometheus_client")
"""What it needs beside the rest of this project."""
BAD_INPUT = 2


def main() -> None:
    """Run the service, or say in a line how to install what it needs."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        click.echo(
            f"error: the service needs {', '.join(missing)}; install it with "
            "`pip install 'kbn-search[service]'`",
            err=True,
        )
        sys.exit(BAD_INPUT)
    import_module("search.service.server").main()


if __name__ == "__main__":
    main()
