"""Tables of scoring: the machine's suggestions, mentors' reviews and scores."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Suggestion(Base):
    """The machine's points for one criterion of one attempt, with why.

    `points` is None where only a mentor can tell. `evidence` holds [start, end] pairs in the
    submission's text.
    """

    __tablename__ = "suggestions"
    __table_args__ = (UniqueConstraint("attempt_id", "criterion_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id"))
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    criterion_id: Mapped[str] = mapped_column(String(60))
    points: Mapped[float | None]
    max_points: Mapped[float]
    confidence: Mapped[str] = mapped_column(String(16))
    evidence: Mapped[list[Any]]
    mistakes: Mapped[list[Any]]
    flags: Mapped[list[Any]]


class Review(Base):
    """A mentor's work on one interview; private until it is published."""

    __tablename__ = "reviews"

    id: Mapped[int] = mapped_column(primary_key=True)
    interview_id: Mapped[str] = mapped_column(ForeignKey("interviews.id"), unique=True)
    mentor_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    summary: Mapped[str] = mapped_column(Text, default="")
    saved_at: Mapped[datetime]
    published_at: Mapped[datetime | None]


class MentorScore(Base):
    """The mentor's level for one criterion, with its own copy of points and wording."""

    __tablename__ = "mentor_scores"
    __table_args__ = (UniqueConstraint("review_id", "attempt_id", "criterion_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("reviews.id"))
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id"))
    criterion_id: Mapped[str] = mapped_column(String(60))
    points: Mapped[float | None]
    max_points: Mapped[float]
    wording: Mapped[dict[str, Any] | None]
    comment: Mapped[str] = mapped_column(Text, default="")
