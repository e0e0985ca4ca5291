"""Changes to grading jobs: queue, claim, close. A job is closed once, however often delivered."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import or_, update

from app.db.base import new_public_id
from app.db.session import after_commit
from app.grading.models import GradingJob
from app.kit.metrics import JOBS_QUEUED

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

# How long a claim holds unless it is renewed: so long nobody takes the job of a worker that died.
CLAIM = timedelta(seconds=20)
# So many tries may break the sandbox or the grader; waiting for an engine is none.
MAX_TRIES = 5


def enqueue(
    session: Session,
    *,
    interview_id: str,
    attempt_id: str,
    question_version_id: int,
    text: str,
    submission_id: int | None,
    now: datetime,
) -> GradingJob:
    """Add a job: grade a submission, or run the samples when `submission_id` is None."""
    job = GradingJob(
        id=new_public_id(),
        interview_id=interview_id,
        attempt_id=attempt_id,
        question_version_id=question_version_id,
        submission_id=submission_id,
        text=text,
        queued_at=now,
    )
    session.add(job)
    session.flush()
    after_commit(session, JOBS_QUEUED.inc)
    return job


def claim(session: Session, job_id: str, *, now: datetime) -> str | None:
    """Take a job to work on it; None if it is closed or somebody else's.

    The returned claim must be shown to close it. A claim runs out, so that the job of a
    worker that died can be taken again.
    """
    token = new_public_id()
    taken = session.execute(
        update(GradingJob)
        .where(
            GradingJob.id == job_id,
            GradingJob.judged_at.is_(None),
            GradingJob.failed_at.is_(None),
            or_(GradingJob.claim.is_(None), GradingJob.claimed_until <= now),
        )
        .values(claim=token, claimed_until=now + CLAIM, tries=GradingJob.tries + 1)
        .returning(GradingJob.id)
    )
    return token if taken.first() else None


def renew(session: Session, job_id: str, token: str, *, now: datetime) -> bool:
    """Prolong a claim; False if `token` holds it no longer."""
    kept = session.execute(
        update(GradingJob)
        .where(GradingJob.id == job_id, GradingJob.claim == token)
        .values(claimed_until=now + CLAIM)
        .returning(GradingJob.id)
    )
    return kept.first() is not None


def release_all(session: Session) -> None:
    """Give every open job back: its worker was the process that this one replaces."""
    session.execute(
        update(GradingJob)
        .where(GradingJob.judged_at.is_(None), GradingJob.failed_at.is_(None))
        .values(claim=None, claimed_until=None)
    )


def claimed_job(session: Session, job_id: str, token: str) -> GradingJob | None:
    """Return the job, locked, if `token` still holds it and it is not closed."""
    job = session.get(GradingJob, job_id, with_for_update=True, populate_existing=True)
    if job is None or job.claim != token or job.judged_at or job.failed_at:
        return None
    return job


def release(job: GradingJob, *, count: bool = True) -> None:
    """Give a claimed job back to the queue; waiting for an engine does not `count` as a try."""
    job.claim = job.claimed_until = None
    if not count:
        job.tries -= 1
        job.waits += 1


def fail(job: GradingJob, problem: str, *, now: datetime) -> None:
    """Give a job up; `problem` names why. There is no verdict: the program is not to blame."""
    job.failed_at, job.problem = now, problem
    job.claimed_until = None
