"""Grade a job: lease a sandbox, run the cases, judge them, keep the verdict. Exactly once."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from app.answers.models import Attempt, Submission
from app.db.session import after_commit
from app.grading.claims import kept_claim
from app.grading.judging import (
    CaseData,
    Mistake,
    judge_case,
    not_allowed,
    recognise_mistake,
    summarise,
)
from app.grading.leases import Use
from app.grading.models import CaseResult, GradingJob
from app.grading.presentation import SampleTexts, describe_sample, readable
from app.grading.properties import (
    LIMITS,
    CheckerBrokenError,
    check_properties,
    has_property,
)
from app.grading.queries import mistake_outputs, reference_cases
from app.grading.running import (
    CALIBRATION_SECONDS,
    MAX_RERUNS,
    not_run,
    run_cases,
    was_late,
)
from app.grading.runs import EngineUnavailableError, PoolBusyError, SandboxBrokenError
from app.grading.service import MAX_TRIES, claim, claimed_job, fail, release
from app.grading.static_rules import broken_rules, find_violations, is_stopped
from app.grading.values import InvalidValueError
from app.interviews.models import Interview
from app.interviews.service import record
from app.kit.metrics import JOB_SECONDS, JOBS_FAILED, JOBS_JUDGED
from app.questions.models import QuestionVersion
from app.questions.queries import document_of
from app.questions.schema import Checker, CodingQuestion
from app.workflows.suggest_scores import suggest_for_code

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.grading.checkers import CheckReport
    from app.grading.judging import JudgedCase, Judgement
    from app.grading.pool import Pool
    from app.grading.runs import CaseRun, Sandbox
    from app.grading.static_rules import Violation
    from app.kit.i18n import Message
    from app.workflows.runtime import Machinery

log = logging.getLogger(__name__)

_checker = TypeAdapter[Checker](Checker)
_PROBLEMS: dict[type[Exception], str] = {
    PoolBusyError: "busy",
    EngineUnavailableError: "engine_unavailable",
    SandboxBrokenError: "sandbox_broken",
    CheckerBrokenError: "checker_broken",
    InvalidValueError: "internal",
}
# Problems that count as tries: what waits for a sandbox waits as long as it takes.
_COUNTED = frozenset({"sandbox_broken", "checker_broken"})
_STAGE_STEP_MS = 10  # a finer figure would tell hidden inputs apart
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
        runs = (len(self.cases) + MAX_RERUNS) * self.question.limits.wall_seconds
        checks = sum(map(has_property, self.cases)) * LIMITS.wall_seconds
        return timedelta(seconds=runs + checks + CALIBRATION_SECONDS) + _SLACK


@dataclass(frozen=True, slots=True)
class _Ran:
    """What the program did, case by case, and what the checkers of properties said of it."""

    runs: Sequence[CaseRun]
    reports: Sequence[CheckReport | None]
    leased_at: datetime
    ran_at: datetime


@dataclass(frozen=True, slots=True)
class _Graded:
    """The judged cases; `ran` is None for code that a rule stopped."""

    judged: Sequence[JudgedCase]
    violations: Sequence[Violation]
    mistake: str | None = None
    ran: _Ran | None = None


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
    with kept_claim(
        machinery.database, machinery.clock, work.job_id, work.claim, at_most=work.longest
    ):
        graded = _grade(machinery, work)
    if isinstance(graded, _Graded):
        _close(machinery, work, graded)
    else:
        _give_back(machinery, work, graded)


def _grade(machinery: Machinery, work: _Work) -> _Graded | str:
    """Look for what is forbidden, run and judge; return the problem if that was not possible."""
    violations = find_violations(work.question, work.text)
    if is_stopped(violations):
        judged = [not_allowed(case, violations[0].message) for case in work.cases]
        return _Graded(judged, violations)
    try:
        ran = _run(machinery, work)
        judged = [judge_case(*one) for one in zip(work.cases, ran.runs, ran.reports, strict=True)]
        named = recognise_mistake(work.cases, ran.runs, work.mistakes) if work.mistakes else None
    except (PoolBusyError, EngineUnavailableError, SandboxBrokenError) as error:
        return _PROBLEMS[type(error)]
    except (CheckerBrokenError, InvalidValueError) as error:
        # Not the program's data, for these are judged, but the author's and our own.
        log.exception("question %s cannot be judged", work.question.id)
        return _PROBLEMS[type(error)]
    return _Graded(judged, violations, named, ran)


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
            scripted=row.scripted,
            reference_cpu_ms=row.reference_cpu_ms,
            calibration_cpu_ms=row.calibration_cpu_ms,
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


def _run(machinery: Machinery, work: _Work) -> _Ran:
    """Run the samples and the hidden cases, each in the sandbox that is theirs.

    One lease is given back before the next is taken: who held one while waiting for another could
    wait for ever.
    """
    if machinery.pool is None:
        raise EngineUnavailableError
    runs: list[CaseRun] = []
    leased_at: datetime | None = None
    for is_sample, members in groupby(work.cases, key=lambda case: case.sample):
        cases = list(members)
        if was_late(runs):
            runs += not_run(cases)
            continue
        with _lease(machinery.pool, work, Use.SAMPLES if is_sample else Use.HIDDEN) as sandbox:
            leased_at = leased_at or machinery.clock.now()
            runs += run_cases(sandbox, work.question, work.text, cases)
    ran_at = machinery.clock.now()
    reports = _ask_checkers(machinery.pool, work, runs)
    return _Ran(runs, reports, leased_at or ran_at, ran_at)


@contextmanager
def _lease(pool: Pool, work: _Work, use: Use) -> Iterator[Sandbox]:
    owner = use.of(work.interview_id)
    with pool.lease(owner) as sandbox:
        if work.interview_is_over:
            pool.end(owner)  # this was its last run
        yield sandbox


def _ask_checkers(pool: Pool, work: _Work, runs: Sequence[CaseRun]) -> list[CheckReport | None]:
    """Ask the checkers of properties, in a sandbox that no candidate's code ever ran in."""
    if not any(map(has_property, work.cases)):
        return [None] * len(runs)
    with _lease(pool, work, Use.CHECKER) as sandbox:
        return check_properties(sandbox, work.cases, runs)


