"""Tables of interviews and of the events that make their transcript."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import PUBLIC_ID, Base, new_public_id


class Interview(Base):
    """One candidate sitting one paper. Its state is derived from these facts, never stored.

    `paper` is the paper as it was at the start. `deadline_at` is None in practice.
    """

    __tablename__ = "interviews"

    id: Mapped[str] = mapped_column(PUBLIC_ID, primary_key=True, default=new_public_id)
    candidate_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    paper: Mapped[dict[str, Any]]
    started_at: Mapped[datetime | None]
    deadline_at: Mapped[datetime | None] = mapped_column(index=True)
    finished_at: Mapped[datetime | None] = mapped_column(index=True)
    finished_by: Mapped[str | None] = mapped_column(String(16))
    reviewed_at: Mapped[datetime | None]


class Event(Base):
    """One thing that happened, chained to the one before by its hash."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("interview_id", "sequence"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    interview_id: Mapped[str] = mapped_column(ForeignKey("interviews.id"))
    sequence: Mapped[int]
    at: Mapped[datetime]
    action: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict[str, Any]]
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
