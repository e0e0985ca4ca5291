"""Runs a program on cases, each within its time; what was late by a little gets a second chance."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from statistics import median
from typing import TYPE_CHECKING

from app.grading.runs import Call, CaseRun, Outcome, RunLimits, SandboxBrokenError
from app.grading.values import encode_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.grading.judging import CaseData
    from app.grading.runs import Sandbox
    from app.questions.schema import CodingQuestion

MARGIN = 1.25  # beyond this many times the limit a call is late without any doubt
MAX_RERUNS = 3  # of one program: a neighbour's load is seldom, a slow program never ends
ALL_RESULTS = 64 * 1024 * 1024  # bytes that one program may return for all cases together
LEAST_RESULT = 2 * 1024 * 1024  # bytes that it may return for each, however many there are
ASLEEP = 0.1  # of the limit: who used less while the wall clock ran out did not want any CPU
FLOOR_MS = 100.0  # below, noise is as large as what is measured

# Little arithmetic on large data and much of the interpreter, as answers are: about 10 ms.
CALIBRATION = """\
import numpy as np


def calibrate():
    grid = np.arange(40_000.0).reshape(200, 200) / 40_000.0
    for _ in range(4):
        grid = np.tanh(grid @ grid.T / 200.0) + grid.mean(axis=0)
    total = 0.0
    for number in range(60_000):
        total += number % 7 * 0.5
    return float(grid.sum()) + total
"""
_CALIBRATION_LIMITS = RunLimits(cpu_seconds=20, wall_seconds=60, memory_mb=256)
_CALIBRATIONS = 3
CALIBRATION_SECONDS = _CALIBRATIONS * _CALIBRATION_LIMITS.wall_seconds  # at the very most
_TIMEOUTS = frozenset({Outcome.CPU_TIME, Outcome.WALL_TIME})
_NO_ARGUMENTS = encode_value({})


def run_limits(question: CodingQuestion) -> RunLimits:
    """Return the question's limits as the sandbox takes them."""
    limits = question.limits
    return RunLimits(limits.cpu_seconds, limits.wall_seconds, limits.memory_mb)


