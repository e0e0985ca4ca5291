"""The page of a running interview."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.answers.queries import attempts_of, submissions_of
from app.grading.static_rules import what_stops
from app.interviews.timing import remaining_ms
from app.kit.i18n import _
from app.questions.models import QuestionVersion
from app.questions.queries import document_of, versions_by_id
from app.questions.schema import CodingQuestion, Paper
from app.web.markdown import render_markdown
from app.web.presenters.jobs import job_views
from app.web.views import AttemptTab, AttemptView, RoomView, SubmissionView

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.answers.models import Attempt, Submission
    from app.interviews.models import Interview
    from app.questions.schema import Limits, Question
    from app.web.views import AttemptState, JobView


def room_view(
    session: Session,
    interview: Interview,
    attempt: Attempt,
    *,
    now: datetime,
    coding_problem: str | None,
) -> RoomView:
    """Return the page of one attempt with the list of all."""
    paper = Paper.model_validate(interview.paper)
    attempts = attempts_of(session, interview.id)
    order = [one.id for one in attempts]
    here = order.index(attempt.id)
    question = question_of(session, attempt)
    return RoomView(
        interview_id=interview.id,
        title=str(paper.title),
        minutes=paper.minutes,
        remaining_ms=remaining_ms(interview.deadline_at, now),
        tabs=attempt_tabs(session, attempts, current_id=attempt.id),
        attempt=_attempt_view(session, attempt, question, paper.max_submissions),
        previous_id=order[here - 1] if here > 0 else None,
        next_id=order[here + 1] if here + 1 < len(order) else None,
        coding_problem=coding_problem if isinstance(question, CodingQuestion) else None,
    )


def question_of(session: Session, attempt: Attempt) -> Question:
    """Return the question that an attempt asks, in the version that it asks."""
    return document_of(session.get_one(QuestionVersion, attempt.question_version_id))


def attempt_tabs(
    session: Session, attempts: Sequence[Attempt], *, current_id: str | None = None
) -> list[AttemptTab]:
    """Return the list of questions with the state of each."""
    versions = versions_by_id(session, [attempt.question_version_id for attempt in attempts])
    submissions = submissions_of(session, [attempt.id for attempt in attempts])
    questions = [document_of(versions[attempt.question_version_id]) for attempt in attempts]
    return [
        AttemptTab(
            id=attempt.id,
            position=attempt.position,
            title=str(question.title),
            kind=question.kind,
            minutes=attempt.minutes,
            state=_state(attempt, submissions.get(attempt.id, [])),
            is_current=attempt.id == current_id,
        )
        for attempt, question in zip(attempts, questions, strict=True)
    ]


def _state(attempt: Attempt, submissions: Sequence[Submission]) -> AttemptState:
    if submissions:
        return "submitted"
    return "draft" if attempt.draft_sequence > 0 and attempt.draft.strip() else "empty"


def _attempt_view(
    session: Session, attempt: Attempt, question: Question, limit: int
) -> AttemptView:
    jobs = job_views(session, attempt.id, question, "room")
    submissions = submissions_of(session, [attempt.id]).get(attempt.id, [])
    coding = question if isinstance(question, CodingQuestion) else None
    return AttemptView(
        id=attempt.id,
        kind=question.kind,
        title=str(question.title),
        prompt=render_markdown(str(question.prompt)),
        points=question.points,
        minutes=attempt.minutes,
        starter=coding.starter if coding else "",
        draft=attempt.draft,
        draft_sequence=attempt.draft_sequence,
        draft_saved_at=attempt.draft_saved_at,
        submissions=submission_views(submissions, jobs),
        submissions_left=max(0, limit - len(submissions)),
        jobs=jobs,
        limits=_limits(coding.limits) if coding else None,
        not_allowed=[str(one) for one in what_stops(coding)] if coding else [],
    )


def _limits(limits: Limits) -> str:
    """Return what each call may use, in one line."""
    cpu = _("{seconds} s of CPU").format(seconds=f"{limits.cpu_seconds:g}")
    if limits.slowdown is not None:
        cpu = _("{times} times the CPU of the reference, {cpu} at most").format(
            times=f"{limits.slowdown:g}", cpu=cpu
        )
    return _("Each call: {cpu}, {wall} s in all, {memory} MB").format(
        cpu=cpu, wall=f"{limits.wall_seconds:g}", memory=limits.memory_mb
    )


def submission_views(
    submissions: Sequence[Submission], jobs: Sequence[JobView]
) -> list[SubmissionView]:
    """Return submissions with the job that graded each."""
    by_number = {job.submission_number: job for job in jobs if job.purpose == "submission"}
    return [
        SubmissionView(
            number=one.number,
            text=one.text,
            submitted_at=one.submitted_at,
            automatic=one.automatic,
            job=by_number.get(one.number),
        )
        for one in submissions
    ]
