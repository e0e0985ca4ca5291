"""Start an interview on a paper, or practise a single question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.accounts.queries import user_for_update
from app.answers.models import Attempt
from app.interviews.queries import interviews_of
from app.interviews.service import begin
from app.interviews.states import InterviewState, state_of
from app.kit.errors import NotFoundError
from app.kit.i18n import message
from app.questions.queries import document_of, live_versions, offered_paper
from app.questions.service import practice_paper

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.interviews.models import Interview
    from app.questions.models import QuestionVersion
    from app.questions.schema import Paper


def start_interview(
    session: Session, *, candidate_id: int, paper_id: str, now: datetime
) -> Interview:
    """Start the clock on a paper, or return the interview on it that is running already."""
    paper = offered_paper(session, paper_id)
    if paper is None:
        raise NotFoundError(message("This paper is not on offer."))
    return _begin(session, candidate_id, paper, live_versions(session), now)


def start_practice(
    session: Session, *, candidate_id: int, question_id: str, now: datetime
) -> Interview:
    """Open a single question without a clock."""
    live = live_versions(session)
    if question_id not in live:
        raise NotFoundError(message("This question is not on offer."))
    paper = practice_paper(document_of(live[question_id]))
    return _begin(session, candidate_id, paper, live, now)


def running_on(session: Session, candidate_id: int, paper_id: str) -> Interview | None:
    """Return the candidate's running interview on this paper."""
    for interview in interviews_of(session, candidate_id):
        if state_of(interview) == InterviewState.RUNNING and interview.paper["id"] == paper_id:
            return interview
    return None


def _begin(
    session: Session,
    candidate_id: int,
    paper: Paper,
    live: dict[str, QuestionVersion],
    now: datetime,
) -> Interview:
    user_for_update(session, candidate_id)  # of two starts at once, the second finds the first
    running = running_on(session, candidate_id, paper.id)
    if running is not None:
        return running
    interview = begin(session, candidate_id=candidate_id, paper=paper, now=now)
    for position, item in enumerate(paper.items, start=1):
        version = live[item.question]
        attempt = Attempt(
            interview_id=interview.id,
            position=position,
            minutes=item.minutes,
            question_version_id=version.id,
            draft=version.document.get("starter", ""),
        )
        session.add(attempt)
    session.flush()
    return interview
