"""The gate: what authors declare is put to the proof before anybody is judged by it."""

from __future__ import annotations

from typing import Any

import pytest

from app.grading.reference import GateError, build_reference
from app.grading.running import case_call, run_limits
from app.grading.runs import Call, CaseRun, Outcome
from app.grading.values import decode_value, encode_value
from app.questions.bank import read_question
from app.questions.schema import CodingQuestion
from tests.fakes import FakeEngine, FakeSandbox, run_in_process
from tests.site import BANK

GIVEN = read_question(BANK / "basics" / "double.yaml").document
PLAIN = {"name": "plain", "verdict": "AC", "code": "def double(x):\n    return 2 * x"}
SHOWN = {"name": "shown", "sample": True, "args": {"x": [1.0]}}


def question(**changes: Any) -> CodingQuestion:  # noqa: ANN401 - a question file may hold anything
    assert isinstance(GIVEN, CodingQuestion)
    return CodingQuestion.model_validate(GIVEN.model_dump(exclude_unset=True) | changes)


def solution(name: str, verdict: str, code: str, **more: object) -> dict[str, object]:
    return {"name": name, "verdict": verdict, "code": code, **more}


def sandbox(engine: FakeEngine | None = None) -> FakeSandbox:
    return (engine or FakeEngine()).start()


def refusal(asked: CodingQuestion, engine: FakeEngine | None = None) -> str:
    with pytest.raises(GateError) as caught:
        build_reference(asked, sandbox(engine))
    return caught.value.message.render("en")


def test_cases_are_expanded_with_expected_outputs() -> None:
    reference = build_reference(question(), sandbox())
    names = [(case.name, case.group, case.sample) for case in reference.cases]
    assert names == [
        ("shown", None, True),
        ("secret-case", "values", False),
        ("random-1", "more", False),
        ("random-2", "more", False),
    ]
    for case in reference.cases:
        arguments: Any = decode_value(case.args)
        assert (decode_value(case.expected) == 2 * arguments["x"]).all()


def test_generated_cases_are_the_same_each_time_and_unlike_each_other() -> None:
    first, second = (build_reference(question(), sandbox()).cases for _ in range(2))
    assert [case.args for case in first] == [case.args for case in second]
    assert len({case.args for case in first}) == len(first)


def test_samples_come_first_so_that_what_they_print_knows_no_hidden_case() -> None:
    cases = [
        {"name": "hidden", "group": "values", "args": {"x": [3.0]}},
        {"name": "other", "group": "more", "args": {"x": [4.0]}},
        {"name": "again", "group": "values", "args": {"x": [5.0]}},
        SHOWN,
    ]
    reference = build_reference(question(cases=cases, solutions=[PLAIN]), sandbox())
    assert [case.name for case in reference.cases] == ["shown", "hidden", "again", "other"]


def test_wrong_solution_is_remembered_only_where_it_is_wrong() -> None:
    (mistake,) = build_reference(question(), sandbox()).mistakes
    assert mistake.name == "squared"
    assert mistake.outputs[0] is not None  # 1, 4 instead of 2, 4
    cases = [{"name": "same", "sample": True, "args": {"x": [0.0, 2.0]}}, SHOWN]
    wrong = solution(
        "squared",
        "WA",
        "def double(x):\n    return x * x",
        feedback={"zh": "平方", "en": "The square."},
    )
    asked = question(cases=cases, solutions=[PLAIN, wrong])
    (mistake,) = build_reference(asked, sandbox()).mistakes
    assert [output is None for output in mistake.outputs] == [True, False]


def test_wrong_solution_without_feedback_is_proven_but_not_recognised() -> None:
    wrong = solution("squared", "WA", "def double(x):\n    return x * x", fails=["values"])
    assert build_reference(question(solutions=[PLAIN, wrong]), sandbox()).mistakes == ()


def test_reference_that_fails_is_named_with_its_case() -> None:
    broken = solution("plain", "AC", "def double(x):\n    return 1 / 0")
    why = refusal(question(solutions=[broken]))
    assert why == (
        "The reference solution “plain” fails on case “shown”: ZeroDivisionError: division by zero"
    )


def test_second_accepted_solution_must_be_accepted() -> None:
    other = solution("other", "AC", "def double(x):\n    return x + 1")
    why = refusal(question(solutions=[PLAIN, other]))
    assert why == "The accepted solution “other” gets WA on case “shown”."


