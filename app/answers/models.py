"""Tables of attempts and submissions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import PUBLIC_ID, Base, new_public_id


class Attempt(Base):
    """One question version inside one interview, with the draft of its answer.

    `draft_sequence` counts the candidate's saves; 0 means that nothing was typed.
    """

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("interview_id", "position"),)

    id: Mapped[str] = mapped_column(PUBLIC_ID, primary_key=True, default=new_public_id)
    interview_id: Mapped[str] = mapped_column(ForeignKey("interviews.id"))
    position: Mapped[int]
    minutes: Mapped[int]
    question_version_id: Mapped[int] = mapped_column(ForeignKey("question_versions.id"))
    draft: Mapped[str] = mapped_column(Text, default="")
    draft_sequence: Mapped[int] = mapped_column(default=0)
    draft_saved_at: Mapped[datetime | None]


class Submission(Base):
    """Text handed in, immutable. `automatic` marks a draft that was promoted at the end."""

    __tablename__ = "submissions"
    __table_args__ = (UniqueConstraint("attempt_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id"))
    number: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    submitted_at: Mapped[datetime]
    automatic: Mapped[bool] = mapped_column(default=False)