def case_call(question: CodingQuestion, code: str, case: CaseData) -> Call:
    """Return the call that runs `code` on `case`.

    All results of a program are kept until the last is there, so that they share what may be
    returned. How much is there tells a program nothing of a case: only how many there are.
    """
    count = sum(len(one.seeds) or 1 for one in question.cases)
    limits = run_limits(question)
    share = max(LEAST_RESULT, min(limits.result_bytes, ALL_RESULTS // count))
    return Call(
        code=code,
        entry_point=question.entry_point,
        args=case.args,
        limits=replace(limits, result_bytes=share),
        return_args=case.inputs_unmodified,
        scripted=case.scripted,
    )


def calibrate(sandbox: Sandbox) -> float:
    """Return how many ms of CPU the calibration program takes in `sandbox` now.

    The program is public: unlike the reference, it may run where a candidate's code runs. Raises
    SandboxBrokenError.
    """
    call = Call(CALIBRATION, "calibrate", _NO_ARGUMENTS, _CALIBRATION_LIMITS)
    runs = sandbox.run([call] * _CALIBRATIONS)
    if any(run.outcome is not Outcome.RETURNED for run in runs):
        raise SandboxBrokenError("the calibration program did not return")
    return median(run.cpu_ms for run in runs)


def run_cases(
    sandbox: Sandbox, question: CodingQuestion, code: str, cases: Sequence[CaseData]
) -> list[CaseRun]:
    """Run the cases group by group.

    After a group with a time-out the rest is not run: an endless loop must not hold a
    sandbox for the sum of all limits.
    """
    runner = Runner(sandbox, question)
    runs: list[CaseRun] = []
    for _, members in groupby(cases, key=lambda case: case.group):
        group = list(members)
        runs += not_run(group) if was_late(runs) else runner.run(code, group)
    return runs


def was_late(runs: Iterable[CaseRun]) -> bool:
    """Return whether something timed out, after which nothing else is run."""
    return any(run.outcome in _TIMEOUTS for run in runs)


def not_run(cases: Iterable[CaseData]) -> list[CaseRun]:
    """Return what is told of cases that are not run because others timed out."""
    return [CaseRun(Outcome.WALL_TIME, 0.0, 0.0, 0) for _ in cases]


class Runner:
    """Runs programs for one question in one sandbox, whose pace it measures where that matters."""

    def __init__(self, sandbox: Sandbox, question: CodingQuestion) -> None:
        self._sandbox = sandbox
        self._question = question
        self._reruns = 0
        # Before any program of a candidate ran: nothing may influence what is measured here.
        self._calibration_ms = calibrate(sandbox) if question.limits.slowdown else 0.0

    def run(self, code: str, cases: Sequence[CaseData]) -> list[CaseRun]:
        """Run `code` on every case; a time-out near the limit is run again, and the better counts.

        The sandbox stops a call only at MARGIN times its limit of CPU, so that a call that is late
        by a little is told from one that would run for ever.
        """
        limits = [self._cpu_ms(case) for case in cases]
        calls = [self._call(code, case, limit) for case, limit in zip(cases, limits, strict=True)]
        runs = self._sandbox.run(calls)
        again = [
            at
            for at, (run, limit) in enumerate(zip(runs, limits, strict=True))
            if is_near(run, limit)
        ][: MAX_RERUNS - self._reruns]
        self._reruns += len(again)
        seconds = self._sandbox.run([calls[at] for at in again]) if again else []
        for at, second in zip(again, seconds, strict=True):
            runs[at] = replace(_better(runs[at], second, limits[at]), rerun=True)
        held = [_held(run, limit) for run, limit in zip(runs, limits, strict=True)]
        allowed = [
            replace(call.limits, cpu_seconds=ms / 1000)
            for call, ms in zip(calls, limits, strict=True)
        ]
        return [replace(run, allowed=most) for run, most in zip(held, allowed, strict=True)]

    def _cpu_ms(self, case: CaseData) -> float:
        """Return the CPU limit: absolute, or what the reference took, at this sandbox's pace."""
        limits = self._question.limits
        most = limits.cpu_seconds * 1000
        if limits.slowdown is None or not case.calibration_cpu_ms:
            return most
        pace = self._calibration_ms / case.calibration_cpu_ms
        return min(most, max(FLOOR_MS, limits.slowdown * case.reference_cpu_ms * pace))

    def _call(self, code: str, case: CaseData, cpu_ms: float) -> Call:
        call = case_call(self._question, code, case)
        return replace(call, limits=replace(call.limits, cpu_seconds=cpu_ms * MARGIN / 1000))


def is_near(run: CaseRun, cpu_ms: float) -> bool:
    """Return whether a call was late by so little, or for such a reason, that load may explain it.

    It ended by itself beyond its limit of CPU, or the wall clock ran out while it had little CPU.
    Next to none of it is no load, under which every call gets a share, but a sleep.
    """
    if run.outcome is Outcome.CPU_TIME:
        return False
    if run.outcome is Outcome.WALL_TIME:
        return cpu_ms * ASLEEP <= run.cpu_ms < cpu_ms / 2
    return run.cpu_ms > cpu_ms


def _better(first: CaseRun, second: CaseRun, cpu_ms: float) -> CaseRun:
    """Return the run that was in time, or the quicker one."""
    return min((second, first), key=lambda run: (_is_late(run, cpu_ms), run.cpu_ms))


def _held(run: CaseRun, cpu_ms: float) -> CaseRun:
    """Return the run as a limit without a margin sees it."""
    if run.outcome is Outcome.WALL_TIME or not _is_late(run, cpu_ms):
        return run
    return replace(run, outcome=Outcome.CPU_TIME, result=None, error=None)


def _is_late(run: CaseRun, cpu_ms: float) -> bool:
    return run.outcome in _TIMEOUTS or run.cpu_ms > cpu_ms
