"""The command `python -m search.study report`: see `search.study.report`."""

from __future__ import annotations

from search.study.report import main

if __name__ == "__main__":
    main()
