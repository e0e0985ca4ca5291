"""Finish an interview, by hand or because the time is up: every last draft is handed in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app.answers.queries import attempts_of, submissions_of
from app.db.session import after_commit
from app.grading.leases import Use
from app.grading.notifications import ENDED
from app.interviews.models import Interview
from app.interviews.queries import interview_for_update, overdue_ids
from app.interviews.service import finish
from app.interviews.states import InterviewState, state_of
from app.interviews.timing import is_closed, is_over
from app.workflows.submit_answer import promote_draft

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.interviews.service import FinishedBy
    from app.workflows.runtime import Runtime


def finish_interview(session: Session, runtime: Runtime, interview: Interview) -> None:
    """End a running interview: by the candidate, or by the time where that is up."""
    interview = interview_for_update(session, interview.id)
    over = is_over(interview.deadline_at, runtime.clock.now())
    _end(session, runtime, interview, "time" if over else "candidate")


def is_overdue(interview: Interview, now: datetime) -> bool:
    """Tell whether time and grace ran out while nobody looked."""
    running = state_of(interview) == InterviewState.RUNNING
    return running and is_closed(interview.deadline_at, now)


def finish_if_overdue(session: Session, runtime: Runtime, interview: Interview) -> None:
    """End an interview whose time and grace ran out."""
    if is_overdue(interview, runtime.clock.now()):
        _end(session, runtime, interview_for_update(session, interview.id), "time")


def overdue_interviews(runtime: Runtime) -> Sequence[str]:
    """Return the ids of interviews that ran out while nobody looked."""
    with runtime.database.transaction(read_only=True) as session:
        return overdue_ids(session, runtime.clock.now())


def finish_overdue_interview(interview_id: str, runtime: Runtime) -> None:
    """End one of them, in a transaction of its own."""
    with runtime.database.transaction() as session:
        finish_if_overdue(session, runtime, session.get_one(Interview, interview_id))


def _end(session: Session, runtime: Runtime, interview: Interview, by: FinishedBy) -> None:
    if state_of(interview) != InterviewState.RUNNING:
        return
    attempts = attempts_of(session, interview.id)
    submissions = submissions_of(session, [attempt.id for attempt in attempts])
    for attempt in attempts:
        earlier = submissions.get(attempt.id)
        promote_draft(session, runtime, interview, attempt, earlier[-1] if earlier else None)
    finish(session, interview, by, now=runtime.clock.now())
    after_commit(session, partial(runtime.notifier.publish, interview.id, ENDED))
    if runtime.machinery.pool is not None:
        for owner in (use.of(interview.id) for use in Use):
            after_commit(session, partial(runtime.machinery.pool.end, owner))
