"""Reads of interviews and their events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.interviews.models import Event, Interview
from app.interviews.timing import GRACE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session


def interview_for_update(session: Session, interview_id: str) -> Interview:
    """Return the interview, locked against other writers until the transaction ends."""
    return session.scalars(
        select(Interview)
        .where(Interview.id == interview_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def interviews_of(session: Session, candidate_id: int) -> Sequence[Interview]:
    """Return a candidate's interviews, newest first."""
    return session.scalars(
        select(Interview)
        .where(Interview.candidate_id == candidate_id)
        .order_by(Interview.started_at.desc())
    ).all()


def finished_interviews(session: Session) -> Sequence[Interview]:
    """Return all interviews that are over, the longest waiting first."""
    return session.scalars(
        select(Interview).where(Interview.finished_at.is_not(None)).order_by(Interview.finished_at)
    ).all()


def overdue_ids(session: Session, now: datetime) -> Sequence[str]:
    """Return the ids of running interviews whose time and grace are over."""
    return session.scalars(
        select(Interview.id).where(
            Interview.finished_at.is_(None), Interview.deadline_at <= now - GRACE
        )
    ).all()


def events_of(session: Session, interview_id: str) -> Sequence[Event]:
    """Return the transcript, in order."""
    return session.scalars(
        select(Event).where(Event.interview_id == interview_id).order_by(Event.sequence)
    ).all()


def last_event(session: Session, interview_id: str) -> Event | None:
    """Return the newest event of an interview."""
    return session.scalar(
        select(Event)
        .where(Event.interview_id == interview_id)
        .order_by(Event.sequence.desc())
        .limit(1)
    )
