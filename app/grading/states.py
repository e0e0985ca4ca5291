"""The state of a grading job, derived from its facts: about the machine, never the program."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class JobState(StrEnum):
    """Where the work stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class JobFacts(Protocol):
    """The facts that a state is derived from."""

    @property
    def claim(self) -> str | None:
        """Who is working on it."""

    @property
    def judged_at(self) -> datetime | None:
        """When it got its verdict."""

    @property
    def failed_at(self) -> datetime | None:
        """When it was given up."""


def state_of(job: JobFacts) -> JobState:
    """Derive the state."""
    if job.judged_at is not None:
        return JobState.DONE
    if job.failed_at is not None:
        return JobState.FAILED
    return JobState.QUEUED if job.claim is None else JobState.RUNNING
