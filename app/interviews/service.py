"""Changes to interviews: begin, record, finish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from app.interviews.models import Event, Interview
from app.interviews.queries import interview_for_update, last_event
from app.interviews.states import InterviewAction, InterviewState, allows, state_of
from app.interviews.timing import deadline
from app.interviews.transcript import GENESIS, chain_hash
from app.kit.errors import ConflictError
from app.kit.i18n import message

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.questions.schema import Paper

FinishedBy = Literal["candidate", "time"]


class InterviewOverError(ConflictError):
    """The interview has ended."""

    code = "interview_over"

    def __init__(self) -> None:
        super().__init__(message("This interview is over."))


def begin(session: Session, *, candidate_id: int, paper: Paper, now: datetime) -> Interview:
    """Start an interview: from now on its clock runs."""
    interview = Interview(
        candidate_id=candidate_id,
        paper=paper.model_dump(mode="json"),
        started_at=now,
        deadline_at=deadline(now, paper.minutes),
    )
    session.add(interview)
    session.flush()
    record(session, interview.id, "interview:started", {"minutes": paper.minutes}, now=now)
    return interview


def require(interview: Interview, action: InterviewAction) -> None:
    """Raise unless the interview's state allows `action`."""
    state = state_of(interview)
    if allows(state, action):
        return
    if state in {InterviewState.FINISHED, InterviewState.REVIEWED}:
        raise InterviewOverError
    raise ConflictError(message("This interview is not finished yet."))


def finish(session: Session, interview: Interview, by: FinishedBy, *, now: datetime) -> None:
    """End an interview. When the time ended it, it ended at its deadline, not when we noticed."""
    require(interview, InterviewAction.FINISH)
    interview.finished_at = interview.deadline_at if by == "time" else now
    interview.finished_by = by
    record(session, interview.id, "interview:finished", {"by": by}, now=now)


def record(
    session: Session, interview_id: str, action: str, data: dict[str, Any], *, now: datetime
) -> Event:
    """Append an event to the transcript; the interview's row lock keeps the chain single."""
    interview_for_update(session, interview_id)
    last = last_event(session, interview_id)
    sequence, previous = (last.sequence + 1, last.hash) if last else (1, GENESIS)
    hashed = chain_hash(
        previous, interview_id=interview_id, sequence=sequence, at=now, action=action, data=data
    )
    event = Event(
        interview_id=interview_id,
        sequence=sequence,
        at=now,
        action=action,
        data=data,
        previous_hash=previous,
        hash=hashed,
    )
    session.add(event)
    session.flush()
    return event
