"""Runs and gradings as a candidate may see them: samples in full, hidden cases as counts."""

from __future__ import annotations

from datetime import timedelta
from itertools import accumulate, groupby, pairwise
from math import ceil
from typing import TYPE_CHECKING, Any, Literal

from app.answers.models import Submission
from app.answers.queries import submissions_of
from app.grading.judging import coarse_cpu_ms
from app.grading.queries import case_results_of, jobs_ahead, jobs_of
from app.grading.states import JobState, state_of
from app.grading.static_rules import violation_message
from app.grading.verdicts import Verdict
from app.kit.i18n import Message, message
from app.questions.schema import CodingQuestion
from app.web.views import CaseView, GroupView, JobView, StageName, StageView

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.grading.models import CaseResult, GradingJob
    from app.questions.schema import Question

PROBLEMS = {
    "busy": message("All sandboxes are taken. Your code waits its turn; nothing is lost."),
    "engine_unavailable": message(
        "Code cannot be run at the moment. Your code is stored and will be judged as soon as it"
        " can be."
    ),
    "sandbox_broken": message("The sandbox broke while it ran this code."),
    "question_refused": message("This question turned out to be at fault; it cannot be judged."),
    "gave_up": message("Judging this code failed several times. Please tell an admin."),
    "internal": message("Our own data about this question cannot be read. Please tell an admin."),
    "checker_broken": message("This question's checker failed on this code. Please tell an admin."),
}
# What is said instead while there are tries left.
RETRIED = {
    "sandbox_broken": message(
        "The sandbox broke while it ran this code. It is run again; nothing is lost."
    ),
}
# Where nothing but its turn keeps a job waiting, its place in line means something.
IN_LINE = frozenset({None, "busy"})
STAGES: dict[StageName, Message] = {
    "queued": message("Queued"),
    "leased": message("Sandbox leased"),
    "ran": message("Cases ran"),
    "judged": message("Judged"),
}
RUNNING: tuple[StageName, ...] = ("leased", "ran")  # what code that is not run leaves out

# A finer figure would tell hidden inputs apart.
STEP_MS = 10

# Who reads: the candidate while the interview runs, the candidate afterwards, a mentor.
Reader = Literal["room", "report", "review"]


def job_views(
    session: Session, attempt_id: str, question: Question, reader: Reader
) -> list[JobView]:
    """Return the jobs of an attempt, newest first."""
    jobs = jobs_of(session, [attempt_id])
    results = case_results_of(session, [job.id for job in jobs])
    numbers = {
        one.id: one.number for one in submissions_of(session, [attempt_id]).get(attempt_id, [])
    }
    return [
        job_view(
            job,
            question,
            results.get(job.id, []),
            number=numbers.get(job.submission_id or 0),
            ahead=_ahead(session, job),
            reader=reader,
        )
        for job in jobs
    ]


def one_job_view(session: Session, job: GradingJob, question: Question) -> JobView:
    """Return one job as the room shows it."""
    judged = job.judged_at is not None
    results = case_results_of(session, [job.id]).get(job.id, []) if judged else []
    number = session.get_one(Submission, job.submission_id).number if job.submission_id else None
    ahead = _ahead(session, job)
    return job_view(job, question, results, number=number, ahead=ahead, reader="room")


def _ahead(session: Session, job: GradingJob) -> int | None:
    in_line = state_of(job) == JobState.QUEUED and job.problem in IN_LINE
    return jobs_ahead(session, job) if in_line else None


def job_view(
    job: GradingJob,
    question: Question,
    results: Sequence[CaseResult],
    *,
    number: int | None,
    ahead: int | None,
    reader: Reader,
) -> JobView:
    """Return one job; nothing that could tell a candidate a hidden input leaves here."""
    verdict = Verdict(job.verdict) if job.verdict else None
    state = state_of(job)
    hidden = [result for result in results if not result.sample]
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
        problem=_problem(job, state),
        mistake=_feedback(question, job.mistake),
        cases=[_case(result) for result in results if result.sample],
        groups=list(_groups(question, hidden)),
        run_ms=_coarse_ms(job.leased_at, job.ran_at) if job.leased_at and job.ran_at else None,
        ahead=ahead,
        waits=job.waits,
        findings=_findings(job, question, reader),
        stages=_stages_of(job) if job.judged_at else [],
        hidden=_figures(question, hidden) if reader == "review" else [],
    )


