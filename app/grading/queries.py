"""Reads of grading jobs, case results and reference data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, literal, or_, select, tuple_

from app.grading.models import CaseResult, GradingJob, MistakeOutput, ReferenceCase
from app.interviews.models import Interview

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime, timedelta

    from sqlalchemy.orm import Session


_OPEN = (GradingJob.judged_at.is_(None), GradingJob.failed_at.is_(None))
_WAITING = (*_OPEN, GradingJob.claim.is_(None))


def jobs_of(session: Session, attempt_ids: Iterable[str]) -> Sequence[GradingJob]:
    """Return the jobs of these attempts, newest first."""
    return session.scalars(
        select(GradingJob)
        .where(GradingJob.attempt_id.in_(list(attempt_ids)))
        .order_by(GradingJob.queued_at.desc())
    ).all()


def case_results_of(session: Session, job_ids: Iterable[str]) -> dict[str, list[CaseResult]]:
    """Return the case results of each job, in case order."""
    found: dict[str, list[CaseResult]] = {}
    query = (
        select(CaseResult).where(CaseResult.job_id.in_(list(job_ids))).order_by(CaseResult.position)
    )
    for result in session.scalars(query):
        found.setdefault(result.job_id, []).append(result)
    return found


def reference_cases(session: Session, question_version_id: int) -> Sequence[ReferenceCase]:
    """Return the expanded cases of a published version, in order."""
    return session.scalars(
        select(ReferenceCase)
        .where(ReferenceCase.question_version_id == question_version_id)
        .order_by(ReferenceCase.position)
    ).all()


def mistake_outputs(session: Session, question_version_id: int) -> Sequence[MistakeOutput]:
    """Return what the declared wrong solutions returned, by solution and case."""
    return session.scalars(
        select(MistakeOutput)
        .where(MistakeOutput.question_version_id == question_version_id)
        .order_by(MistakeOutput.id)
    ).all()


def undelivered_job_ids(session: Session, *, now: datetime, patience: timedelta) -> Sequence[str]:
    """Return open jobs that nobody works on: lost on the way, or their worker died."""
    lost = GradingJob.claim.is_(None) & (GradingJob.queued_at <= now - patience)
    abandoned = GradingJob.claim.is_not(None) & (GradingJob.claimed_until <= now)
    return session.scalars(
        select(GradingJob.id).where(*_OPEN, or_(lost, abandoned)).order_by(GradingJob.queued_at)
    ).all()


def waiting_jobs(session: Session) -> int:
    """Return how many jobs wait for somebody to work on them."""
    return session.scalar(select(func.count()).where(*_WAITING)) or 0


def jobs_ahead(session: Session, job: GradingJob) -> int:
    """Return how many jobs wait that came before a waiting one."""
    earlier = tuple_(GradingJob.queued_at, GradingJob.id) < tuple_(
        literal(job.queued_at, GradingJob.queued_at.type), literal(job.id)
    )
    return session.scalar(select(func.count()).where(*_WAITING, earlier)) or 0


def has_open_job(session: Session, attempt_id: str, *, submission: bool = False) -> bool:
    """Tell whether work for this attempt waits or runs: any, or that on a `submission`."""
    query = select(GradingJob.id).where(GradingJob.attempt_id == attempt_id, *_OPEN)
    if submission:
        query = query.where(GradingJob.submission_id.is_not(None))
    return session.scalars(query.limit(1)).first() is not None


def open_jobs_of(session: Session, candidate_id: int) -> int:
    """Return how many jobs of a candidate are waiting or running, in all interviews."""
    query = (
        select(func.count())
        .select_from(GradingJob)
        .join(Interview, Interview.id == GradingJob.interview_id)
        .where(
            Interview.candidate_id == candidate_id,
            *_OPEN,
        )
    )
    return session.scalar(query) or 0
