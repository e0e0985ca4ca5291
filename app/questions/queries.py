"""Reads of the bank as it is stored: live versions, papers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter
from sqlalchemy import and_, select

from app.questions.models import PaperEntry, QuestionEntry, QuestionVersion
from app.questions.schema import Paper, Question

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.orm import Session

_question = TypeAdapter[Question](Question)


def document_of(version: QuestionVersion) -> Question:
    """Return the version's document as its model."""
    return _question.validate_python(version.document)


def versions_by_id(session: Session, ids: Iterable[int]) -> dict[int, QuestionVersion]:
    """Return the versions with these ids."""
    query = select(QuestionVersion).where(QuestionVersion.id.in_(set(ids)))
    return {version.id: version for version in session.scalars(query)}


def live_versions(session: Session) -> dict[str, QuestionVersion]:
    """Return, by question id, the version that new interviews ask; retired ones are absent."""
    query = (
        select(QuestionVersion)
        .join(
            QuestionEntry,
            and_(
                QuestionEntry.id == QuestionVersion.question_id,
                QuestionEntry.live_hash == QuestionVersion.content_hash,
            ),
        )
        .where(QuestionEntry.retired_at.is_(None))
        .order_by(QuestionVersion.question_id)
    )
    return {version.question_id: version for version in session.scalars(query)}


def newest_versions(session: Session, *, with_retired: bool = False) -> dict[str, QuestionVersion]:
    """Return, by question id, the version that was imported last."""
    query = (
        select(QuestionVersion)
        .join(QuestionEntry, QuestionEntry.id == QuestionVersion.question_id)
        .order_by(QuestionVersion.imported_at, QuestionVersion.id)
    )
    if not with_retired:
        query = query.where(QuestionEntry.retired_at.is_(None))
    return {version.question_id: version for version in session.scalars(query)}


def entries(session: Session) -> dict[str, QuestionEntry]:
    """Return all entries by id, retired ones as well."""
    return {entry.id: entry for entry in session.scalars(select(QuestionEntry))}


def offered_papers(session: Session) -> Sequence[Paper]:
    """Return the papers that can be sat now: not retired, every question live."""
    live = live_versions(session).keys()
    rows = session.scalars(
        select(PaperEntry).where(PaperEntry.retired_at.is_(None)).order_by(PaperEntry.id)
    )
    papers = (Paper.model_validate(row.document) for row in rows)
    return [paper for paper in papers if {item.question for item in paper.items} <= live]


def offered_paper(session: Session, paper_id: str) -> Paper | None:
    """Return the paper if it can be sat now."""
    return next((paper for paper in offered_papers(session) if paper.id == paper_id), None)
