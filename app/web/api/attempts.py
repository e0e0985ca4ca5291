"""Drafts, runs, submissions and the stream of verdicts of one attempt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from fastapi.encoders import jsonable_encoder
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from app.accounts.models import Login
from app.answers.models import Attempt
from app.db.base import MAX_INTEGER
from app.grading.models import GradingJob
from app.interviews.models import Interview
from app.interviews.service import require
from app.interviews.states import InterviewAction, InterviewState, state_of
from app.interviews.timing import remaining_ms
from app.questions.schema import Paper
from app.web.dependencies import AttemptDep, InterviewDep, JobDep, RuntimeDep, SessionDep, ViewerDep
from app.web.presenters.jobs import one_job_view
from app.web.presenters.rooms import question_of
from app.workflows.submit_answer import keep_draft, run_samples, submit_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.orm import Session

    from app.web.views import JobView
    from app.workflows.runtime import Runtime

router = APIRouter()

CLOCK_SECONDS = 30.0


class TextBody(BaseModel):
    """A text to run or to hand in."""

    model_config = ConfigDict(extra="forbid")

    text: str


class DraftBody(TextBody):
    """A draft with the number of its save."""

    sequence: int = Field(ge=1, le=MAX_INTEGER)


@router.put("/attempts/{attempt_id}/draft", name="save_draft")
def save_draft(
    runtime: RuntimeDep, interview: InterviewDep, attempt: AttemptDep, body: DraftBody
) -> dict[str, Any]:
    """Keep a draft; saving the same one twice is harmless."""
    now = runtime.clock.now()
    keep_draft(interview, attempt, body.text, body.sequence, now=now)
    return {
        "sequence": attempt.draft_sequence,
        "saved_at": attempt.draft_saved_at,
        "remaining_ms": remaining_ms(interview.deadline_at, now),
    }


@router.post("/attempts/{attempt_id}/runs", name="run_samples", status_code=202)
def run(
    session: SessionDep,
    runtime: RuntimeDep,
    interview: InterviewDep,
    attempt: AttemptDep,
    body: TextBody,
) -> Any:  # noqa: ANN401 - a view, encoded by FastAPI
    """Queue a run of the samples."""
    job = run_samples(session, runtime, interview, attempt, body.text)
    return load_job(session, job)


@router.post("/attempts/{attempt_id}/submissions", name="submit_answer", status_code=202)
def submit(
    session: SessionDep,
    runtime: RuntimeDep,
    interview: InterviewDep,
    attempt: AttemptDep,
    body: TextBody,
) -> dict[str, Any]:
    """Hand a text in; for code, the verdict follows on the stream."""
    submission, job = submit_answer(session, runtime, interview, attempt, body.text)
    limit = Paper.model_validate(interview.paper).max_submissions
    return {
        "submission_number": submission.number,
        "submissions_left": max(0, limit - submission.number),
        "job": load_job(session, job) if job else None,
    }


@router.get("/jobs/{job_id}", name="show_job")
def show_job(session: SessionDep, job: JobDep) -> Any:  # noqa: ANN401 - as above
    """Return a job, for pages whose stream broke."""
    return load_job(session, job)


def load_job(session: Session, job: GradingJob) -> JobView:
    """Return the view of one job."""
    question = question_of(session, session.get_one(Attempt, job.attempt_id))
    return one_job_view(session, job, question)


@router.get("/attempts/{attempt_id}/events", name="stream_events")
def stream_events(
    runtime: RuntimeDep, viewer: ViewerDep, interview: InterviewDep, attempt: AttemptDep
) -> EventSourceResponse:
    """Stream ``job`` events as jobs change, and the clock now and then.

    The stream ends with the login or the interview; it cannot be opened after that.
    """
    require(interview, InterviewAction.ANSWER)
    assert viewer.login is not None  # noqa: S101 - the permission table has made sure of one
    return EventSourceResponse(_events(runtime, viewer.login.id, interview.id, attempt.id))


async def _events(
    runtime: Runtime, login_id: str, interview_id: str, attempt_id: str
) -> AsyncIterator[bytes]:
    async with runtime.notifier.listen(attempt_id, interview_id, login_id) as listener:
        text: str | None = None
        while event := await run_in_threadpool(_event, runtime, login_id, interview_id, text):
            yield event
            text = await listener.next(CLOCK_SECONDS)


def _event(runtime: Runtime, login_id: str, interview_id: str, job_id: str | None) -> bytes | None:
    """Return the news of a job, or the clock; None once the login or the interview is over."""
    now = runtime.clock.now()
    with runtime.database.transaction(read_only=True) as session:
        login, interview = session.get(Login, login_id), session.get_one(Interview, interview_id)
        signed_in = login is not None and login.expires_at > now
        if not signed_in or state_of(interview) != InterviewState.RUNNING:
            return None
        job = session.get(GradingJob, job_id) if job_id else None
        if job is not None:
            return _encode("job", load_job(session, job))
        return _encode("clock", {"remaining_ms": remaining_ms(interview.deadline_at, now)})


def _encode(name: str, data: object) -> bytes:
    text = json.dumps(jsonable_encoder(data), ensure_ascii=False, separators=(",", ":"))
    return format_sse_event(event=name, data_str=text)
