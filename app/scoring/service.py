"""Changes to reviews and mentor scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.scoring.models import MentorScore, Review

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.questions.schema import Criterion


def open_review(session: Session, interview_id: str, *, mentor_id: int, now: datetime) -> Review:
    """Return the interview's review, begun if there is none; it belongs to who saved it last."""
    review = session.scalar(
        select(Review).where(Review.interview_id == interview_id).with_for_update()
    )
    if review is None:
        review = Review(interview_id=interview_id, mentor_id=mentor_id, saved_at=now)
        session.add(review)
    review.mentor_id, review.saved_at = mentor_id, now
    session.flush()
    return review


def set_score(
    session: Session,
    review: Review,
    *,
    attempt_id: str,
    criterion: Criterion,
    points: float | None,
    wording: dict[str, str] | None,
    comment: str,
) -> None:
    """Set the level of one criterion; it keeps its own copy of points and wording."""
    score = session.scalar(
        select(MentorScore).where(
            MentorScore.review_id == review.id,
            MentorScore.attempt_id == attempt_id,
            MentorScore.criterion_id == criterion.id,
        )
    )
    if score is None:
        score = MentorScore(
            review_id=review.id,
            attempt_id=attempt_id,
            criterion_id=criterion.id,
            max_points=criterion.points,
        )
        session.add(score)
    score.points, score.wording, score.comment = points, wording, comment
    session.flush()


def publish_review(review: Review, *, now: datetime) -> None:
    """Make the review visible to its candidate."""
    review.published_at = now