def test_wrong_solution_must_fail_the_group_it_names() -> None:
    cases = [SHOWN, {"name": "easy", "group": "values", "args": {"x": [2.0]}}]
    wrong = solution("squared", "WA", "def double(x):\n    return x * x", fails=["values"])
    why = refusal(question(cases=cases, solutions=[PLAIN, wrong]))
    assert why == "The wrong solution “squared” passes every case of group “values”."


def test_wrong_solution_that_is_right_is_refused() -> None:
    wrong = solution("right", "WA", PLAIN["code"])
    why = refusal(question(solutions=[PLAIN, wrong]))
    assert why == "The solution “right” is declared WA but gets AC."


def test_solution_must_earn_the_verdict_it_declares() -> None:
    wrong = solution("raises", "RE", "def double(x):\n    return x * x")
    why = refusal(question(solutions=[PLAIN, wrong]))
    assert why == "The solution “raises” is declared RE but gets WA."
    raising = solution("raises", "RE", "def double(x):\n    raise ValueError", fails=["values"])
    build_reference(question(solutions=[PLAIN, raising]), sandbox())


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("def generate(rng):\n    raise LookupError('no')", "failed for seed 7: LookupError: no"),
        ("def generate(rng):\n    return [1]", "must return a dict of arguments"),
        ("def generate(rng):\n    return object()", "failed for seed 7: not_data"),
        ("def other(rng):\n    return {}", "failed for seed 7: KeyError"),
    ],
)
def test_generator_that_is_no_good_is_named(code: str, why: str) -> None:
    cases = [SHOWN, {"name": "random", "group": "values", "generate": code, "seeds": [7]}]
    said = refusal(question(cases=cases, solutions=[PLAIN]))
    assert said.startswith("The generator of case “random”")
    assert why in said


def test_generator_that_answers_nonsense_is_named() -> None:
    def run(call: Call) -> CaseRun:
        if call.rng_seed is not None:
            return CaseRun(Outcome.RETURNED, 1.0, 1.0, 1, result=b"nonsense")
        return run_in_process(call)

    said = refusal(question(), FakeEngine(run=run))
    assert said.startswith("The generator of case “random” returned no usable data")


def test_solution_that_answers_nonsense_is_wrong_and_no_accident() -> None:
    """What comes from a sandbox is never trusted, an author's neither."""

    def run(call: Call) -> CaseRun:
        arguments: Any = decode_value(call.args)
        if "x * x" in call.code and len(arguments["x"]) == 1:
            return CaseRun(Outcome.RETURNED, 1.0, 1.0, 1, result=b"nonsense")
        return run_in_process(call)

    (mistake,) = build_reference(question(), sandbox(FakeEngine(run=run))).mistakes
    assert [output is None for output in mistake.outputs] == [False, True, False, False]


def test_reference_that_answers_nonsense_is_refused() -> None:
    def run(call: Call) -> CaseRun:
        if call.rng_seed is None:
            return CaseRun(Outcome.RETURNED, 1.0, 1.0, 1, result=b"nonsense")
        return run_in_process(call)

    said = refusal(question(), FakeEngine(run=run))
    assert said == "The accepted solution “plain” gets IO on case “shown”."


def test_accepted_solution_must_leave_its_arguments_alone() -> None:
    cases = [SHOWN | {"inputs_unmodified": True}]
    spoiling = solution("spoiling", "AC", "def double(x):\n    x *= 2\n    return x")
    assert "gets WA" in refusal(question(cases=cases, solutions=[PLAIN, spoiling]))
    wrong = solution(
        "spoiling",
        "WA",
        "def double(x):\n    x *= 3\n    return x",
        feedback={"zh": "改了", "en": "Changed."},
    )
    (mistake,) = build_reference(
        question(cases=cases, solutions=[PLAIN, wrong]), sandbox()
    ).mistakes
    assert [decode_value(output) for output in mistake.outputs if output] == [3.0]


def test_call_has_the_limits_of_its_question() -> None:
    asked = question(limits={"cpu_seconds": 1, "wall_seconds": 3, "memory_mb": 64})
    limits = run_limits(asked)
    assert (limits.cpu_seconds, limits.wall_seconds, limits.memory_mb) == (1, 3, 64)
    case = build_reference(asked, sandbox()).cases[0]
    call = case_call(asked, "code", case)
    assert (call.code, call.entry_point, call.args) == ("code", "double", case.args)
    assert call.limits == limits
    assert encode_value(decode_value(call.args)) == case.args
