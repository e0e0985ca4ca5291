"""From an author's question to data that code is judged by: expanded cases, expected outputs.

The author's code (generators, solutions) runs in a sandbox as well: a question may come from
an upload.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from app.grading.checkers import check
from app.grading.judging import (
    CaseData,
    Mistake,
    judge_case,
    not_allowed,
    returned_by,
    summarise,
)
from app.grading.properties import (
    CheckerBrokenError,
    check_properties,
    checker_call,
    has_property,
    report_of,
    strange_outputs,
)
from app.grading.running import Runner, calibrate, case_call, run_limits
from app.grading.runs import Call, Outcome
from app.grading.static_rules import broken_rules, find_violations, is_stopped
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

    from app.grading.judging import JudgedCase
    from app.grading.runs import CaseRun, RunLimits, Sandbox
    from app.grading.values import Value
    from app.kit.i18n import Message
    from app.questions.schema import Case, CodingQuestion, Solution
    from app.questions.source import Loc


@dataclass(frozen=True, slots=True)
class Reference:
    """Cases with expected outputs, and what each declared wrong solution returned for them."""

    cases: tuple[CaseData, ...]
    mistakes: tuple[Mistake, ...]


class GateError(Exception):
    """The question must not go live; `message` says why, and `loc` where in the question."""

    def __init__(self, text: Message, loc: Loc) -> None:
        super().__init__(text.render("en"))
        self.message, self.loc = text, loc


def build_reference(question: CodingQuestion, sandbox: Sandbox) -> Reference:
    """Expand the cases, compute the expected outputs, and put every solution to the proof.

    Raises GateError when a generator, the reference or a checker fails, an accepted solution is
    not accepted, or a wrong one gets through a group that it is said to fail.
    """
    cases = tuple(_with_expected(question, sandbox, _expand(question, sandbox)))
    if not cases:
        raise GateError(message("There is no case to judge by."), ("cases",))
    runner = Runner(sandbox, question)
    mistakes = []
    try:
        for solution in question.solutions:
            runs = _prove(question, solution, cases, _Bench(sandbox, runner))
            if runs and solution.feedback is not None and solution.verdict == Verdict.WA:
                outputs = tuple(_wrong_output(*one) for one in zip(cases, runs, strict=True))
                mistakes.append(Mistake(solution.name, outputs))
        _try_checkers(question, cases, sandbox)
    except CheckerBrokenError as error:
        raise GateError(
            message("The checker of case “{case}” fails: {why}", case=error.case, why=error.why),
            _checker_loc(question, error.case),
        ) from error
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
        scripted=case.is_script,
    )
    if case.generate is None:
        yield replace(blank, args=_written(case))
        return
    limits, loc = run_limits(question), ("cases", question.cases.index(case), "generate")
    calls = [
        Call(case.generate, "generate", blank.args, limits, rng_seed=seed) for seed in case.seeds
    ]
    runs = sandbox.run(calls)
    for name, seed, run in zip(_names(case), case.seeds, runs, strict=True):
        if run.outcome != Outcome.RETURNED or run.result is None:
            raise GateError(
                message(
                    "The generator of case “{case}” failed for seed {seed}: {why}",
                    case=case.name,
                    seed=seed,
                    why=_why(run, limits),
                ),
                loc,
            )
        yield replace(blank, name=name, args=_generated(case, run.result, loc))


def _names(case: Case) -> list[str]:
    """Return what the cases are called that a case of the question comes to."""
    if case.generate is None or len(case.seeds) == 1:
        return [case.name]
    return [f"{case.name}-{seed}" for seed in case.seeds]


def _checker_loc(question: CodingQuestion, name: str) -> Loc:
    """Return where the checker stands that judges the expanded case `name`."""
    at = next(at for at, case in enumerate(question.cases) if name in _names(case))
    return ("checker",) if question.cases[at].checker is None else ("cases", at, "checker")


def _written(case: Case) -> bytes:
    """Return the arguments, or the script, that stand in the question."""
    if case.calls is None:
        return encode_value(from_yaml_args(case.args or {}))
    steps: list[Value] = [
        [step.read, None]
        if step.call is None
        else [step.call, cast("Value", from_yaml_args(step.args or {}))]
        for step in case.calls
    ]
    return encode_value({"init": from_yaml_args(case.init or {}), "calls": steps})


def _generated(case: Case, result: bytes, loc: Loc) -> bytes:
    try:
        value = decode_value(result)
    except InvalidValueError as error:
        raise GateError(
            message(
                "The generator of case “{case}” returned no usable data: {why}",
                case=case.name,
                why=str(error),
            ),
            loc,
        ) from error
    if case.scripted:
        return encode_value(_script(case, value, loc))
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise GateError(
            message(
                "The generator of case “{case}” must return a dict of arguments.", case=case.name
            ),
            loc,
        )
    return result


def _script(case: Case, value: Value, loc: Loc) -> Value:
    """Return what a generator of scripts returned, its steps as lists."""
    match value:
        case {"init": dict(init), "calls": (list() | tuple()) as steps, **others} if not others:
            if steps and _is_named(init) and all(map(_is_step, steps)):
                return {"init": init, "calls": [[*cast("Sequence[Value]", one)] for one in steps]}
    raise GateError(
        message(
            "The generator of case “{case}” must return "
            "dict(init={{…}}, calls=[(method, {{…}}), (attribute, None), …]).",
            case=case.name,
        ),
        loc,
    )


def _is_step(step: Value) -> bool:
    match step:
        case [str(name), None]:
            return name.isidentifier()
        case [str(name), dict(args)]:
            return name.isidentifier() and _is_named(args)
    return False


def _is_named(args: dict[str | int, Value]) -> bool:
    return all(isinstance(name, str) and name.isidentifier() for name in args)


def _with_expected(
    question: CodingQuestion, sandbox: Sandbox, cases: Sequence[CaseData]
) -> Iterator[CaseData]:
    reference = question.reference
    if reference is None:
        raise GateError(
            message("No solution has the verdict AC: nothing gives expected outputs."),
            ("solutions",),
        )
    calibration_ms = calibrate(sandbox) if question.limits.slowdown else None
    calls = [
        replace(case_call(question, reference.code, case), return_args=False) for case in cases
    ]
    for case, call, run in zip(cases, calls, sandbox.run(calls), strict=True):
        if run.outcome != Outcome.RETURNED or run.result is None:
            raise GateError(
                message(
                    "The reference solution “{name}” fails on case “{case}”: {why}",
                    name=reference.name,
                    case=case.name,
                    why=_why(run, call.limits),
                ),
                _solution_loc(question, reference),
            )
        yield replace(
            case,
            expected=run.result,
            reference_cpu_ms=run.cpu_ms,
            calibration_cpu_ms=calibration_ms,
        )


def _why(run: CaseRun, limits: RunLimits) -> Message | str:
    """Return why a call of the author's code gave nothing: with its limit, if it went over one."""
    match run.outcome:
        case Outcome.OUTPUT:
            return message(
                "more than {result} MB were returned, or more than {printed} KB printed",
                result=limits.result_bytes // 1024**2,
                printed=limits.stdout_bytes // 1024,
            )
        case Outcome.CPU_TIME:
            return message("more than {limit} s of CPU were used", limit=f"{limits.cpu_seconds:g}")
        case Outcome.WALL_TIME:
            return message("it took more than {limit} s", limit=f"{limits.wall_seconds:g}")
        case Outcome.MEMORY:
            return message("more than {limit} MB of memory were asked for", limit=limits.memory_mb)
    if run.error is None:
        return run.outcome.value
    return f"{run.error.type_name}: {run.error.message}"


