"""Grade a job: lease a sandbox, run the cases, judge them, keep the verdict. Exactly once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from app.answers.models import Attempt, Submission
from app.db.session import after_commit
from app.grading.claims import kept_claim
from app.grading.judging import CaseData, Mistake, judge_case, recognise_mistake, summarise
from app.grading.models import CaseResult, GradingJob
from app.grading.pool import PoolBusyError
from app.grading.presentation import describe_sample, readable
from app.grading.queries import mistake_outputs, reference_cases
from app.grading.reference import case_call
from app.grading.runs import CaseRun, EngineUnavailableError, Outcome, SandboxBrokenError
from app.grading.service import MAX_TRIES, claim, claimed_job, fail, release
from app.interviews.models import Interview
from app.interviews.service import record
from app.kit.metrics import JOB_SECONDS, JOBS_FAILED, JOBS_JUDGED
from app.questions.models import QuestionVersion
from app.questions.queries import document_of
from app.questions.schema import Checker, CodingQuestion
from app.workflows.suggest_scores import suggest_for_code

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.grading.judging import JudgedCase, Judgement
    from app.grading.runs import Sandbox
    from app.kit.i18n import Message
    from app.workflows.runtime import Machinery

_checker = TypeAdapter[Checker](Checker)
_TIMEOUTS = frozenset({Outcome.CPU_TIME, Outcome.WALL_TIME})
# How long a job may be worked on beyond what its cases may take.
_SLACK = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class _Work:
    """Everything that grading needs, read before a sandbox is taken."""

    job_id: str
    claim: str
    interview_id: str
    interview_is_over: bool
    question_is_refused: bool
    text: str
    question: CodingQuestion
    cases: tuple[CaseData, ...]
    mistakes: tuple[Mistake, ...]

    @property
    def longest(self) -> timedelta:
        """How long the work may take before it counts as hanging."""
        return timedelta(seconds=self.question.limits.wall_seconds * len(self.cases)) + _SLACK


def grade_submission(machinery: Machinery, job_id: str) -> None:
    """Grade the job unless it is graded already or somebody else is at it.

    Without capacity or engine the job goes back to the queue, where the reconciler finds it.
    """
    work = _take(machinery, job_id)
    if work is None:
        return
    if not work.cases:  # its gate has not run, or refused it: there is nothing to judge by
        refused = work.question_is_refused
        _give_back(machinery, work, "question_refused" if refused else "engine_unavailable")
        return
    try:
        with kept_claim(
            machinery.database, machinery.clock, work.job_id, work.claim, at_most=work.longest
        ):
            leased_at, runs = _run(machinery, work)
    except PoolBusyError:
        _give_back(machinery, work, "busy")
    except EngineUnavailableError:
        _give_back(machinery, work, "engine_unavailable")
    except SandboxBrokenError:
        _give_back(machinery, work, "sandbox_broken")
    else:
        _close(machinery, work, runs, leased_at)


def _take(machinery: Machinery, job_id: str) -> _Work | None:
    now = machinery.clock.now()
    with machinery.database.transaction() as session:
        token = claim(session, job_id, now=now)
        if token is None:
            return None
        job = session.get_one(GradingJob, job_id, populate_existing=True)
        if job.tries > MAX_TRIES:  # whoever took it before died of it, or raised
            _give_up(session, job, "gave_up", now)
            after_commit(session, partial(machinery.notifier.publish, job.attempt_id, job.id))
            return None
        version_id = job.question_version_id
        version = session.get_one(QuestionVersion, version_id)
        question = document_of(version)
        if not isinstance(question, CodingQuestion):
            raise TypeError(question.kind)
        cases = load_cases(session, version_id)
        wanted = tuple(case for case in cases if case.sample or job.submission_id is not None)
        return _Work(
            job_id=job.id,
            claim=token,
            interview_id=job.interview_id,
            interview_is_over=session.get_one(Interview, job.interview_id).finished_at is not None,
            question_is_refused=version.problem is not None,
            text=job.text,
            question=question,
            cases=wanted,
            mistakes=load_mistakes(session, version_id, len(cases)) if job.submission_id else (),
        )


def load_cases(session: Session, version_id: int) -> tuple[CaseData, ...]:
    """Return the expanded cases of a version, none before it was published."""
    return tuple(
        CaseData(
            name=row.name,
            group=row.group,
            sample=row.sample,
            args=row.args,
            expected=row.expected,
            checker=_checker.validate_python(row.checker),
            inputs_unmodified=row.inputs_unmodified,
        )
        for row in reference_cases(session, version_id)
    )


def load_mistakes(session: Session, version_id: int, case_count: int) -> tuple[Mistake, ...]:
    """Return the recorded outputs of the declared wrong solutions."""
    rows = mistake_outputs(session, version_id)
    mistakes = []
    for name, group in groupby(rows, key=lambda row: row.solution):
        by_position = {row.position: row.output for row in group}
        mistakes.append(Mistake(name, tuple(by_position.get(at) for at in range(case_count))))
    return tuple(mistakes)


def _run(machinery: Machinery, work: _Work) -> tuple[datetime, list[CaseRun]]:
    if machinery.pool is None:
        raise EngineUnavailableError
    with machinery.pool.lease(work.interview_id) as sandbox:
        if work.interview_is_over:
            machinery.pool.end(work.interview_id)  # this was its last run
        leased_at = machinery.clock.now()
        return leased_at, run_cases(sandbox, work.question, work.text, work.cases)


def run_cases(
    sandbox: Sandbox, question: CodingQuestion, code: str, cases: Sequence[CaseData]
) -> list[CaseRun]:
    """Run the cases group by group.

    After a group with a time-out the rest is not run: an endless loop must not hold a
    sandbox for the sum of all limits.
    """
    runs: list[CaseRun] = []
    for _, group in groupby(cases, key=lambda case: case.group):
        calls = [case_call(question, code, case) for case in group]
        if any(run.outcome in _TIMEOUTS for run in runs):
            runs += [CaseRun(Outcome.WALL_TIME, 0.0, 0.0, 0) for _ in calls]
        else:
            runs += sandbox.run(calls)
    return runs


def _give_back(machinery: Machinery, work: _Work, problem: str) -> None:
    """Return the job to the queue; a program that breaks its sandbox each time is given up on."""

    def change(session: Session, job: GradingJob, now: datetime) -> None:
        counted = problem == "sandbox_broken"
        if counted and job.tries >= MAX_TRIES:
            _give_up(session, job, problem, now)
        else:
            job.problem = problem
            release(job, count=counted)

    _conclude(machinery, work, change)


def _give_up(session: Session, job: GradingJob, problem: str, now: datetime) -> None:
    fail(job, problem, now=now)
    record(session, job.interview_id, "job:failed", _about(session, job), now=now)
    after_commit(session, JOBS_FAILED.labels(problem).inc)


def _close(machinery: Machinery, work: _Work, runs: Sequence[CaseRun], leased_at: datetime) -> None:
    judged = [judge_case(case, run) for case, run in zip(work.cases, runs, strict=True)]
    judgement = summarise(work.question, judged)
    mistake = recognise_mistake(work.cases, runs, work.mistakes) if work.mistakes else None

    def change(session: Session, job: GradingJob, now: datetime) -> None:
        job.leased_at, job.judged_at, job.problem = leased_at, now, None
        job.verdict, job.score, job.mistake = judgement.verdict.value, judgement.score, mistake
        for position, (case, run, one) in enumerate(zip(work.cases, runs, judged, strict=True)):
            session.add(_case_result(job.id, position, case, run, one))
        _suggest(session, work.question, job, judgement)
        data = {**_about(session, job), "verdict": job.verdict}
        record(session, job.interview_id, "job:judged", data, now=now)
        after_commit(session, JOBS_JUDGED.labels(job.verdict).inc)
        after_commit(session, partial(JOB_SECONDS.observe, (now - job.queued_at).total_seconds()))

    _conclude(machinery, work, change)


def _conclude(
    machinery: Machinery,
    work: _Work,
    change: Callable[[Session, GradingJob, datetime], None],
) -> None:
    """Apply `change` if the claim still holds, and tell who waits; else somebody else did."""
    with machinery.database.transaction() as session:
        job = claimed_job(session, work.job_id, work.claim)
        if job is not None:
            change(session, job, machinery.clock.now())
            after_commit(session, partial(machinery.notifier.publish, job.attempt_id, job.id))


def _case_result(
    job_id: str, position: int, case: CaseData, run: CaseRun, judged: JudgedCase
) -> CaseResult:
    result = CaseResult(
        job_id=job_id,
        position=position,
        name=case.name,
        group=case.group,
        sample=case.sample,
        verdict=judged.verdict.value,
        cpu_ms=run.cpu_ms,
        wall_ms=run.wall_ms,
        memory_kb=run.memory_kb,
    )
    if case.sample:
        sample = describe_sample(case, run)
        result.stdout, result.arguments = sample.stdout, sample.arguments
        result.expected, result.got = sample.expected, sample.got
        if judged.reason is not None:
            hints = [_stored(hint) for hint in judged.hints]
            result.reason = _stored(judged.reason) | {"hints": hints}
    return result


def _stored(reason: Message) -> dict[str, object]:
    """Return what is kept of a reason; its values quote what a program returned or raised."""
    values = {
        name: readable(value) if isinstance(value, str) else value
        for name, value in reason.values.items()
    }
    return {"text": reason.text, "values": values}


def _suggest(
    session: Session, question: CodingQuestion, job: GradingJob, judgement: Judgement
) -> None:
    if job.submission_id is None:
        return
    submission = session.get_one(Submission, job.submission_id)
    groups = {group.name: (group.passed, group.total) for group in judgement.groups}
    suggest_for_code(session, question, submission, groups)


def _about(session: Session, job: GradingJob) -> dict[str, object]:
    attempt = session.get_one(Attempt, job.attempt_id)
    number = session.get_one(Submission, job.submission_id).number if job.submission_id else None
    return {"position": attempt.position, "number": number}
