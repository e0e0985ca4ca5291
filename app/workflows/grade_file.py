"""Grade a program from a file against a question, as its author sees it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.grading.judging import judge_case, recognise_mistake, summarise
from app.grading.reference import build_reference
from app.workflows.grade_submission import run_cases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.grading.judging import JudgedCase, Judgement
    from app.grading.pool import Pool
    from app.kit.clock import Clock
    from app.questions.schema import CodingQuestion


@dataclass(frozen=True, slots=True)
class FileGrade:
    """The verdict on a file; `milliseconds` is from lease to verdict, the reference apart."""

    judgement: Judgement
    cases: Sequence[JudgedCase]
    mistake: str | None
    milliseconds: float


def grade_file(
    pool: Pool, clock: Clock, question: CodingQuestion, code: str, *, sample_only: bool = False
) -> FileGrade:
    """Grade `code`. The author's code and the file's run in different sandboxes.

    Raises GateError where the question itself is at fault, EngineUnavailableError and
    SandboxBrokenError where the machine is.
    """
    with ExitStack() as stack:
        stack.callback(pool.end, "author")
        stack.callback(pool.end, "file")
        with pool.lease("author") as sandbox:
            reference = build_reference(question, sandbox)
        cases = [case for case in reference.cases if case.sample or not sample_only]
        began = clock.monotonic()
        with pool.lease("file") as sandbox:
            runs = run_cases(sandbox, question, code, cases)
        judged = [judge_case(case, run) for case, run in zip(cases, runs, strict=True)]
        return FileGrade(
            judgement=summarise(question, judged),
            cases=judged,
            mistake=None if sample_only else recognise_mistake(cases, runs, reference.mistakes),
            milliseconds=(clock.monotonic() - began) * 1000,
        )