def _solution_loc(question: CodingQuestion, solution: Solution) -> Loc:
    return ("solutions", question.solutions.index(solution))


@dataclass(frozen=True, slots=True)
class _Bench:
    """Where solutions are proven; all code in it is the author's."""

    sandbox: Sandbox
    runner: Runner


def _prove(
    question: CodingQuestion, solution: Solution, cases: Sequence[CaseData], bench: _Bench
) -> list[CaseRun]:
    """Put one solution to the proof; return its runs, none where its text stops it."""
    violations = find_violations(question, solution.code)
    if is_stopped(violations):
        runs: list[CaseRun] = []
        judged = [not_allowed(case, violations[0].message) for case in cases]
    else:
        runs = bench.runner.run(solution.code, cases)
        reports = check_properties(bench.sandbox, cases, runs)
        judged = [judge_case(*one) for one in zip(cases, runs, reports, strict=True)]
    _compare_verdicts(question, solution, judged, runs)
    _compare_rules(question, solution, broken_rules(violations))
    return runs


def _compare_verdicts(
    question: CodingQuestion,
    solution: Solution,
    judged: Sequence[JudgedCase],
    runs: Sequence[CaseRun],
) -> None:
    verdict = summarise(question, judged).verdict
    loc = _solution_loc(question, solution)
    if solution.verdict == Verdict.AC and verdict != Verdict.AC:
        worst = next(one for one in judged if one.verdict != Verdict.AC)
        raise GateError(
            message(
                "The accepted solution “{name}” gets {verdict} on case “{case}”.",
                name=solution.name,
                verdict=worst.verdict.value,
                case=worst.name,
            ),
            loc,
        )
    if solution.verdict not in {one.verdict for one in judged}:
        raise GateError(_other_verdict(solution, verdict, runs), loc)
    failed = {one.group for one in judged if one.verdict != Verdict.AC}
    for group in solution.fails:
        if group not in failed:
            raise GateError(
                message(
                    "The wrong solution “{name}” passes every case of group “{group}”.",
                    name=solution.name,
                    group=group,
                ),
                loc,
            )


