"""Turns what calls did into verdicts, a score and perhaps a recognised mistake: pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from app.grading.checkers import CheckReport, check, explain
from app.grading.runs import Outcome
from app.grading.values import InvalidValueError, decode_value
from app.grading.verdicts import Verdict, first_bad, verdict_of
from app.kit.i18n import message
from app.questions.schema import ExactChecker, PropertyChecker

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from app.grading.runs import CaseRun
    from app.grading.values import Value
    from app.kit.i18n import Message
    from app.questions.schema import Checker, CodingQuestion, Criterion

_CPU_STEPS_MS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)
_UNCHANGED = ExactChecker(name="exact")


@dataclass(frozen=True, slots=True)
class CaseData:
    """A case ready to be run and judged; `args` and `expected` are encoded values.

    With `inputs_unmodified` it is run with ``return_args``. The args of a `scripted` case are
    those of a scripted call. `reference_cpu_ms` is what the reference took, and
    `calibration_cpu_ms` what the calibration program took then, if the limit is relative.
    """

    name: str
    group: str | None
    sample: bool
    args: bytes
    expected: bytes
    checker: Checker
    inputs_unmodified: bool
    scripted: bool = False
    reference_cpu_ms: float = 0.0
    calibration_cpu_ms: float | None = None


@dataclass(frozen=True, slots=True)
class JudgedCase:
    """The verdict on one case. Hidden cases have no `reason` and no `hints`: these quote them."""

    name: str
    group: str | None
    sample: bool
    verdict: Verdict
    reason: Message | None
    cpu_ms: float
    wall_ms: float
    memory_kb: int
    hints: tuple[Message, ...] = ()
    rerun: bool = False


@dataclass(frozen=True, slots=True)
class GroupResult:
    """All that a candidate learns of a group of hidden cases.

    `verdict` is the first that is not Accepted, `cpu_ms` the largest, coarsely.
    """

    name: str
    passed: int
    total: int
    verdict: Verdict
    cpu_ms: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a submission; `score` is a share, 0 to 1, of the points from cases."""

    verdict: Verdict
    score: float
    groups: tuple[GroupResult, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A declared wrong solution and, case by case, what it returned where that was wrong.

    A case with a property has none: there many outputs are right and as many are wrong.
    """

    name: str
    outputs: tuple[bytes | None, ...]


def judge_case(case: CaseData, run: CaseRun, report: CheckReport | None = None) -> JudgedCase:
    """Judge one call. What it returned is untrusted; a broken expected value is our own fault.

    `report` is what the author's checker said, for a case with a property whose call returned.
    Raises InvalidValueError only for `case`.
    """
    verdict, reason = _judge(case, run, report)
    return JudgedCase(
        name=case.name,
        group=case.group,
        sample=case.sample,
        verdict=verdict,
        reason=reason if case.sample else None,
        cpu_ms=run.cpu_ms,
        wall_ms=run.wall_ms,
        memory_kb=run.memory_kb,
        hints=_hints(case, run) if case.sample and verdict != Verdict.AC else (),
        rerun=run.rerun,
    )


def not_allowed(case: CaseData, reason: Message) -> JudgedCase:
    """Judge a case of a program that was not run, because its text breaks a rule."""
    shown = reason if case.sample else None
    return JudgedCase(case.name, case.group, case.sample, Verdict.NA, shown, 0.0, 0.0, 0)


def summarise(
    question: CodingQuestion,
    judged: Sequence[JudgedCase],
    broken: Collection[str] = (),
) -> Judgement:
    """Return verdict, score and groups of all judged cases, of which there is at least one.

    The verdict is that of the first case that was not accepted, samples before hidden ones.
    `broken` are the rules that cost points.
    """
    if not judged:
        raise ValueError("nothing was judged, so there is no verdict")
    in_order = sorted(judged, key=lambda case: not case.sample)
    groups = _groups(judged)
    return Judgement(
        verdict=first_bad(case.verdict for case in in_order),
        score=_score(question, judged, groups, broken),
        groups=groups,
    )


def recognise_mistake(
    cases: Sequence[CaseData], runs: Sequence[CaseRun], mistakes: Iterable[Mistake]
) -> str | None:
    """Return the first mistake whose wrong outputs are all those of this program.

    At least one of them must be wrong here too: between two tolerances lies room for an
    output that answers both.
    """

    @cache  # and read only when asked for: most programs differ from a mistake at once
    def returned(at: int) -> Returned | None:
        return returned_by(cases[at], runs[at])

    for mistake in mistakes:
        recorded = [
            (at, case, output)
            for at, (case, output) in enumerate(zip(cases, mistake.outputs, strict=True))
            if output is not None and not isinstance(case.checker, PropertyChecker)
        ]
        if all(_answers(case, output, returned(at)) for at, case, output in recorded) and any(
            not _answers(case, case.expected, returned(at)) for at, case, _ in recorded
        ):
            return mistake.name
    return None


def _answers(case: CaseData, wanted: bytes, got: Returned | None) -> bool:
    return got is not None and check(case.checker, decode_value(wanted), got.value).ok


# --- One case -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Returned:
    """A decoded result; `args_after` only where the case demands unmodified inputs."""

    value: Value
    args_after: Value = None


def _judge(
    case: CaseData, run: CaseRun, asked: CheckReport | None
) -> tuple[Verdict, Message | None]:
    decided = verdict_of(run.outcome)
    if decided is not None:
        return decided, _over_a_limit(run) or _error(run)
    try:
        returned = _returned(case, run)
    except InvalidValueError as error:
        return Verdict.IO, message("What was returned cannot be read: {why}.", why=error.reason)
    report = _report(case, returned.value, asked)
    if not report.ok:
        return _verdict_on(report), _at_step(case, report.reason)
    if case.inputs_unmodified and (name := _modified(case, returned.args_after)) is not None:
        return Verdict.WA, message('The argument "{name}" was modified.', name=name)
    return Verdict.AC, None


def _report(case: CaseData, value: Value, asked: CheckReport | None) -> CheckReport:
    if not isinstance(case.checker, PropertyChecker):
        return check(case.checker, decode_value(case.expected), value)
    if asked is None:
        raise ValueError("the checker of the case was not asked")
    return asked


def _at_step(case: CaseData, reason: Message | None) -> Message | None:
    """Return the reason with the step of a script that it is about: ``3. m.running_var[0]``."""
    if reason is None or not case.scripted:
        return reason
    place = re.fullmatch(r"result\[(\d+)\](.*)", str(reason.values.get("where")))
    if place is None:
        return reason
    match decode_value(case.args):
        case {"calls": list(steps)}:
            at = int(place[1])
            match steps[at]:
                case [str(name), called]:
                    step = f"{at + 1}. m.{name}{'' if called is None else '(…)'}{place[2]}"
                    return replace(reason, values={**reason.values, "where": step})
    return reason


def _hints(case: CaseData, run: CaseRun) -> tuple[Message, ...]:
    """Return what may have led to a wrong result, if anything was returned."""
    returned = returned_by(case, run)
    if returned is None:
        return ()
    return explain(case.checker, decode_value(case.expected), returned.value)


def _verdict_on(report: CheckReport) -> Verdict:
    return Verdict.IO if report.wrong_type else Verdict.WA


def _over_a_limit(run: CaseRun) -> Message | None:
    """Return which limit a call went over, and by how much where that is known."""
    if run.outcome is Outcome.OUTPUT:
        return message("More was printed or returned than is allowed.")
    if run.allowed is None:
        return None
    match run.outcome:
        case Outcome.CPU_TIME:
            return message(
                "{used} s of CPU; at most {most} s are allowed.",
                used=_seconds(run.cpu_ms),
                most=_seconds(run.allowed.cpu_seconds * 1000),
            )
        case Outcome.WALL_TIME:
            return message(
                "{used} s in all, {cpu} s of CPU among them; at most {most} s in all are allowed.",
                used=_seconds(run.wall_ms),
                cpu=_seconds(run.cpu_ms),
                most=_seconds(run.allowed.wall_seconds * 1000),
            )
        case Outcome.MEMORY:
            return message(
                "More than {most} MB of memory were asked for.", most=run.allowed.memory_mb
            )
    return None


def _seconds(milliseconds: float) -> str:
    return f"{round(milliseconds / 1000, 3):g}"


def _error(run: CaseRun) -> Message | None:
    if run.outcome is Outcome.DIED:
        return message("The process ended without an answer.")
    if run.error is None:
        return None
    return message(
        "{type}: {what}\n{traceback}",
        type=run.error.type_name,
        what=run.error.message,
        traceback=run.error.traceback,
    )


def _returned(case: CaseData, run: CaseRun) -> Returned:
    if run.result is None:
        raise InvalidValueError("no result")
    value = decode_value(run.result)
    if not case.inputs_unmodified:
        return Returned(value)
    if not isinstance(value, tuple) or len(value) != 2:  # noqa: PLR2004  result and arguments
        raise InvalidValueError("no pair of a result and arguments")
    return Returned(*value)


def returned_by(case: CaseData, run: CaseRun) -> Returned | None:
    """Return what a call gave back, or None if it gave nothing back that can be read."""
    if verdict_of(run.outcome) is not None:
        return None
    try:
        return _returned(case, run)
    except InvalidValueError:
        return None


def _modified(case: CaseData, after: Value) -> str | None:
    """Return the first argument that is not as it was before the call, "*" for all of them."""
    before = decode_value(case.args)
    if case.scripted:
        before, after = _flat_script(before), _flat_script(after)
    if not isinstance(before, dict) or not isinstance(after, dict):
        return "*"
    for name, value in before.items():
        if name not in after or not check(_UNCHANGED, value, after[name]).ok:
            return str(name)
    return None


def _flat_script(script: Value) -> Value:
    """Return the arguments of a script by names as people say them: ``2. forward(x)``."""
    match script:
        case {"init": dict(init), "calls": list(steps)}:
            flat = dict(init)
            for number, step in enumerate(steps, start=1):
                match step:
                    case [str(method), dict(args)]:
                        flat |= {f"{number}. {method}({name})": args[name] for name in args}
            return flat
    return None


# --- All cases ------------------------------------------------------------------------------


def _groups(judged: Sequence[JudgedCase]) -> tuple[GroupResult, ...]:
    members: dict[str, list[JudgedCase]] = {}
    for case in judged:
        if case.group is not None and not case.sample:
            members.setdefault(case.group, []).append(case)
    return tuple(_group(name, cases) for name, cases in members.items())


def _group(name: str, cases: Sequence[JudgedCase]) -> GroupResult:
    slowest = max(case.cpu_ms for case in cases)
    return GroupResult(
        name=name,
        passed=_passed(cases),
        total=len(cases),
        verdict=first_bad(case.verdict for case in cases),
        cpu_ms=coarse_cpu_ms(slowest),
    )


def coarse_cpu_ms(milliseconds: float) -> int:
    """Return what may be told of the CPU time of hidden cases: rounded up to 10, 20, 50, 100, ….

    A program can burn as much of it as it likes: in even steps it could count a hidden input.
    """
    return next((step for step in _CPU_STEPS_MS if milliseconds <= step), _CPU_STEPS_MS[-1])


def _passed(cases: Iterable[JudgedCase]) -> int:
    return sum(case.verdict is Verdict.AC for case in cases)


def _score(
    question: CodingQuestion,
    judged: Sequence[JudgedCase],
    groups: Sequence[GroupResult],
    broken: Collection[str],
) -> float:
    """Return the share of points; without hidden cases, the share of cases."""
    counts = {group.name: (group.passed, group.total) for group in groups}
    criteria = [one for one in question.rubric if one.from_groups or one.from_rules]
    if not groups or not criteria:
        counted = [case for case in judged if not case.sample] or judged
        return _passed(counted) / len(counted)
    earned = sum(
        criterion.points * _share([counts.get(name, (0, 1)) for name in _names(criterion, counts)])
        for criterion in criteria
        if not set(criterion.from_rules) & set(broken)
    )
    return earned / sum(criterion.points for criterion in criteria)


def _names(criterion: Criterion, counts: Collection[str]) -> Collection[str]:
    """Return the groups that earn a criterion: all of them where it names only rules."""
    return criterion.from_groups or counts


def _share(counts: Sequence[tuple[int, int]]) -> float:
    return sum(passed for passed, _ in counts) / sum(total for _, total in counts)
