"""Tables of the bank: questions, their frozen versions, papers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class QuestionEntry(Base):
    """An entry of the bank. `live_hash` names the version that new interviews ask."""

    __tablename__ = "questions"

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    live_hash: Mapped[str | None] = mapped_column(String(64))
    retired_at: Mapped[datetime | None]


class QuestionVersion(Base):
    """An entry frozen by the hash of its content.

    It is published once its gate passed; until then `problem` says what the gate found, or
    is None while it has not run.
    """

    __tablename__ = "question_versions"
    __table_args__ = (UniqueConstraint("question_id", "content_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    question_id: Mapped[str] = mapped_column(ForeignKey("questions.id"))
    content_hash: Mapped[str] = mapped_column(String(64), index=True)
    document: Mapped[dict[str, Any]]
    source: Mapped[str] = mapped_column(Text)
    imported_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    problem: Mapped[dict[str, Any] | None]


class PaperEntry(Base):
    """A paper as it stands now; interviews keep their own copy."""

    __tablename__ = "papers"

    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    document: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
