"""Papers, questions, interviews and reviews as they stand in lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.accounts.queries import users_by_id
from app.interviews.queries import finished_interviews, interviews_of
from app.interviews.states import state_of
from app.questions.queries import document_of, live_versions, offered_papers
from app.questions.schema import Paper
from app.web.views import InterviewCard, PaperCard, QuestionCard, ReviewCard
from app.workflows.gather_scores import gather_scores

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def paper_cards(session: Session) -> list[PaperCard]:
    """Return the papers on offer."""
    return [
        PaperCard(
            paper.id, str(paper.title), str(paper.description), paper.minutes, len(paper.items)
        )
        for paper in offered_papers(session)
    ]


def question_cards(session: Session) -> list[QuestionCard]:
    """Return the live questions."""
    questions = (document_of(version) for version in live_versions(session).values())
    return [
        QuestionCard(one.id, str(one.title), one.kind, one.topics, one.difficulty, one.minutes)
        for one in questions
    ]


def interview_cards(session: Session, candidate_id: int) -> list[InterviewCard]:
    """Return a candidate's interviews, newest first."""
    scores = gather_scores(session, interviews_of(session, candidate_id), private_reviews=False)
    return [
        InterviewCard(
            id=score.interview.id,
            title=title_of(score.interview.paper),
            state=state_of(score.interview).value,
            started_at=score.interview.started_at,
            finished_at=score.interview.finished_at,
            score=score.points if score.interview.finished_at else None,
            max_score=score.max_points,
            score_is_published=score.review is not None,
        )
        for score in scores
        if score.interview.started_at is not None
    ]


def review_cards(session: Session, mentor_id: int) -> list[ReviewCard]:
    """Return the finished interviews of others, the longest waiting first."""
    interviews = [one for one in finished_interviews(session) if one.candidate_id != mentor_id]
    people = users_by_id(session, {interview.candidate_id for interview in interviews})
    return [
        ReviewCard(
            interview_id=score.interview.id,
            title=title_of(score.interview.paper),
            candidate=people[score.interview.candidate_id].display_name,
            finished_at=score.interview.finished_at,
            suggested=score.points,
            max_points=score.max_points,
            needs_mentor=score.needs_mentor,
            state=state_of(score.interview).value,
            published_at=score.review.published_at if score.review else None,
        )
        for score in gather_scores(session, interviews, private_reviews=True)
        if score.interview.finished_at is not None
    ]


def title_of(paper: dict[str, object]) -> str:
    """Return the title of an interview's own copy of its paper."""
    return str(Paper.model_validate(paper).title)
