"""Changes to the stored bank: import versions and papers, publish, retire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.questions.models import PaperEntry, QuestionEntry, QuestionVersion
from app.questions.schema import Paper, PaperItem

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.questions.schema import Question


def import_version(
    session: Session, question: Question, *, content_hash: str, source: str, now: datetime
) -> QuestionVersion:
    """Return the version with this content, adding it (and its entry) where it is new.

    Importing a question again brings it back from retirement. A version that is published
    already goes live at once: an edit was undone.
    """
    entry = session.get(QuestionEntry, question.id)
    if entry is None:
        entry = QuestionEntry(id=question.id)
        session.add(entry)
        session.flush()
    entry.retired_at = None
    version = session.scalar(
        select(QuestionVersion).where(
            QuestionVersion.question_id == question.id,
            QuestionVersion.content_hash == content_hash,
        )
    )
    if version is None:
        version = QuestionVersion(
            question_id=question.id,
            content_hash=content_hash,
            document=question.model_dump(mode="json"),
            source=source,
            imported_at=now,
        )
        session.add(version)
        session.flush()
    elif not _is_newest(session, version):  # an edit was undone: this is the newest again
        version.imported_at, version.problem = now, None
        if version.published_at is not None:
            entry.live_hash = content_hash
    return version


def _is_newest(session: Session, version: QuestionVersion) -> bool:
    newest = session.scalar(
        select(QuestionVersion.id)
        .where(QuestionVersion.question_id == version.question_id)
        .order_by(QuestionVersion.imported_at.desc(), QuestionVersion.id.desc())
        .limit(1)
    )
    return newest == version.id


def publish(session: Session, version: QuestionVersion, *, now: datetime) -> None:
    """Let new interviews ask this version."""
    version.published_at, version.problem = now, None
    session.get_one(QuestionEntry, version.question_id).live_hash = version.content_hash


def offer_unproven(session: Session, version: QuestionVersion) -> None:
    """Offer a version whose gate cannot run here, if the question has no other.

    Without a container engine its text can still be asked and answered; code waits.
    """
    entry = session.get_one(QuestionEntry, version.question_id)
    if entry.live_hash is None:
        entry.live_hash = version.content_hash


def reject(session: Session, version: QuestionVersion, problem: dict[str, Any]) -> None:
    """Record why the gate refused this version; a version that was live before stays."""
    version.problem = problem
    entry = session.get_one(QuestionEntry, version.question_id)
    if entry.live_hash == version.content_hash:
        entry.live_hash = None


def import_paper(session: Session, paper: Paper, *, now: datetime) -> None:
    """Store a paper as it stands in its file."""
    document = paper.model_dump(mode="json")
    entry = session.get(PaperEntry, paper.id)
    if entry is None:
        session.add(PaperEntry(id=paper.id, document=document, updated_at=now))
        return
    if entry.document != document:
        entry.document, entry.updated_at = document, now
    entry.retired_at = None


def retire_missing(
    session: Session, *, question_ids: Collection[str], paper_ids: Collection[str], now: datetime
) -> None:
    """Stop offering what has no file any more; interviews that asked it keep their version."""
    for question in session.scalars(select(QuestionEntry)):
        if question.id not in question_ids and question.retired_at is None:
            question.retired_at = now
    for paper in session.scalars(select(PaperEntry)):
        if paper.id not in paper_ids and paper.retired_at is None:
            paper.retired_at = now


def practice_paper(question: Question) -> Paper:
    """Return a paper of this one question, without a clock."""
    return Paper(
        id=f"practice-{question.id}"[:80].rstrip("-"),
        title=question.title,
        description=question.title,
        minutes=None,
        max_submissions=100,
        items=[PaperItem(question=question.id, minutes=question.minutes)],
    )