def _problem(job: GradingJob, state: JobState) -> str | None:
    """Return why a job failed or waits, as its candidate may be told."""
    if job.problem is None or state == JobState.DONE:
        return None
    texts = PROBLEMS if state == JobState.FAILED else PROBLEMS | RETRIED
    return str(texts[job.problem])


def _stages_of(job: GradingJob) -> list[StageView]:
    """Return the stages of the try that led to the verdict, as far as it went."""
    times = (job.queued_at, job.leased_at, job.ran_at, job.judged_at)
    passed = [at for at in times if at is not None]
    took = [_coarse_ms(earlier, later) for earlier, later in pairwise(passed)]
    return stage_views(job.queued_at, took)


def stage_views(queued_at: datetime, took_ms: Sequence[int]) -> list[StageView]:
    """Return the stages of a judged job from how long each took; code may not have been run."""
    names: tuple[StageName, ...] = (*RUNNING[: len(took_ms) - 1], "judged")
    stages = [StageView("queued", str(STAGES["queued"]), _whole_second(queued_at), None)]
    for name, took, passed in zip(names, took_ms, accumulate(took_ms), strict=False):
        at = _whole_second(queued_at + timedelta(milliseconds=passed))
        stages.append(StageView(name, str(STAGES[name]), at, took))
    return stages


def _whole_second(at: datetime) -> datetime:
    return (at + timedelta(milliseconds=500)).replace(microsecond=0)


def _coarse_ms(start: datetime, end: datetime) -> int:
    """Return the time between, rounded up to whole steps."""
    return ceil(max((end - start) / timedelta(milliseconds=1), 0.0) / STEP_MS) * STEP_MS


def _findings(job: GradingJob, question: Question, reader: Reader) -> list[str]:
    """Return what the program breaks of the rules; in the room only what keeps it from running.

    The others feed the rubric, and telling them would tell what the rubric looks for.
    """
    rules = question.rules if isinstance(question, CodingQuestion) else []
    told = {rule.name: str(rule.feedback) for rule in rules if rule.feedback}
    shown = [one for one in job.findings if one["stops"] or reader != "room"]
    found = [str(violation_message(one["what"], one["line"], one["name"])) for one in shown]
    feedback = [told.get(one["rule"], "") for one in shown]
    return [" ".join(filter(None, both)) for both in zip(found, feedback, strict=True)]


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
        reason=_text(reason).removesuffix(": ") if reason else None,
        hints=[_text(hint) for hint in reason.get("hints", [])] if reason else [],
        rerun=result.rerun,
        ran=_ran(result),
    )


def _ran(result: CaseResult) -> bool:
    """Tell whether there was a process at all: the quickest takes some time."""
    return result.wall_ms > 0 or result.cpu_ms > 0


def _text(stored: Mapping[str, Any]) -> str:
    return Message(stored["text"], stored["values"]).render()


def _group_titles(question: Question) -> dict[str, str]:
    return {
        criterion.from_groups[0]: str(criterion.title)
        for criterion in question.rubric
        if criterion.title and len(criterion.from_groups) == 1
    }


def _groups(question: Question, hidden: Iterable[CaseResult]) -> Iterable[GroupView]:
    titles = _group_titles(question)
    for name, grouped in groupby(hidden, key=lambda result: result.group):
        members = list(grouped)
        verdicts = [member.verdict for member in members]
        yield GroupView(
            name=name or "",
            title=titles.get(name or "", name or ""),
            passed=verdicts.count(Verdict.AC),
            total=len(verdicts),
            verdict=next((one for one in verdicts if one != Verdict.AC), Verdict.AC.value),
            cpu_ms=coarse_cpu_ms(max(member.cpu_ms for member in members))
            if any(map(_ran, members))
            else None,
        )


def _figures(question: Question, hidden: Iterable[CaseResult]) -> list[CaseView]:
    """Return what each hidden case cost, numbered: an author's name for it may tell its input."""
    titles = _group_titles(question)
    return [
        CaseView(
            name=f"{titles.get(name or '', name or '')} {number}",
            verdict=result.verdict,
            cpu_ms=result.cpu_ms,
            wall_ms=result.wall_ms,
            memory_kb=result.memory_kb,
            rerun=result.rerun,
            ran=_ran(result),
        )
        for name, members in groupby(hidden, key=lambda result: result.group)
        for number, result in enumerate(members, start=1)
    ]
