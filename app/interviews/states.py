"""The states of an interview: derived from stored facts, with one table of what each allows."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime


class InterviewState(StrEnum):
    """Where an interview stands."""

    SCHEDULED = "scheduled"
    RUNNING = "running"
    FINISHED = "finished"
    REVIEWED = "reviewed"


class InterviewAction(StrEnum):
    """What somebody may want to do to an interview."""

    START = "start"
    ANSWER = "answer"
    FINISH = "finish"
    REVIEW = "review"


ALLOWED: dict[InterviewState, frozenset[InterviewAction]] = {
    InterviewState.SCHEDULED: frozenset({InterviewAction.START}),
    InterviewState.RUNNING: frozenset({InterviewAction.ANSWER, InterviewAction.FINISH}),
    InterviewState.FINISHED: frozenset({InterviewAction.REVIEW}),
    InterviewState.REVIEWED: frozenset({InterviewAction.REVIEW}),
}


class InterviewFacts(Protocol):
    """The facts that a state is derived from."""

    @property
    def started_at(self) -> datetime | None:
        """When the clock began."""

    @property
    def finished_at(self) -> datetime | None:
        """When the interview ended."""

    @property
    def reviewed_at(self) -> datetime | None:
        """When a mentor's scores were published."""


def state_of(facts: InterviewFacts) -> InterviewState:
    """Derive the state."""
    if facts.reviewed_at is not None:
        return InterviewState.REVIEWED
    if facts.finished_at is not None:
        return InterviewState.FINISHED
    return InterviewState.RUNNING if facts.started_at is not None else InterviewState.SCHEDULED


def allows(state: InterviewState, action: InterviewAction) -> bool:
    """Tell whether `action` is possible in `state`."""
    return action in ALLOWED[state]
