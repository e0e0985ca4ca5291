"""Reads of attempts and submissions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.answers.models import Attempt, Submission

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session


def attempts_of(session: Session, *interview_ids: str) -> Sequence[Attempt]:
    """Return the attempts of one or more interviews, in the order of the paper."""
    return session.scalars(
        select(Attempt).where(Attempt.interview_id.in_(interview_ids)).order_by(Attempt.position)
    ).all()


def submissions_of(session: Session, attempt_ids: Iterable[str]) -> dict[str, list[Submission]]:
    """Return the submissions of each attempt, oldest first; attempts without one are absent."""
    found: dict[str, list[Submission]] = {}
    query = (
        select(Submission)
        .where(Submission.attempt_id.in_(list(attempt_ids)))
        .order_by(Submission.number)
    )
    for submission in session.scalars(query):
        found.setdefault(submission.attempt_id, []).append(submission)
    return found
