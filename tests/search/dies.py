"""A driver that kills itself at a moment of a result's commit: `python dies.py MOMENT N FLAG…`.

MOMENT of the N-th result is `before` its commit, `during` it, when its rows are written but not
committed, or right `after` it.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from typing import Any, NoReturn

from search.experiments.lambda_coarse_fine import LambdaSearch
from search.store import schema, store
from search.store.sealed import Sealed
from search.study.command import main


def die() -> NoReturn:
    """End as by `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def dying(moment: str, number: int) -> None:
    """Have the store's commits kill this process."""
    commit, insert, commits = store.Store.commit, schema.insert, [0]

    def commit_and_die(self: store.Store, sealed: Sealed) -> None:
        commits[0] += 1
        now = commits[0] == number
        if now:
            self.flush()  # those before it
        if now and moment == "before":
            die()
        commit(self, sealed)
        if now and moment == "after":
            self.flush()
            die()

    def insert_and_die(
        db: sqlite3.Connection, table: str, rows: Any, *, otherwise: str = "ABORT"
    ) -> int:
        now = commits[0] == number and moment == "during"
        if now and table == "results":
            db.execute("PRAGMA cache_size = 1")  # pages go to the file before the commit
        inserted = insert(db, table, rows, otherwise=otherwise)
        if now and table == "arrays":
            die()
        return inserted

    store.Store.commit = commit_and_die  # type: ignore[method-assign] # that is the point
    schema.insert = insert_and_die


if __name__ == "__main__":
    dying(sys.argv[1], int(sys.argv[2]))
    main(LambdaSearch, sys.argv[3:])
