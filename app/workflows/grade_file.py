"""Grade programs from files against a question, as its author sees it: hidden cases included."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.grading.judging import judge_case, not_allowed, recognise_mistake, summarise
from app.grading.properties import check_properties
from app.grading.reference import build_reference
from app.grading.running import run_cases
from app.grading.static_rules import broken_rules, find_violations, is_stopped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.grading.judging import CaseData, JudgedCase, Judgement
    from app.grading.pool import Pool
    from app.grading.reference import Reference
    from app.grading.static_rules import Violation
    from app.kit.clock import Clock
    from app.questions.schema import CodingQuestion


@dataclass(frozen=True, slots=True)
class FileGrade:
    """The verdict on a file; `milliseconds` is from lease to verdict, the reference apart."""

    judgement: Judgement
    cases: Sequence[JudgedCase]
    mistake: str | None
    violations: Sequence[Violation]
    milliseconds: float


def grade_file(pool: Pool, clock: Clock, question: CodingQuestion, code: str) -> FileGrade:
    """Grade one program, as `grade_files` does."""
    (grade,) = grade_files(pool, clock, question, [code])
    return grade


def grade_files(
    pool: Pool,
    clock: Clock,
    question: CodingQuestion,
    codes: Sequence[str],
    *,
    sample_only: bool = False,
) -> list[FileGrade]:
    """Grade each program. The author's code and each file's run in sandboxes of their own.

    Raises GateError where the question itself is at fault, CheckerBrokenError where its checker
    is, EngineUnavailableError and SandboxBrokenError where the machine is.
    """
    with ExitStack() as stack:
        stack.callback(pool.end, "author")
        stack.callback(pool.end, "file")
        with pool.lease("author") as sandbox:
            reference = build_reference(question, sandbox)
        grades = []
        for code in codes:
            grades.append(
                grade_against(pool, clock, question, reference, code, sample_only=sample_only)
            )
            pool.end("file")
        return grades


def grade_against(
    pool: Pool,
    clock: Clock,
    question: CodingQuestion,
    reference: Reference,
    code: str,
    *,
    sample_only: bool = False,
) -> FileGrade:
    """Grade `code` by a reference that was built before; leases of “author” and “file” stay open.

    Raises CheckerBrokenError, EngineUnavailableError and SandboxBrokenError.
    """
    cases = [case for case in reference.cases if case.sample or not sample_only]
    began = clock.monotonic()
    violations = find_violations(question, code)
    mistake = None
    if is_stopped(violations):
        reason = violations[0].message
        judged = [_told(case, not_allowed(_shown(case), reason)) for case in cases]
    else:
        with pool.lease("file") as sandbox:
            runs = run_cases(sandbox, question, code, cases)
        with pool.lease("author") as sandbox:
            reports = check_properties(sandbox, cases, runs)
        judged = [
            _told(case, judge_case(_shown(case), run, report))
            for case, run, report in zip(cases, runs, reports, strict=True)
        ]
        if not sample_only:
            mistake = recognise_mistake(cases, runs, reference.mistakes)
    return FileGrade(
        judgement=summarise(question, judged, broken_rules(violations)),
        cases=judged,
        mistake=mistake,
        violations=violations,
        milliseconds=(clock.monotonic() - began) * 1000,
    )


def _shown(case: CaseData) -> CaseData:
    """Return a case as one whose reasons are told: its author may know them all."""
    return replace(case, sample=True)


def _told(case: CaseData, judged: JudgedCase) -> JudgedCase:
    """Return a judged case with its reason, and hidden again, for the points."""
    return replace(judged, sample=case.sample)