def _other_verdict(solution: Solution, verdict: Verdict, runs: Sequence[CaseRun]) -> Message:
    """Say that a solution earns another verdict than it declares, and what is short of a TLE."""
    names = {"name": solution.name, "declared": solution.verdict, "verdict": verdict.value}
    timed = [(run.cpu_ms, run.allowed.cpu_seconds * 1000) for run in runs if run.allowed]
    if solution.verdict != Verdict.TLE or not timed:
        return message("The solution “{name}” is declared {declared} but gets {verdict}.", **names)
    used, limit = max(timed, key=lambda one: one[0] / one[1])
    return message(
        "The solution “{name}” is declared {declared} but gets {verdict}: the case that comes "
        "closest takes {used} ms of CPU, and {limit} ms are allowed.",
        **names,
        used=f"{used:.0f}",
        limit=f"{limit:.0f}",
    )


def _compare_rules(question: CodingQuestion, solution: Solution, broken: frozenset[str]) -> None:
    for rule in solution.breaks:
        if rule not in broken:
            raise GateError(
                message(
                    "The solution “{name}” is said to break the rule “{rule}”, but keeps it.",
                    name=solution.name,
                    rule=rule,
                ),
                _solution_loc(question, solution),
            )
    if solution is question.reference and broken:
        raise GateError(
            message(
                "The reference solution “{name}” breaks the rule “{rule}”.",
                name=solution.name,
                rule=min(broken),
            ),
            _solution_loc(question, solution),
        )


def _wrong_output(case: CaseData, run: CaseRun) -> bytes | None:
    """Return what a wrong solution gave back, if it is wrong there: only that tells it apart."""
    returned = returned_by(case, run)
    if returned is None or has_property(case):
        return None
    differs = not check(case.checker, decode_value(case.expected), returned.value).ok
    return encode_value(returned.value) if differs else None


def _try_checkers(question: CodingQuestion, cases: Sequence[CaseData], sandbox: Sandbox) -> None:
    """Show the checkers what candidates may return: one that raises would be nobody's verdict."""
    asked = [
        (case, checker_call(case, strange))
        for case in cases
        if has_property(case)
        for strange in strange_outputs(decode_value(case.expected))
    ]
    answers = sandbox.run([call for _, call in asked]) if asked else []
    for (case, _), answer in zip(asked, answers, strict=True):
        try:
            report_of(case.name, answer)
        except CheckerBrokenError as error:
            raise GateError(
                message(
                    "The checker of case “{case}” fails on a strange result (empty, of another "
                    "shape, or not a number) instead of refusing it: {why}",
                    case=case.name,
                    why=error.why,
                ),
                _checker_loc(question, case.name),
            ) from error
