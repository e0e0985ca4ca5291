"""The gate: what authors declare is put to the proof before anybody is judged by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.grading.reference import GateError, build_reference
from app.grading.running import ALL_RESULTS, case_call, run_limits
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


def place(asked: CodingQuestion) -> tuple[str | int, ...]:
    with pytest.raises(GateError) as caught:
        build_reference(asked, sandbox())
    return caught.value.loc


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


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (Outcome.OUTPUT, "more than 16 MB were returned, or more than 64 KB printed"),
        (Outcome.CPU_TIME, "more than 2 s of CPU were used"),
        (Outcome.WALL_TIME, "it took more than 6 s"),
        (Outcome.MEMORY, "more than 256 MB of memory were asked for"),
    ],
)
def test_reference_that_goes_over_a_limit_is_told_which(outcome: Outcome, why: str) -> None:
    def run(call: Call) -> CaseRun:
        return run_in_process(call) if call.rng_seed else CaseRun(outcome, 1.0, 1.0, 1)

    said = refusal(question(limits={}), FakeEngine(run=run))
    assert said == f"The reference solution “plain” fails on case “shown”: {why}"


RAISES = "def {name}(*_, **__):\n    raise LookupError"


@pytest.mark.parametrize(
    ("changes", "loc"),
    [
        ({"solutions": [PLAIN, solution("other", "AC", "def double(x):\n    return x")]}, (1,)),
        ({"solutions": [PLAIN, PLAIN | {"name": "right", "verdict": "WA"}]}, (1,)),
        ({"solutions": [solution("plain", "AC", RAISES.format(name="double"))]}, (0,)),
    ],
)
def test_fault_of_a_solution_is_found_at_it(changes: dict[str, Any], loc: tuple[int, ...]) -> None:
    assert place(question(**changes)) == ("solutions", *loc)


def test_fault_of_a_generator_or_checker_is_found_at_it() -> None:
    generated = {"group": "values", "generate": RAISES.format(name="generate"), "seeds": [7, 8]}
    drawn: dict[str, object] = {"name": "random", **generated}
    assert place(question(cases=[SHOWN, drawn], solutions=[PLAIN])) == ("cases", 1, "generate")
    checker = {"name": "property", "code": RAISES.format(name="check")}
    assert place(question(checker=checker)) == ("checker",)
    good = "def generate(rng):\n    return dict(x=rng.normal(size=2))"
    drawn |= {"checker": checker, "generate": good}
    assert place(question(cases=[SHOWN, drawn], solutions=[PLAIN])) == ("cases", 1, "checker")


def test_call_has_the_limits_of_its_question() -> None:
    asked = question(limits={"cpu_seconds": 1, "wall_seconds": 3, "memory_mb": 64})
    limits = run_limits(asked)
    assert (limits.cpu_seconds, limits.wall_seconds, limits.memory_mb) == (1, 3, 64)
    case = build_reference(asked, sandbox()).cases[0]
    call = case_call(asked, "code", case)
    assert (call.code, call.entry_point, call.args) == ("code", "double", case.args)
    assert call.limits == replace(limits, result_bytes=call.limits.result_bytes)
    assert call.limits.result_bytes * len(asked.cases) <= ALL_RESULTS
    assert encode_value(decode_value(call.args)) == case.args


# --- Scripts --------------------------------------------------------------------------------

COUNTER = """\
class Counter:
    def __init__(self, start):
        self.total = start

    def add(self, by):
        self.total = self.total + by
        return self.total
