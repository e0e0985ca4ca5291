"""Reads of suggestions, reviews and mentor scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.scoring.models import MentorScore, Review, Suggestion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy.orm import Session

ScoreKey = tuple[str, str]  # attempt id, criterion id


def suggestions_of(session: Session, attempt_ids: Iterable[str]) -> dict[ScoreKey, Suggestion]:
    """Return the machine's suggestions for these attempts."""
    query = select(Suggestion).where(Suggestion.attempt_id.in_(list(attempt_ids)))
    return {(row.attempt_id, row.criterion_id): row for row in session.scalars(query)}


def reviews_of(session: Session, interview_ids: Iterable[str]) -> dict[str, Review]:
    """Return the reviews of these interviews, published or not."""
    query = select(Review).where(Review.interview_id.in_(list(interview_ids)))
    return {review.interview_id: review for review in session.scalars(query)}


def scores_of(session: Session, review_ids: Iterable[int]) -> dict[ScoreKey, MentorScore]:
    """Return the mentors' scores in these reviews."""
    query = select(MentorScore).where(MentorScore.review_id.in_(list(review_ids)))
    return {(row.attempt_id, row.criterion_id): row for row in session.scalars(query)}