def _give_back(machinery: Machinery, work: _Work, problem: str) -> None:
    """Return the job to the queue; a program that breaks its sandbox each time is given up on."""

    def change(session: Session, job: GradingJob, now: datetime) -> None:
        counted = problem in _COUNTED
        if problem == "internal" or (counted and job.tries >= MAX_TRIES):
            _give_up(session, job, problem, now)
        else:
            job.problem = problem
            release(job, count=counted)

    _conclude(machinery, work, change)


def _give_up(session: Session, job: GradingJob, problem: str, now: datetime) -> None:
    fail(job, problem, now=now)
    record(session, job.interview_id, "job:failed", _about(session, job), now=now)
    after_commit(session, JOBS_FAILED.labels(problem).inc)


def _close(machinery: Machinery, work: _Work, graded: _Graded) -> None:
    broken = broken_rules(graded.violations)
    judgement = summarise(work.question, graded.judged, broken)

    def change(session: Session, job: GradingJob, now: datetime) -> None:
        job.judged_at, job.problem, job.mistake = now, None, graded.mistake
        job.leased_at = graded.ran.leased_at if graded.ran else None
        job.ran_at = graded.ran.ran_at if graded.ran else None
        job.verdict, job.score = judgement.verdict.value, judgement.score
        job.findings = [one.as_json() for one in graded.violations]
        session.add_all(_case_results(job.id, work, graded))
        _suggest(session, work.question, job, judgement, broken)
        data = _about(session, job) | _outcome(job, graded)
        record(session, job.interview_id, "job:judged", data, now=now)
        after_commit(session, JOBS_JUDGED.labels(job.verdict).inc)
        after_commit(session, partial(JOB_SECONDS.observe, (now - job.queued_at).total_seconds()))

    _conclude(machinery, work, change)


def _outcome(job: GradingJob, graded: _Graded) -> dict[str, object]:
    """Return what the transcript says of a verdict, beside whose it is."""
    return {
        "verdict": job.verdict,
        "stages_ms": stages_ms(job),
        "findings": job.findings,
        "reruns": sum(one.rerun for one in graded.judged),
    }


def stages_ms(job: GradingJob) -> dict[str, int]:
    """Return how long each stage of a judged job took, in ms, rounded up to 10 ms.

    `queued` until a sandbox was there, `leased` until the last case had ended, `ran` until the
    verdict; code that was not run has only the first.
    """
    times = [job.queued_at, job.leased_at, job.ran_at, job.judged_at]
    passed = [one for one in times if one is not None]
    step = timedelta(milliseconds=_STAGE_STEP_MS)
    return {
        name: -(-(later - earlier) // step) * _STAGE_STEP_MS
        for name, (earlier, later) in zip(
            ("queued", "leased", "ran"), pairwise(passed), strict=False
        )
    }


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


def _case_results(job_id: str, work: _Work, graded: _Graded) -> Iterator[CaseResult]:
    cases = work.cases
    runs = graded.ran.runs if graded.ran else [None] * len(cases)
    for position, (case, run, judged) in enumerate(zip(cases, runs, graded.judged, strict=True)):
        result = CaseResult(
            job_id=job_id,
            position=position,
            name=case.name,
            group=case.group,
            sample=case.sample,
            verdict=judged.verdict.value,
            cpu_ms=judged.cpu_ms,
            wall_ms=judged.wall_ms,
            memory_kb=judged.memory_kb,
            rerun=judged.rerun,
        )
        if case.sample:
            seen = describe_sample(case, run, work.question.entry_point) if run else None
            _show(result, seen, judged)
        yield result


def _show(result: CaseResult, seen: SampleTexts | None, judged: JudgedCase) -> None:
    """Keep what a candidate may see of a sample case."""
    if seen is not None:
        result.stdout, result.arguments = seen.stdout, seen.arguments
        result.expected, result.got = seen.expected, seen.got
    if judged.reason is not None:
        hints = [_stored(hint) for hint in judged.hints]
        result.reason = _stored(judged.reason) | {"hints": hints}


def _stored(reason: Message) -> dict[str, object]:
    """Return what is kept of a reason; its values quote what a program returned or raised."""
    values = {
        name: readable(value) if isinstance(value, str) else value
        for name, value in reason.values.items()
    }
    return {"text": reason.text, "values": values}


def _suggest(
    session: Session,
    question: CodingQuestion,
    job: GradingJob,
    judgement: Judgement,
    broken: Collection[str],
) -> None:
    if job.submission_id is None:
        return
    submission = session.get_one(Submission, job.submission_id)
    groups = {group.name: (group.passed, group.total) for group in judgement.groups}
    suggest_for_code(session, question, submission, groups, broken)


def _about(session: Session, job: GradingJob) -> dict[str, object]:
    attempt = session.get_one(Attempt, job.attempt_id)
    number = session.get_one(Submission, job.submission_id).number if job.submission_id else None
    return {"position": attempt.position, "number": number}
