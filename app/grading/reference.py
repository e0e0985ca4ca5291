"""From an author's question to data that code is judged by: expanded cases, expected outputs.

The author's code (generators, solutions) runs in a sandbox as well: a question may come from
an upload.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.grading.checkers import check
from app.grading.judging import CaseData, Mistake, judge_case, returned_by, summarise
from app.grading.runs import Call, Outcome, RunLimits
from app.grading.values import (
    InvalidValueError,
    decode_value,
    encode_value,
    from_yaml_args,
)
from app.grading.verdicts import Verdict
from app.kit.i18n import message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.grading.runs import CaseRun, Sandbox
    from app.kit.i18n import Message
    from app.questions.schema import Case, CodingQuestion, Solution


@dataclass(frozen=True, slots=True)
class Reference:
    """Cases with expected outputs, and what each declared wrong solution returned for them."""

    cases: tuple[CaseData, ...]
    mistakes: tuple[Mistake, ...]


class GateError(Exception):
    """The question must not go live; `message` says why."""

    def __init__(self, text: Message) -> None:
        super().__init__(text.render("en"))
        self.message = text


def run_limits(question: CodingQuestion) -> RunLimits:
    """Return the question's limits as the sandbox takes them."""
    limits = question.limits
    return RunLimits(limits.cpu_seconds, limits.wall_seconds, limits.memory_mb)


def case_call(question: CodingQuestion, code: str, case: CaseData) -> Call:
    """Return the call that runs `code` on `case`."""
    return Call(
        code=code,
        entry_point=question.entry_point,
        args=case.args,
        limits=run_limits(question),
        return_args=case.inputs_unmodified,
    )


def build_reference(question: CodingQuestion, sandbox: Sandbox) -> Reference:
    """Expand the cases, compute the expected outputs, and put every solution to the proof.

    Raises GateError when a generator or the reference fails, an accepted solution is not
    accepted, or a wrong one gets through a group that it is said to fail.
    """
    cases = tuple(_with_expected(question, sandbox, _expand(question, sandbox)))
    mistakes = []
    for solution in question.solutions:
        runs = sandbox.run([case_call(question, solution.code, case) for case in cases])
        _prove(question, solution, cases, runs)
        if solution.feedback is not None and solution.verdict == Verdict.WA:
            mistakes.append(
                Mistake(
                    solution.name,
                    tuple(_returned(case, run) for case, run in zip(cases, runs, strict=True)),
                )
            )
    return Reference(cases, tuple(mistakes))


def _expand(question: CodingQuestion, sandbox: Sandbox) -> list[CaseData]:
    """Return all cases, samples first: what a sample prints is shown, and must know no hidden one.

    The cases of a group stand together.
    """
    groups = [None, *dict.fromkeys(case.group for case in question.cases if not case.sample)]
    in_order = sorted(
        question.cases, key=lambda case: groups.index(None if case.sample else case.group)
    )
    return [data for case in in_order for data in _expand_case(question, case, sandbox)]


def _expand_case(question: CodingQuestion, case: Case, sandbox: Sandbox) -> Iterator[CaseData]:
    blank = CaseData(
        name=case.name,
        group=case.group,
        sample=case.sample,
        args=encode_value({}),
        expected=b"",
        checker=case.checker or question.checker,
        inputs_unmodified=case.inputs_unmodified,
    )
    if case.generate is None:
        yield replace(blank, args=encode_value({**from_yaml_args(case.args or {})}))
        return
    calls = [
        Call(case.generate, "generate", blank.args, run_limits(question), rng_seed=seed)
        for seed in case.seeds
    ]
    for seed, run in zip(case.seeds, sandbox.run(calls), strict=True):
        name = case.name if len(case.seeds) == 1 else f"{case.name}-{seed}"
        yield replace(blank, name=name, args=_arguments(case, seed, run))


def _arguments(case: Case, seed: int, run: CaseRun) -> bytes:
    if run.outcome != Outcome.RETURNED or run.result is None:
        raise GateError(
            message(
                "The generator of case “{case}” failed for seed {seed}: {why}",
                case=case.name,
                seed=seed,
                why=_why(run),
            )
        )
    try:
        value = decode_value(run.result)
    except InvalidValueError as error:
        raise GateError(
            message(
                "The generator of case “{case}” returned no usable data: {why}",
                case=case.name,
                why=str(error),
            )
        ) from error
    if not isinstance(value, dict):
        raise GateError(
            message(
                "The generator of case “{case}” must return a dict of arguments.", case=case.name
            )
        )
    return run.result


def _with_expected(
    question: CodingQuestion, sandbox: Sandbox, cases: Sequence[CaseData]
) -> Iterator[CaseData]:
    reference = next(one for one in question.solutions if one.verdict == Verdict.AC)
    calls = [
        replace(case_call(question, reference.code, case), return_args=False) for case in cases
    ]
    for case, run in zip(cases, sandbox.run(calls), strict=True):
        if run.outcome != Outcome.RETURNED or run.result is None:
            raise GateError(
                message(
                    "The reference solution “{name}” fails on case “{case}”: {why}",
                    name=reference.name,
                    case=case.name,
                    why=_why(run),
                )
            )
        yield replace(case, expected=run.result)


def _why(run: CaseRun) -> str:
    if run.error is None:
        return run.outcome.value
    return f"{run.error.type_name}: {run.error.message}"


def _prove(
    question: CodingQuestion,
    solution: Solution,
    cases: Sequence[CaseData],
    runs: Sequence[CaseRun],
) -> None:
    judged = [judge_case(case, run) for case, run in zip(cases, runs, strict=True)]
    verdict = summarise(question, judged).verdict
    if solution.verdict == Verdict.AC and verdict != Verdict.AC:
        worst = next(one for one in judged if one.verdict != Verdict.AC)
        raise GateError(
            message(
                "The accepted solution “{name}” gets {verdict} on case “{case}”.",
                name=solution.name,
                verdict=worst.verdict.value,
                case=worst.name,
            )
        )
    if solution.verdict not in {one.verdict for one in judged}:
        raise GateError(
            message(
                "The solution “{name}” is declared {declared} but gets {verdict}.",
                name=solution.name,
                declared=solution.verdict,
                verdict=verdict.value,
            )
        )
    failed = {one.group for one in judged if one.verdict != Verdict.AC}
    for group in solution.fails:
        if group not in failed:
            raise GateError(
                message(
                    "The wrong solution “{name}” passes every case of group “{group}”.",
                    name=solution.name,
                    group=group,
                )
            )


def _returned(case: CaseData, run: CaseRun) -> bytes | None:
    """Return what a wrong solution gave back, if it is wrong there: only that tells it apart."""
    returned = returned_by(case, run)
    if returned is None:
        return None
    differs = not check(case.checker, decode_value(case.expected), returned.value).ok
    return encode_value(returned.value) if differs else None
