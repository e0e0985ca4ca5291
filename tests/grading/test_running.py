"""Running: limits with a margin, a second chance for what was late by a little, relative limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from app.grading.judging import CaseData
from app.grading.running import (
    CALIBRATION,
    FLOOR_MS,
    MARGIN,
    MAX_RERUNS,
    calibrate,
    case_call,
    run_cases,
)
from app.grading.runs import Call, CaseRun, Outcome, RunLimits, SandboxBrokenError
from app.grading.values import encode_value
from app.questions.schema import CloseChecker, CodingQuestion

BOTH = {"zh": "题", "en": "question"}


def question(**limits: Any) -> CodingQuestion:  # noqa: ANN401 - a question file may hold anything
    return CodingQuestion.model_validate(
        {
            "id": "sum",
            "kind": "coding",
            "title": BOTH,
            "prompt": BOTH,
            "entry_point": "f",
            "limits": {"cpu_seconds": 1, "wall_seconds": 4, **limits},
            "cases": [{"name": "case", "sample": True, "args": {}}],
            "solutions": [{"name": "reference", "verdict": "AC", "code": "f = sum"}],
            "rubric": [{"id": "correctness", "points": 2}],
        }
    )


def case(name: str = "case", group: str = "basics", **more: Any) -> CaseData:  # noqa: ANN401 - as above
    blank = (encode_value({}), encode_value(1), CloseChecker())
    return CaseData(name, group, False, *blank, inputs_unmodified=False, **more)  # noqa: FBT003


def took(cpu_ms: float, outcome: Outcome = Outcome.RETURNED, wall_ms: float = 1.0) -> CaseRun:
    result = encode_value(1) if outcome is Outcome.RETURNED else None
    return CaseRun(outcome, cpu_ms, wall_ms, 3, result=result)


@dataclass
class Sandbox:
    """Answers each call with what comes next; the calibration program takes `pace_ms`."""

    answers: list[CaseRun] = field(default_factory=list)
    pace_ms: tuple[float, ...] = (20.0, 20.0, 20.0)
    asked: list[list[Call]] = field(default_factory=list)
    spent: bool = False
    alive: bool = True

    def run(self, calls: Any) -> list[CaseRun]:  # noqa: ANN401 - a sequence of calls
        if calls[0].code == CALIBRATION:
            return [took(ms) for ms in self.pace_ms]
        self.asked.append(list(calls))
        return [self.answers.pop(0) for _ in calls]

    def close(self) -> None:
        pass

    @property
    def limits(self) -> list[float]:
        return [call.limits.cpu_seconds for calls in self.asked for call in calls]


def outcomes(runs: list[CaseRun]) -> list[tuple[Outcome, bool]]:
    return [(run.outcome, run.rerun) for run in runs]


# --- The second chance ----------------------------------------------------------------------


def test_call_is_stopped_only_beyond_the_margin() -> None:
    sandbox = Sandbox([took(10)])
    (run,) = run_cases(sandbox, question(), "code", [case()])
    assert sandbox.limits == [MARGIN]
    assert run == replace(took(10), allowed=RunLimits(1.0, 4.0, 256))


def test_call_that_was_late_by_a_little_is_run_again_and_the_better_counts() -> None:
    sandbox = Sandbox([took(1200), took(900)])
    (run,) = run_cases(sandbox, question(), "code", [case()])
    assert (run.outcome, run.cpu_ms, run.rerun) == (Outcome.RETURNED, 900, True)
    assert len(sandbox.asked) == 2


@pytest.mark.parametrize("second", [took(1100), took(1240), took(1300, Outcome.CPU_TIME)])
def test_call_that_is_late_again_is_a_time_out_without_a_result(second: CaseRun) -> None:
    sandbox = Sandbox([took(1200), second])
    (run,) = run_cases(sandbox, question(), "code", [case()])
    assert (run.outcome, run.result, run.rerun) == (Outcome.CPU_TIME, None, True)
    assert run.cpu_ms == min(1200, second.cpu_ms)


def test_clear_time_out_is_not_run_again() -> None:
    sandbox = Sandbox([took(1250, Outcome.CPU_TIME)])
    assert outcomes(run_cases(sandbox, question(), "code", [case()])) == [(Outcome.CPU_TIME, False)]


def test_wall_clock_that_ran_out_while_a_neighbour_had_the_cpu_is_tried_again() -> None:
    starved = took(100, Outcome.WALL_TIME, 4000)
    sandbox = Sandbox([starved, took(700)])
    assert outcomes(run_cases(sandbox, question(), "code", [case()])) == [(Outcome.RETURNED, True)]
    again = Sandbox([starved, starved])
    assert outcomes(run_cases(again, question(), "code", [case()])) == [(Outcome.WALL_TIME, True)]


def test_wall_clock_that_ran_out_in_work_is_not_tried_again() -> None:
    sandbox = Sandbox([took(900, Outcome.WALL_TIME, 4000)])
    assert outcomes(run_cases(sandbox, question(), "code", [case()])) == [
        (Outcome.WALL_TIME, False)
    ]


def test_program_that_sleeps_until_the_wall_clock_runs_out_is_not_tried_again() -> None:
    asleep = took(30, Outcome.WALL_TIME, 4000)
    sandbox = Sandbox([asleep])
    assert outcomes(run_cases(sandbox, question(), "code", [case()])) == [
        (Outcome.WALL_TIME, False)
    ]


def test_exception_beyond_the_limit_is_a_time_out() -> None:
    late = took(1100, Outcome.RAISED)
    (run,) = run_cases(Sandbox([late, late]), question(), "code", [case()])
    assert (run.outcome, run.error) == (Outcome.CPU_TIME, None)
    (quick,) = run_cases(Sandbox([took(5, Outcome.RAISED)]), question(), "code", [case()])
    assert quick.outcome is Outcome.RAISED


def test_only_the_late_cases_are_run_again_and_only_a_few() -> None:
    late = [took(1100)] * (MAX_RERUNS + 2)
    sandbox = Sandbox([took(10), *late, *[took(500)] * MAX_RERUNS])
    cases = [case(str(number)) for number in range(MAX_RERUNS + 3)]
    runs = run_cases(sandbox, question(), "code", cases)
    assert outcomes(runs) == [
        (Outcome.RETURNED, False),
        *[(Outcome.RETURNED, True)] * MAX_RERUNS,
        *[(Outcome.CPU_TIME, False)] * 2,
    ]


def test_second_chances_are_of_the_whole_program() -> None:
    late, fine = [took(1100)] * MAX_RERUNS, [took(500)] * MAX_RERUNS
    sandbox = Sandbox([*late, *fine, took(1100)])
    cases = [case(str(number)) for number in range(MAX_RERUNS)] + [case("last", "other")]
    runs = run_cases(sandbox, question(), "code", cases)
    assert outcomes(runs)[-1] == (Outcome.CPU_TIME, False)


def test_after_a_group_with_a_time_out_nothing_more_is_run() -> None:
    sandbox = Sandbox([took(1300, Outcome.CPU_TIME), took(5)])
    cases = [case("a"), case("b"), case("c", "other")]
    runs = run_cases(sandbox, question(), "code", cases)
    assert [run.outcome for run in runs] == [
        Outcome.CPU_TIME,
        Outcome.RETURNED,
        Outcome.WALL_TIME,
    ]
    assert len(sandbox.asked) == 1


# --- The relative limit ---------------------------------------------------------------------


def relative(reference_ms: float, here: tuple[float, ...] = (20.0, 20.0, 20.0)) -> float:
    """Return the CPU limit, in ms, of a case whose reference took so long at a pace of 20 ms."""
    sandbox = Sandbox([took(1)], here)
    one = case(reference_cpu_ms=reference_ms, calibration_cpu_ms=20.0)
    run_cases(sandbox, question(slowdown=5), "code", [one])
    return sandbox.limits[0] * 1000 / MARGIN


def test_relative_limit_is_a_multiple_of_what_the_reference_took() -> None:
    assert relative(60) == pytest.approx(300)


def test_relative_limit_grows_and_shrinks_with_the_pace_of_the_sandbox() -> None:
    assert relative(60, (40.0, 40.0, 40.0)) == pytest.approx(600)
    assert relative(60, (10.0, 10.0, 10.0)) == pytest.approx(150)


def test_one_disturbed_calibration_changes_nothing() -> None:
    assert relative(60, (20.0, 900.0, 20.0)) == pytest.approx(300)


def test_tiny_reference_gets_the_floor_and_no_noise_is_a_time_out() -> None:
    assert relative(0.1) == pytest.approx(FLOOR_MS)


def test_absolute_limit_stays_the_most() -> None:
    assert relative(5000) == pytest.approx(1000)


def test_question_without_a_relative_limit_is_not_calibrated() -> None:
    sandbox = Sandbox([took(1)], pace_ms=())
    run_cases(sandbox, question(), "code", [case(reference_cpu_ms=1.0)])
    assert sandbox.limits == [MARGIN]


def test_calibration_that_fails_is_the_sandboxes_fault() -> None:
    class Broken(Sandbox):
        def run(self, calls: Any) -> list[CaseRun]:  # noqa: ANN401 - a sequence of calls
            return [took(1, Outcome.DIED) for _ in calls]

    with pytest.raises(SandboxBrokenError):
        calibrate(Broken())


def test_call_of_a_script_says_so() -> None:
    assert case_call(question(), "code", case(scripted=True)).scripted
    assert not case_call(question(), "code", case()).scripted
