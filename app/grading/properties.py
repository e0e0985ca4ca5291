"""Asks an author's code whether an output has a property: in a sandbox, on plain data.

The code never meets the candidate's: it runs in another sandbox, and what it gets was decoded and
encoded anew on the trusted side.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from app.grading.checkers import CheckReport, plain
from app.grading.judging import returned_by
from app.grading.runs import Call, Outcome, RunLimits
from app.grading.values import InvalidValueError, decode_value, encode_value
from app.kit.i18n import message
from app.questions.schema import PropertyChecker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.grading.judging import CaseData
    from app.grading.runs import CaseRun, Sandbox
    from app.grading.values import Value

LIMITS = RunLimits(cpu_seconds=10, wall_seconds=30, memory_mb=512)
_LONGEST_REASON = 500


class CheckerBrokenError(Exception):
    """An author's checker raised, ran out of its limits or gave no answer: nobody's verdict."""

    def __init__(self, case: str, why: str) -> None:
        super().__init__(f"the checker of case {case}: {why}")
        self.case = case
        self.why = why


def has_property(case: CaseData) -> bool:
    """Return whether the case is judged by its author's code."""
    return isinstance(case.checker, PropertyChecker)


def check_properties(
    sandbox: Sandbox, cases: Sequence[CaseData], runs: Sequence[CaseRun]
) -> list[CheckReport | None]:
    """Return what the checkers say of each case; None where none is needed.

    Raises CheckerBrokenError, SandboxBrokenError, and InvalidValueError for the cases' own data.
    """
    reports: list[CheckReport | None] = [None] * len(cases)
    asked: dict[int, Call] = {}
    for at, (case, run) in enumerate(zip(cases, runs, strict=True)):
        returned = returned_by(case, run) if has_property(case) else None
        if returned is not None:
            args, expected = decode_value(case.args), decode_value(case.expected)
            reports[at] = other_type(case, expected, returned.value)
            if reports[at] is None:
                try:
                    asked[at] = _call(case, args, returned.value, expected)
                except InvalidValueError as error:  # ours was encoded before
                    reports[at] = _unreadable(error)
    answers = sandbox.run([*asked.values()]) if asked else []
    for at, answer in zip(asked, answers, strict=True):
        reports[at] = report_of(cases[at].name, answer)
    return reports


def other_type(case: CaseData, expected: Value, got: Value) -> CheckReport | None:
    """Return a report if `got` is not of the type of the reference's output.

    That is asked before the author's code, which need not look out for what no answer can be.
    """
    if type(plain(expected)) is not type(plain(got)):
        return _wrong_type(expected, got)
    if isinstance(expected, np.ndarray) and isinstance(got, np.ndarray):
        return None if expected.dtype.kind == got.dtype.kind else _wrong_type(expected, got)
    # A tuple has as many parts as were promised, and a script as many steps.
    fixed = isinstance(expected, tuple) or case.scripted
    if fixed and isinstance(expected, (tuple, list)) and isinstance(got, (tuple, list)):
        if len(expected) != len(got):
            return _wrong_type(expected, got)
        reports = (other_type(case, one, other) for one, other in zip(expected, got, strict=True))
        return next((report for report in reports if report is not None), None)
    return None


def checker_call(case: CaseData, output: Value) -> Call:
    """Return the call that asks the author's code of a case with a property about `output`."""
    return _call(case, decode_value(case.args), output, decode_value(case.expected))


def _call(case: CaseData, args: Value, output: Value, expected: Value) -> Call:
    if not isinstance(case.checker, PropertyChecker):
        raise TypeError(case.checker.name)
    given: dict[str | int, Value] = {"args": args, "output": output, "expected": expected}
    return Call(case.checker.code, "check", encode_value(given), LIMITS)


def report_of(case: str, answer: CaseRun) -> CheckReport:
    """Return what a checker said. Raises CheckerBrokenError."""
    if answer.outcome is not Outcome.RETURNED or answer.result is None:
        raise CheckerBrokenError(case, _why(answer))
    try:
        said = plain(decode_value(answer.result))
    except InvalidValueError as error:
        raise CheckerBrokenError(case, error.reason) from error
    if said is True:
        return CheckReport(ok=True)
    if said is False:
        return CheckReport(ok=False, reason=_NO_PROPERTY)
    if isinstance(said, str):
        return CheckReport(ok=False, reason=message("{why}", why=said[:_LONGEST_REASON]))
    raise CheckerBrokenError(case, f"it returned a {type(said).__name__}")


def strange_outputs(expected: Value) -> Iterator[Value]:
    """Yield outputs of the right type that a careless checker trips over: for its author's gate."""
    if isinstance(expected, np.ndarray):
        yield np.zeros(0, expected.dtype)
        yield np.zeros((1, *expected.shape), expected.dtype)
        if expected.dtype.kind in "fc":
            yield np.full_like(expected, np.nan)
        if expected.dtype.kind == "f":
            # Infinite once they are doubles, and once they are added up: both ways to NaN.
            yield _alternating(np.longdouble("1e4000"), expected.shape)
            yield _alternating(np.finfo(float).max, expected.shape)
    elif isinstance(expected, tuple):
        for at, part in enumerate(expected):
            for strange in strange_outputs(part):
                yield (*expected[:at], strange, *expected[at + 1 :])
    elif isinstance(expected, (list, dict, str)):
        yield type(expected)()
    elif isinstance(expected, float):
        yield float("nan")
        yield sys.float_info.max


_NO_PROPERTY = message("The result does not have the property that is asked for.")


def _alternating(huge: np.floating[Any] | float, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array of one number, every other pair of them negative."""
    values = np.full(shape, huge)
    values.flat[2::4] *= -1
    values.flat[3::4] *= -1
    return values


def _unreadable(error: InvalidValueError) -> CheckReport:
    """Report a value that cannot travel on: one level deeper, perhaps too deep."""
    text = message("What was returned cannot be read: {why}.", why=error.reason)
    return CheckReport(ok=False, reason=text, wrong_type=True)


def _wrong_type(expected: Value, got: Value) -> CheckReport:
    text = message(
        "result: expected {expected}, got {got}.", expected=_kind(expected), got=_kind(got)
    )
    return CheckReport(ok=False, reason=text, wrong_type=True)


def _kind(value: Value) -> str:
    if isinstance(value, np.ndarray):
        return f"ndarray({value.dtype})"
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__}(len={len(value)})"
    return type(plain(value)).__name__


def _why(answer: CaseRun) -> str:
    if answer.error is None:
        return answer.outcome.value
    return f"{answer.error.type_name}: {answer.error.message}"
