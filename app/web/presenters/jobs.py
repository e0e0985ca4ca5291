"""Runs and gradings as a candidate may see them: samples in full, hidden cases as counts."""

from __future__ import annotations

from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from app.answers.queries import submissions_of
from app.grading.queries import case_results_of, jobs_of
from app.grading.states import JobState, state_of
from app.grading.verdicts import Verdict
from app.kit.i18n import Message, message
from app.questions.schema import CodingQuestion
from app.web.views import CaseView, GroupView, JobView

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.orm import Session

    from app.grading.models import CaseResult, GradingJob
    from app.questions.schema import Question

PROBLEMS = {
    "busy": message("All sandboxes are taken. Your code waits its turn; nothing is lost."),
    "engine_unavailable": message(
        "Code cannot be run at the moment. It is kept and judged as soon as that is possible."
    ),
    "sandbox_broken": message("The sandbox broke while it ran this code."),
    "question_refused": message("This question turned out to be at fault; it cannot be judged."),
    "gave_up": message("Judging this code failed several times. Please tell an admin."),
}

# A finer figure would tell hidden inputs apart.
STEP_MS = 10
STEP = timedelta(milliseconds=STEP_MS)


def job_views(session: Session, attempt_id: str, question: Question) -> list[JobView]:
    """Return the jobs of an attempt, newest first."""
    jobs = jobs_of(session, [attempt_id])
    results = case_results_of(session, [job.id for job in jobs])
    numbers = {
        one.id: one.number for one in submissions_of(session, [attempt_id]).get(attempt_id, [])
    }
    return [
        job_view(job, question, results.get(job.id, []), numbers.get(job.submission_id or 0))
        for job in jobs
    ]


def job_view(
    job: GradingJob, question: Question, results: Sequence[CaseResult], number: int | None
) -> JobView:
    """Return one job; nothing that could tell a hidden input leaves here."""
    verdict = Verdict(job.verdict) if job.verdict else None
    state = state_of(job)
    waiting = PROBLEMS.get(job.problem or "")
    took = job.judged_at - job.queued_at if job.judged_at else None
    return JobView(
        id=job.id,
        purpose="submission" if job.submission_id else "run",
        submission_number=number,
        state=state.value,
        queued_at=job.queued_at,
        verdict=verdict.value if verdict else None,
        verdict_name=str(verdict.title) if verdict else None,
        verdict_meaning=str(verdict.meaning) if verdict else None,
        score=job.score,
        problem=str(waiting) if waiting and state != JobState.DONE else None,
        mistake=_feedback(question, job.mistake),
        cases=[_case(result) for result in results if result.sample],
        groups=list(_groups(question, (result for result in results if not result.sample))),
        judged_ms=-(-took // STEP) * STEP_MS if took else None,
    )


def _feedback(question: Question, mistake: str | None) -> str | None:
    if mistake is None or not isinstance(question, CodingQuestion):
        return None
    for solution in question.solutions:
        if solution.name == mistake and solution.feedback:
            return str(solution.feedback)
    return None


def _case(result: CaseResult) -> CaseView:
    reason = result.reason
    return CaseView(
        name=result.name,
        verdict=result.verdict,
        cpu_ms=result.cpu_ms,
        wall_ms=result.wall_ms,
        memory_kb=result.memory_kb,
        stdout=result.stdout,
        arguments=result.arguments,
        expected=result.expected,
        got=result.got,
        reason=_reason(reason) if reason else None,
    )


def _reason(stored: Mapping[str, Any]) -> str:
    """Return a reason and its hints as people read them.

    An exception without a message has no bare colon.
    """
    first, *others = _text(stored).splitlines()
    hints = [_text(hint) for hint in stored.get("hints", [])]
    return "\n".join([first.removesuffix(": "), *others, *hints])


def _text(stored: Mapping[str, Any]) -> str:
    return Message(stored["text"], stored["values"]).render()


def _groups(question: Question, results: Iterable[CaseResult]) -> Iterable[GroupView]:
    titles = {
        criterion.from_groups[0]: str(criterion.title)
        for criterion in question.rubric
        if criterion.title and len(criterion.from_groups) == 1
    }
    for name, members in groupby(results, key=lambda result: result.group):
        verdicts = [member.verdict for member in members]
        yield GroupView(
            name=name or "",
            title=titles.get(name or "", name or ""),
            passed=verdicts.count(Verdict.AC),
            total=len(verdicts),
            verdict=next((one for one in verdicts if one != Verdict.AC), Verdict.AC.value),
        )
