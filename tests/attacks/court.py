"""A small question with a sample and hidden cases, and the whole way from a program to its score.

The programs that are tried here are hostile; the judge is the real one.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from app.grading.judging import CaseData, judge_case, summarise
from app.grading.presentation import describe_sample
from app.grading.running import case_call
from app.grading.runs import CaseRun, Outcome
from app.grading.values import encode_value
from app.grading.verdicts import Verdict
from app.questions.schema import CloseChecker, CodingQuestion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.grading.judging import Judgement
    from app.grading.presentation import SampleTexts
    from app.grading.values import Value
    from app.questions.schema import Checker
    from tests.sandboxes import Box

_BOTH = {"zh": "方差", "en": "Variance"}
HONEST = "def f(x):\n    return x.var(axis=0)\n"
QUESTION = CodingQuestion.model_validate(
    {
        "id": "variance",
        "kind": "coding",
        "title": _BOTH,
        "prompt": _BOTH,
        "entry_point": "f",
        "limits": {"cpu_seconds": 2, "wall_seconds": 4, "memory_mb": 256},
        "cases": [
            {"name": "shown", "sample": True, "args": {"x": [[1.0]]}},
            {"name": "hidden", "group": "values", "args": {"x": [[1.0]]}},
        ],
        "solutions": [{"name": "honest", "verdict": "AC", "code": HONEST}],
        "rubric": [{"id": "values", "points": 4, "title": _BOTH, "from_groups": ["values"]}],
    }
)


def case(
    arguments: dict[str, Value],
    expected: Value,
    *,
    sample: bool = False,
    checker: Checker | None = None,
    inputs_unmodified: bool = False,
) -> CaseData:
    return CaseData(
        name="shown" if sample else "hidden",
        group=None if sample else "values",
        sample=sample,
        args=encode_value(arguments),
        expected=encode_value(expected),
        checker=checker or CloseChecker(),
        inputs_unmodified=inputs_unmodified,
    )


def about(seed: int, *, sample: bool = False) -> CaseData:
    """Return a case of the question whose answer nobody guesses."""
    x = np.random.default_rng(seed).normal(size=(6, 4))
    return case({"x": x}, x.var(axis=0), sample=sample)


CASES = (about(1, sample=True), about(2), about(3), about(4))


def runs_of(
    box: Box, program: str, cases: Sequence[CaseData] = CASES, question: CodingQuestion = QUESTION
) -> list[CaseRun]:
    """Run the program on all cases, one after the other in one sandbox."""
    code = textwrap.dedent(program)
    return box.run(*(case_call(question, code, one) for one in cases))


def judged(
    box: Box, program: str, cases: Sequence[CaseData] = CASES, question: CodingQuestion = QUESTION
) -> Judgement:
    """Return what the program earns."""
    runs = runs_of(box, program, cases, question)
    verdicts = [judge_case(one, run) for one, run in zip(cases, runs, strict=True)]
    return summarise(question, verdicts)


def earns_nothing(box: Box, program: str, cases: Sequence[CaseData] = CASES) -> bool:
    """Return whether no case at all was accepted."""
    judgement = judged(box, program, cases)
    return judgement.score == 0 and judgement.verdict is not Verdict.AC


def described(one: CaseData, run: CaseRun) -> SampleTexts:
    """Return what a candidate is shown of a sample."""
    return describe_sample(one, run, QUESTION.entry_point)


def verdict_on(report: bytes, one: CaseData, outcome: Outcome = Outcome.RETURNED) -> Verdict:
    """Return the verdict on one case whose call gave back `report`."""
    return judge_case(one, CaseRun(outcome, 1.0, 1.0, 1, result=report)).verdict


def verdict_for(got: object, expected: Value, checker: Checker | None = None) -> Verdict:
    """Return the verdict where `expected` was wanted and `got` was returned."""
    return verdict_on(encode_value(got), case({}, expected, checker=checker))
