"""A check: what was held against a study's store, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from kbn.blas import blas_threads
from search.records import Environment, StudyRecord
from search.training.environment import environment
from search.training.problem import Problem
from search.training.trainer import BLAS_THREADS


class Verdict(StrEnum):
    """What came of a check."""

    SAME = "same"
    DIFFERS = "differs"
    ELSEWHERE = "elsewhere"
    """It differs as another CPU or BLAS lets it, and was computed on another one."""
    UNCHECKED = "unchecked"


@dataclass(frozen=True)
class Check:
    """One thing that was held against the store."""

    what: str
    verdict: Verdict
    said: str

    def __str__(self) -> str:
        return f"{self.verdict:9}  {self.what}: {self.said}"


@dataclass(frozen=True)
class Examined:
    """A study under examination."""

    record: StudyRecord
    """Its folder holds the files that are examined."""
    problem: Problem | None
    """Its data; None where they are not at hand."""

    @cached_property
    def here(self) -> Environment:
        """Where a trial would run here."""
        with blas_threads(BLAS_THREADS):
            return environment()

    @cached_property
    def elsewhere(self) -> bool:
        """Whether its trials ran where floating point may differ from here in the last bits."""
        results = [each.result for each in self.record.trials if each.result]
        return not any(result.environment.computes_as(self.here) for result in results)

    def judged(self, what: str, *, same: bool, said: str, otherwise: str) -> Check:
        """Return the check of something that another CPU or BLAS may have computed."""
        if same:
            return Check(what, Verdict.SAME, said)
        return Check(what, Verdict.ELSEWHERE if self.elsewhere else Verdict.DIFFERS, otherwise)
