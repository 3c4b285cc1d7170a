"""The command `python -m search.store check`: see `search.store.check`."""

from __future__ import annotations

from search.store.check import main

main()