"""
SCRIPT = {
    "name": "shown",
    "sample": True,
    "init": {"start": [1.0, 2.0]},
    "calls": [{"call": "add", "args": {"by": 2}}, {"read": "total"}],
}
GENERATED = {
    "name": "random",
    "group": "counts",
    "scripted": True,
    "seeds": [1, 2],
    "generate": (
        "def generate(rng):\n"
        "    by = float(rng.normal())\n"
        "    return dict(init={'start': by}, calls=[('add', {'by': by}), ('total', None)])"
    ),
}


def counter(*cases: dict[str, Any], code: str = COUNTER, **changes: Any) -> CodingQuestion:  # noqa: ANN401 - as above
    return question(
        entry_point="Counter",
        starter="",
        cases=cases or (SCRIPT, GENERATED),
        solutions=[solution("plain", "AC", code)],
        rubric=[{"id": "counts", "points": 2}],
        **changes,
    )


def test_script_is_made_of_what_stands_there_and_its_results_are_expected() -> None:
    shown, *_ = build_reference(counter(), sandbox()).cases
    script: Any = decode_value(shown.args)
    assert shown.scripted
    assert script["init"]["start"].tolist() == [1.0, 2.0]
    assert script["calls"] == [["add", {"by": 2}], ["total", None]]
    expected: Any = decode_value(shown.expected)
    assert [one.tolist() for one in expected] == [[3.0, 4.0], [3.0, 4.0]]


def test_script_may_be_generated_and_its_steps_are_lists() -> None:
    _, one, two = build_reference(counter(), sandbox()).cases
    script: Any = decode_value(one.args)
    assert script["calls"][0][0] == "add"
    assert script["calls"][1] == ["total", None]
    assert one.args != two.args


def test_script_without_arguments_for_the_class_is_one() -> None:
    code = "class Counter:\n    def one(self):\n        return 1"
    plain = {"name": "shown", "sample": True, "calls": [{"call": "one"}]}
    hidden = plain | {"name": "hidden", "sample": False, "group": "counts"}
    (case, _) = build_reference(counter(plain, hidden, code=code), sandbox()).cases
    assert decode_value(case.args) == {"init": {}, "calls": [["one", {}]]}
    assert decode_value(case.expected) == [1]


@pytest.mark.parametrize(
    "returned",
    [
        "{'x': 1}",
        "dict(init={}, calls=[])",
        "dict(init={}, calls=[('add',)])",
        "dict(init={}, calls=[('add', {}, 1)])",
        "dict(init={}, calls=[('a-dd', {})])",
        "dict(init={}, calls=[(1, {})])",
        "dict(init={}, calls=[('add', [1])])",
        "dict(init={}, calls=[('add', {1: 2})])",
        "dict(init={1: 2}, calls=[('total', None)])",
        "dict(init=[], calls=[('total', None)])",
        "dict(init={}, calls='total')",
        "dict(init={}, calls=[('total', None)], more=1)",
        "[1]",
    ],
)
def test_generator_of_scripts_that_returns_none_is_named(returned: str) -> None:
    wrong = GENERATED | {"generate": f"def generate(rng):\n    return {returned}"}
    why = refusal(counter(SCRIPT, wrong))
    assert why == (
        "The generator of case “random” must return "
        "dict(init={…}, calls=[(method, {…}), (attribute, None), …])."
    )


def test_script_that_modifies_its_arguments_is_refused_where_that_counts() -> None:
    code = COUNTER.replace("self.total + by", "self.total + by.pop()")
    spoiled = {
        "name": "shown",
        "sample": True,
        "inputs_unmodified": True,
        "init": {"start": 1},
        "calls": [{"call": "add", "args": {"by": ["a", 2]}}],
    }
    hidden = spoiled | {"name": "hidden", "sample": False, "group": "counts"}
    assert "gets WA on case “shown”" in refusal(counter(spoiled, hidden, code=code))


# --- Properties -----------------------------------------------------------------------------


def free(check: str, *solutions: dict[str, object]) -> CodingQuestion:
    code = f"def check(args, output, expected):\n    {check}"
    return question(checker={"name": "property", "code": code}, solutions=[PLAIN, *solutions])


SAME = "return output.shape == expected.shape and bool((output == expected).all())"
TRIPLE = solution(
    "triple",
    "WA",
    "def double(x):\n    return 3 * x",
    fails=["values"],
    feedback={"zh": "三倍", "en": "Three times."},
)


def test_solutions_are_proven_by_the_authors_checker_and_name_no_mistake() -> None:
    reference = build_reference(free(SAME, TRIPLE), sandbox())
    (mistake,) = reference.mistakes
    assert set(mistake.outputs) == {None}


def test_checker_that_lets_everything_through_is_refused() -> None:
    why = refusal(free("return True", TRIPLE))
    assert why == "The solution “triple” is declared WA but gets AC."


def test_checker_that_refuses_the_reference_is_refused() -> None:
    assert refusal(free("return False")) == "The accepted solution “plain” gets WA on case “shown”."


def test_checker_that_raises_is_refused_with_its_reason() -> None:
    why = refusal(free("return 1 / 0"))
    assert why == "The checker of case “shown” fails: ZeroDivisionError: division by zero"


def test_checker_that_trips_over_a_strange_result_is_refused() -> None:
    why = refusal(free("return bool((output == 2 * args['x']).all()) or output[0] < 0"))
    assert why.startswith("The checker of case “shown” fails on a strange result")
    assert "IndexError" in why or "ValueError" in why


# --- Rules ----------------------------------------------------------------------------------

LOOPING = solution(
    "looping",
    "AC",
    "import numpy as np\n\n\ndef double(x):\n    return np.array([2 * v for v in x])",
    breaks=["vectorised"],
)
RULES = [{"name": "vectorised", "no_loops_over": ["x"]}]
MORE = [
    {"id": "values", "points": 1, "from_groups": ["values"]},
    {"id": "style", "points": 1, "from_rules": ["vectorised"]},
]


def test_solution_that_is_not_allowed_is_not_run() -> None:
    engine = FakeEngine()
    barred = solution("barred", "NA", "import torch\nraise SystemExit")
    build_reference(question(forbid=["torch"], solutions=[PLAIN, barred]), sandbox(engine))
    assert "SystemExit" not in "".join(call.code for call in engine.calls)


def test_solution_that_is_allowed_after_all_is_refused() -> None:
    barred = solution("barred", "NA", PLAIN["code"])
    why = refusal(question(forbid=["torch"], solutions=[PLAIN, barred]))
    assert why == "The solution “barred” is declared NA but gets AC."


def test_accepted_solution_must_be_allowed() -> None:
    barred = solution("barred", "AC", "import torch\n" + PLAIN["code"])
    why = refusal(question(forbid=["torch"], solutions=[PLAIN, barred]))
    assert why == "The accepted solution “barred” gets NA on case “shown”."


def test_rule_is_proven_by_a_solution_that_breaks_it() -> None:
    build_reference(question(rules=RULES, rubric=MORE, solutions=[PLAIN, LOOPING]), sandbox())
    keeping = LOOPING | {"code": PLAIN["code"]}
    why = refusal(question(rules=RULES, rubric=MORE, solutions=[PLAIN, keeping]))
    assert why == "The solution “looping” is said to break the rule “vectorised”, but keeps it."


def test_reference_keeps_every_rule() -> None:
    looping = LOOPING | {"breaks": []}
    why = refusal(question(rules=RULES, rubric=MORE, solutions=[looping, PLAIN]))
    assert why == "The reference solution “looping” breaks the rule “vectorised”."


# --- Relative limits ------------------------------------------------------------------------


def paced(call: Call) -> CaseRun:
    """The calibration takes 20 ms, the reference 100, what triples 900."""
    run = run_in_process(call)
    ms = 20 if call.entry_point == "calibrate" else 900 if "3 * x" in call.code else 100
    return replace(run, cpu_ms=float(ms))


SLOW = solution("slow", "TLE", "def double(x):\n    return 2 * x + 0 * (3 * x)", fails=["values"])


def test_what_the_reference_and_the_calibration_took_is_kept() -> None:
    asked = question(limits={"slowdown": 5}, solutions=[PLAIN])
    for case in build_reference(asked, sandbox(FakeEngine(run=paced))).cases:
        assert (case.reference_cpu_ms, case.calibration_cpu_ms) == (100, 20)
    for case in build_reference(question(), sandbox(FakeEngine(run=paced))).cases:
        assert (case.reference_cpu_ms, case.calibration_cpu_ms) == (100, None)


def test_slow_solution_is_late_by_the_relative_limit_only() -> None:
    slow = sandbox(FakeEngine(run=paced))
    build_reference(question(limits={"slowdown": 5}, solutions=[PLAIN, SLOW]), slow)
    why = refusal(question(solutions=[PLAIN, SLOW]), FakeEngine(run=paced))
    assert why == (
        "The solution “slow” is declared TLE but gets AC: the case that comes closest takes "
        "900 ms of CPU, and 2000 ms are allowed."
    )


def test_accepted_solution_must_be_quick_enough() -> None:
    accepted = SLOW | {"verdict": "AC", "fails": []}
    asked = question(limits={"slowdown": 5}, solutions=[PLAIN, accepted])
    why = refusal(asked, FakeEngine(run=paced))
    assert why == "The accepted solution “slow” gets TLE on case “shown”."


def test_question_whose_cases_come_to_nothing_is_refused() -> None:
    empty = {"name": "random", "group": "values", "generate": "def generate(rng):\n    pass"}
    why = refusal(question(cases=[empty], solutions=[PLAIN]))
    assert why == "There is no case to judge by."
