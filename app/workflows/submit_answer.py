"""Take an answer in: save its draft, run its samples, hand it in, or promote it at the end."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from app.answers.service import accept_text, save_draft, submit
from app.db.session import after_commit
from app.grading.dispatch import Task
from app.grading.queries import has_open_job, open_jobs_of, waiting_jobs
from app.grading.service import enqueue
from app.interviews.service import InterviewOverError, record, require
from app.interviews.states import InterviewAction
from app.interviews.timing import is_closed, is_over
from app.kit.errors import BusyError, ConflictError, InvalidError
from app.kit.i18n import message
from app.questions.models import QuestionVersion
from app.questions.queries import document_of
from app.questions.schema import CodingQuestion, Paper
from app.workflows.suggest_scores import suggest_for_text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.answers.models import Attempt, Submission
    from app.grading.models import GradingJob
    from app.interviews.models import Interview
    from app.questions.schema import Question
    from app.workflows.runtime import Runtime

# What one candidate may have in the queue at once: the others wait behind it.
MAX_OPEN_JOBS = 3
# So near to the deadline nobody is sent away because others wait.
LAST_CHANCE = timedelta(minutes=1)
# When to come back to a full queue, in seconds.
RETRY_LEAST, RETRY_MOST = 5, 60


def keep_draft(
    interview: Interview, attempt: Attempt, text: str, sequence: int, *, now: datetime
) -> None:
    """Save a draft; accepted until the grace after the deadline is over."""
    require(interview, InterviewAction.ANSWER)
    if is_closed(interview.deadline_at, now):
        raise InterviewOverError
    save_draft(attempt, text, sequence, now=now)


def run_samples(
    session: Session, runtime: Runtime, interview: Interview, attempt: Attempt, text: str
) -> GradingJob:
    """Queue a run of the sample cases."""
    now = _require_time(interview, runtime)
    _require_code(_question(session, attempt))
    if has_open_job(session, attempt.id):
        raise ConflictError(message("The last run is still being judged; please wait for it."))
    _require_place(session, runtime, interview)
    job = enqueue(
        session,
        interview_id=interview.id,
        attempt_id=attempt.id,
        question_version_id=attempt.question_version_id,
        text=_some_code(text),
        submission_id=None,
        now=now,
    )
    record(
        session, interview.id, "run:started", {"position": attempt.position, "text": text}, now=now
    )
    after_commit(session, partial(runtime.dispatcher.send, Task.GRADE, job.id))
    return job


def submit_answer(
    session: Session, runtime: Runtime, interview: Interview, attempt: Attempt, text: str
) -> tuple[Submission, GradingJob | None]:
    """Hand a text in; code is queued for grading, words get their suggestion at once."""
    now = _require_time(interview, runtime)
    question = _question(session, attempt)
    if isinstance(question, CodingQuestion):
        if has_open_job(session, attempt.id, submission=True):
            raise ConflictError(message("The last run is still being judged; please wait for it."))
        if not _is_last_chance(interview, now):
            _require_place(session, runtime, interview)
    return _hand_in(session, runtime, interview, attempt, question, text, automatic=False)


def promote_draft(
    session: Session,
    runtime: Runtime,
    interview: Interview,
    attempt: Attempt,
    last: Submission | None,
) -> bool:
    """Hand the draft in on the candidate's behalf if it says more than the `last` submission.

    A blank draft, the given code, and what was saved before that submission stay behind: an
    old tab's draft must not replace what was handed in after it.
    """
    question = _question(session, attempt)
    untouched = question.starter if isinstance(question, CodingQuestion) else ""
    if not attempt.draft.strip() or attempt.draft == untouched:
        return False
    if last is not None and (attempt.draft == last.text or not _is_newer(attempt, last)):
        return False
    _hand_in(session, runtime, interview, attempt, question, attempt.draft, automatic=True)
    return True


def _is_newer(attempt: Attempt, last: Submission) -> bool:
    return attempt.draft_saved_at is not None and attempt.draft_saved_at >= last.submitted_at


def _hand_in(
    session: Session,
    runtime: Runtime,
    interview: Interview,
    attempt: Attempt,
    question: Question,
    text: str,
    *,
    automatic: bool,
) -> tuple[Submission, GradingJob | None]:
    now = runtime.clock.now()
    limit = Paper.model_validate(interview.paper).max_submissions
    submission = submit(session, attempt, text, limit=limit, now=now, automatic=automatic)
    data = {"position": attempt.position, "number": submission.number, "automatic": automatic}
    record(session, interview.id, "attempt:submitted", {**data, "text": text}, now=now)
    if not isinstance(question, CodingQuestion):
        suggest_for_text(session, question, submission)
        return submission, None
    job = enqueue(
        session,
        interview_id=interview.id,
        attempt_id=attempt.id,
        question_version_id=attempt.question_version_id,
        text=text,
        submission_id=submission.id,
        now=now,
    )
    after_commit(session, partial(runtime.dispatcher.send, Task.GRADE, job.id))
    return submission, job


def _question(session: Session, attempt: Attempt) -> Question:
    return document_of(session.get_one(QuestionVersion, attempt.question_version_id))


def _require_time(interview: Interview, runtime: Runtime) -> datetime:
    require(interview, InterviewAction.ANSWER)
    now = runtime.clock.now()
    if is_over(interview.deadline_at, now):
        raise InterviewOverError
    return now


def _require_code(question: Question) -> None:
    if not isinstance(question, CodingQuestion):
        raise InvalidError(message("This question is answered in words; there is nothing to run."))


def _is_last_chance(interview: Interview, now: datetime) -> bool:
    """Tell whether who is sent away may have no time to come back."""
    deadline = interview.deadline_at
    return deadline is not None and deadline - now <= LAST_CHANCE


def _require_place(session: Session, runtime: Runtime, interview: Interview) -> None:
    """Raise ConflictError where one person waits for too much, BusyError where all do."""
    if open_jobs_of(session, interview.candidate_id) >= MAX_OPEN_JOBS:
        raise ConflictError(
            message("Your earlier runs are still being judged; please wait."),
            headers={"Retry-After": str(RETRY_LEAST)},
        )
    waiting = waiting_jobs(session)
    if waiting >= runtime.settings.queue_limit:
        raise BusyError(
            message(
                "Too much code is waiting to be judged: {count} runs. Your text is kept; please try"
                " again in a moment.",
                count=waiting,
            ),
            retry_after=min(max(waiting // 10, RETRY_LEAST), RETRY_MOST),
        )


def _some_code(text: str) -> str:
    if not text.strip():
        raise InvalidError(message("There is nothing to run yet."))
    return accept_text(text)
