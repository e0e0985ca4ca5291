"""Judging: from runs to verdicts, scores, groups and recognised mistakes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.grading.judging import (
    CaseData,
    GroupResult,
    JudgedCase,
    Mistake,
    judge_case,
    not_allowed,
    recognise_mistake,
    summarise,
)
from app.grading.runs import CaseRun, Outcome, RaisedError, RunLimits
from app.grading.values import InvalidValueError, encode_value
from app.grading.verdicts import Verdict
from app.kit.i18n import message
from app.questions.schema import CloseChecker, CodingQuestion, PropertyChecker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.grading.values import Value

X = np.array([1.0, 2.0])


def case(
    name: str = "case",
    *,
    group: str | None = "basics",
    expected: Value = 3.0,
    inputs_unmodified: bool = False,
) -> CaseData:
    return CaseData(
        name=name,
        group=group,
        sample=group is None,
        args=encode_value({"x": X}),
        expected=encode_value(expected),
        checker=CloseChecker(),
        inputs_unmodified=inputs_unmodified,
    )


def sample(*, expected: Value = 3.0, inputs_unmodified: bool = False) -> CaseData:
    return case(group=None, expected=expected, inputs_unmodified=inputs_unmodified)


def returned(value: Value, *, cpu_ms: float = 1.0) -> CaseRun:
    return CaseRun(Outcome.RETURNED, cpu_ms, 2.0, 3, result=encode_value(value))


def ended(outcome: Outcome) -> CaseRun:
    error = RaisedError("ValueError", builtin=True, message="secret 42", traceback="line 3, in f")
    return CaseRun(outcome, 1.0, 2.0, 3, error=error)


def question(*rubric: dict[str, Any]) -> CodingQuestion:
    both = {"zh": "题", "en": "question"}
    return CodingQuestion.model_validate(
        {
            "id": "sum",
            "kind": "coding",
            "title": both,
            "prompt": both,
            "entry_point": "f",
            "cases": [{"name": "case", "sample": True, "args": {}}],
            "solutions": [{"name": "reference", "verdict": "AC", "code": "f = sum"}],
            "rubric": rubric or [{"id": "correctness", "points": 2}],
        }
    )


def judged(verdict: Verdict, group: str | None = "basics", cpu_ms: float = 1.0) -> JudgedCase:
    return JudgedCase("case", group, group is None, verdict, None, cpu_ms, 2.0, 3)


# --- One case -------------------------------------------------------------------------------


def test_an_expected_value_is_accepted_with_its_measurements() -> None:
    assert judge_case(sample(), returned(3.0)) == judged(Verdict.AC, None)


def test_another_value_is_wrong_and_another_type_is_invalid() -> None:
    assert judge_case(sample(), returned(4.0)).verdict is Verdict.WA
    assert judge_case(sample(), returned(None)).verdict is Verdict.IO
    assert judge_case(sample(expected=X), returned(X.tolist())).verdict is Verdict.IO


@pytest.mark.parametrize("result", [None, b"", b"garbage", encode_value(3.0) + b"tail"])
def test_a_result_that_cannot_be_read_is_invalid(result: bytes | None) -> None:
    run = CaseRun(Outcome.RETURNED, 1.0, 2.0, 3, result=result)
    one = judge_case(sample(), run)
    assert one.verdict is Verdict.IO
    assert one.reason is not None
    assert "cannot be read" in one.reason.render("en")


def test_a_broken_expected_value_is_not_the_candidates_fault() -> None:
    broken = CaseData("case", None, True, b"", b"garbage", CloseChecker(), False)  # noqa: FBT003
    with pytest.raises(InvalidValueError):
        judge_case(broken, returned(3.0))


def test_a_sample_shows_the_exception() -> None:
    reason = judge_case(sample(), ended(Outcome.RAISED)).reason
    assert reason is not None
    assert reason.render("en") == "ValueError: secret 42\nline 3, in f"


ALLOWED = RunLimits(cpu_seconds=2, wall_seconds=6, memory_mb=256)


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (Outcome.CPU_TIME, "2.5 s of CPU; at most 2 s are allowed."),
        (
            Outcome.WALL_TIME,
            "6.01 s in all, 2.5 s of CPU among them; at most 6 s in all are allowed.",
        ),
        (Outcome.MEMORY, "More than 256 MB of memory were asked for."),
        (Outcome.OUTPUT, "More was printed or returned than is allowed."),
        (Outcome.DIED, "The process ended without an answer."),
    ],
)
def test_a_sample_says_which_limit_was_passed_and_a_hidden_case_does_not(
    outcome: Outcome, why: str
) -> None:
    run = CaseRun(outcome, 2500.0, 6010.0, 3, allowed=ALLOWED)
    reason = judge_case(sample(), run).reason
    assert reason is not None
    assert reason.render("en") == why
    assert judge_case(case(), run).reason is None


@pytest.mark.parametrize("run", [ended(Outcome.RAISED), returned(4.0), returned(None)])
def test_a_hidden_case_gives_no_reason(run: CaseRun) -> None:
    one = judge_case(case(), run)
    assert one.verdict is not Verdict.AC
    assert one.reason is None


def test_a_result_is_ignored_when_the_call_did_not_return() -> None:
    run = CaseRun(Outcome.CPU_TIME, 1.0, 2.0, 3, result=encode_value(3.0))
    assert judge_case(case(), run).verdict is Verdict.TLE


def test_unmodified_arguments_are_accepted() -> None:
    run = returned((3.0, {"x": X.copy()}))
    assert judge_case(sample(inputs_unmodified=True), run).verdict is Verdict.AC


@pytest.mark.parametrize("after", [X * 2, X.astype(np.float32), X.reshape(2, 1), [1.0, 2.0]])
def test_a_modified_argument_is_wrong_and_named(after: Value) -> None:
    one = judge_case(sample(inputs_unmodified=True), returned((3.0, {"x": after})))
    assert one.verdict is Verdict.WA
    assert one.reason is not None
    assert one.reason.render("en") == 'The argument "x" was modified.'


@pytest.mark.parametrize("after", [{}, None])
def test_lost_arguments_count_as_modified(after: Value) -> None:
    one = judge_case(sample(inputs_unmodified=True), returned((3.0, after)))
    assert one.verdict is Verdict.WA


@pytest.mark.parametrize("value", [3.0, (3.0,), [3.0, {"x": X}]])
def test_a_result_without_its_arguments_is_invalid(value: Value) -> None:
    assert judge_case(sample(inputs_unmodified=True), returned(value)).verdict is Verdict.IO


def test_a_returned_pair_is_not_taken_for_arguments() -> None:
    run = returned((3.0, {"x": X}))
    assert judge_case(sample(), run).verdict is Verdict.IO


SCRIPT: Value = {"init": {"size": X}, "calls": [["forward", {"x": X}], ["mean", None]]}


def script() -> CaseData:
    one = sample(expected=[3.0, 1.0], inputs_unmodified=True)
    return replace(one, args=encode_value(SCRIPT), scripted=True)


def test_a_script_leaves_its_arguments_alone() -> None:
    assert judge_case(script(), returned(([3.0, 1.0], SCRIPT))).verdict is Verdict.AC
    assert judge_case(script(), returned(([3.0, 2.0], SCRIPT))).verdict is Verdict.WA


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([np.array([1.0, 3.0]), 2.0], "1. m.forward(…)[1]: expected 2.0, got 3.0; "),
        ([X, 3.0], "2. m.mean: expected float 2.0, got float 3.0."),
        ([X], "result: expected list(len=2), got list(len=1)."),
    ],
)
def test_a_script_names_the_step_that_went_wrong(given: Value, why: str) -> None:
    one = replace(sample(expected=[X, 2.0]), args=encode_value(SCRIPT), scripted=True)
    reason = judge_case(one, returned(given)).reason
    assert reason is not None
    assert reason.render("en").startswith(why)


@pytest.mark.parametrize(
    ("after", "name"),
    [
        ({"init": {"size": X}, "calls": [["forward", {"x": -X}], ["mean", None]]}, "1. forward(x)"),
        ({"init": {"size": -X}, "calls": [["forward", {"x": X}], ["mean", None]]}, "size"),
        ({"init": {"size": X}, "calls": [["mean", None]]}, "1. forward(x)"),
        ({"init": {"size": X}}, "*"),
        (None, "*"),
    ],
)
def test_a_script_names_the_argument_that_was_modified(after: Value, name: str) -> None:
    one = judge_case(script(), returned(([3.0, 1.0], after)))
    assert one.verdict is Verdict.WA
    assert one.reason is not None
    assert one.reason.render("en") == f'The argument "{name}" was modified.'


def test_a_property_is_not_judged_without_its_checker() -> None:
    one = replace(sample(), checker=PropertyChecker(name="property", code="…"))
    with pytest.raises(ValueError, match="not asked"):
        judge_case(one, returned(3.0))
    assert judge_case(one, ended(Outcome.MEMORY)).verdict is Verdict.MLE


def test_code_that_is_not_allowed_was_not_measured_and_says_why_on_samples() -> None:
    why = message("Line 3")
    one = not_allowed(sample(), why)
    assert (one.verdict, one.reason, one.cpu_ms, one.memory_kb) == (Verdict.NA, why, 0.0, 0)
    assert not_allowed(case(), why).reason is None


def test_a_second_chance_is_told() -> None:
    assert judge_case(case(), replace(returned(3.0), rerun=True)).rerun
    assert not judge_case(case(), returned(3.0)).rerun


# --- All cases ------------------------------------------------------------------------------


def test_the_first_bad_case_decides_samples_first() -> None:
    cases = [judged(Verdict.TLE), judged(Verdict.WA, None), judged(Verdict.RE, None)]
    assert summarise(question(), cases).verdict is Verdict.WA


def test_groups_are_counted_in_the_order_of_their_cases() -> None:
    cases = [
        judged(Verdict.AC, None),
        judged(Verdict.AC, "basics", 12.3),
        judged(Verdict.TLE, "basics", 2000.1),
        judged(Verdict.WA, "basics"),
        judged(Verdict.AC, "stability", 0.2),
    ]
    assert summarise(question(), cases).groups == (
        GroupResult("basics", 1, 3, Verdict.TLE, 5000),
        GroupResult("stability", 1, 1, Verdict.AC, 10),
    )


def test_the_score_is_the_share_of_points_that_groups_earn() -> None:
    rubric = (
        {"id": "correctness", "points": 6, "from_groups": ["basics", "shapes"]},
        {"id": "stability", "points": 2, "from_groups": ["stability"]},
        {"id": "readability", "points": 2},
    )
    cases = [
        judged(Verdict.AC, "basics"),
        judged(Verdict.AC, "basics"),
        judged(Verdict.WA, "shapes"),
        judged(Verdict.AC, "stability"),
    ]
    assert summarise(question(*rubric), cases).score == pytest.approx((6 * 2 / 3 + 2) / 8)


def test_a_group_that_was_not_judged_earns_nothing() -> None:
    rubric = {"id": "correctness", "points": 6, "from_groups": ["basics", "shapes"]}
    assert summarise(question(rubric), [judged(Verdict.AC, "basics")]).score == 0.5


def test_without_groups_in_the_rubric_the_hidden_cases_count_alike() -> None:
    cases = [judged(Verdict.WA, None), judged(Verdict.AC), judged(Verdict.WA)]
    assert summarise(question(), cases).score == 0.5


def test_a_broken_rule_costs_the_points_of_its_criterion_only() -> None:
    rubric = (
        {"id": "correctness", "points": 6, "from_groups": ["basics"]},
        {"id": "speed", "points": 2, "from_groups": ["basics"], "from_rules": ["no-loop"]},
        {"id": "style", "points": 2, "from_rules": ["no-loop", "no-sort"]},
    )
    cases = [judged(Verdict.AC), judged(Verdict.WA), judged(Verdict.AC, "shapes")]
    kept = summarise(question(*rubric), cases)
    assert kept.score == pytest.approx((6 / 2 + 2 / 2 + 2 * 2 / 3) / 10)
    assert summarise(question(*rubric), cases, {"no-sort"}).score == pytest.approx(4 / 10)
    assert summarise(question(*rubric), cases, {"no-loop"}).score == pytest.approx(3 / 10)


def test_code_that_does_nothing_keeps_every_rule_and_earns_nothing() -> None:
    rubric = {"id": "style", "points": 2, "from_rules": ["no-loop"]}
    assert summarise(question(rubric), [judged(Verdict.RE)]).score == 0


def test_a_run_of_samples_is_scored_by_its_samples() -> None:
    rubric = {"id": "correctness", "points": 6, "from_groups": ["basics"]}
    judgement = summarise(question(rubric), [judged(Verdict.AC, None), judged(Verdict.WA, None)])
    assert judgement.score == 0.5
    assert judgement.groups == ()


def test_one_wrong_case_is_never_a_full_score() -> None:
    rubric = {"id": "correctness", "points": 6, "from_groups": ["basics"]}
    cases = [judged(Verdict.AC)] * 99 + [judged(Verdict.RE)]
    judgement = summarise(question(rubric), cases)
    assert judgement.score < 1
    assert judgement.verdict is Verdict.RE


def test_without_cases_there_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="nothing was judged"):
        summarise(question(), [])


# --- Hints ----------------------------------------------------------------------------------


def test_a_wrong_sample_result_is_explained_and_a_hidden_one_is_not() -> None:
    (hint,) = judge_case(sample(expected=3.0), returned(6.0)).hints
    assert "twice" in hint.render("en")
    assert judge_case(case(expected=3.0), returned(6.0)).hints == ()


@pytest.mark.parametrize(
    "run",
    [returned(3.0), ended(Outcome.RAISED), CaseRun(Outcome.RETURNED, 1.0, 2.0, 3, result=b"?")],
)
def test_there_are_no_hints_about_what_is_right_or_missing(run: CaseRun) -> None:
    assert judge_case(sample(), run).hints == ()


# --- Mistakes -------------------------------------------------------------------------------

CASES = [case("a", expected=1.0), case("b", expected=2.0), case("c", expected=3.0)]


def mistake(name: str, *outputs: Value) -> Mistake:
    return Mistake(name, tuple(None if one is None else encode_value(one) for one in outputs))


def recognised(runs: Sequence[CaseRun], *mistakes: Mistake) -> str | None:
    return recognise_mistake(CASES, runs, mistakes)


def test_the_same_wrong_outputs_name_the_mistake() -> None:
    runs = [returned(1.0), returned(20.0), returned(30.0)]
    assert recognised(runs, mistake("other", None, 21.0, None)) is None
    assert recognised(runs, mistake("off", None, 20.0, 30.0)) == "off"


def test_the_first_mistake_in_the_authors_order_is_named() -> None:
    runs = [returned(1.0), returned(20.0), returned(30.0)]
    assert (
        recognised(runs, mistake("one", None, 20.0, None), mistake("two", None, 20.0, 30.0))
        == "one"
    )


def test_a_single_other_output_is_another_mistake() -> None:
    runs = [returned(1.0), returned(20.0), returned(3.0)]
    assert recognised(runs, mistake("off", None, 20.0, 30.0)) is None


def test_a_crash_where_the_mistake_returned_is_another_mistake() -> None:
    runs = [returned(1.0), returned(20.0), ended(Outcome.RAISED)]
    assert recognised(runs, mistake("off", None, 20.0, 30.0)) is None


def test_a_mistake_without_outputs_is_never_recognised() -> None:
    runs = [ended(Outcome.RAISED)] * 3
    assert recognised(runs, mistake("crash", None, None, None)) is None


def test_a_program_within_both_tolerances_makes_no_mistake() -> None:
    runs = [returned(1.0 + 0.9e-6), returned(2.0), returned(3.0)]
    assert recognised(runs, mistake("close", 1.0 + 1.8e-6, None, None)) is None


def test_a_case_with_a_property_names_no_mistake() -> None:
    """Many outputs are wrong there: the same wrong one is no sign."""
    free = replace(CASES[1], checker=PropertyChecker(name="property", code="…"))
    runs = [returned(10.0), returned(20.0)]
    both = mistake("off", 10.0, 21.0)
    assert recognise_mistake([CASES[0], CASES[1]], runs, [both]) is None
    assert recognise_mistake([CASES[0], free], runs, [both]) == "off"
    assert recognise_mistake([free], [returned(20.0)], [mistake("off", 20.0)]) is None


def test_outputs_are_compared_without_the_arguments_that_came_along() -> None:
    cases = [case(expected=1.0, inputs_unmodified=True)]
    runs = [returned((5.0, {"x": X}))]
    assert recognise_mistake(cases, runs, [mistake("five", 5.0)]) == "five"


def test_an_unreadable_result_is_no_known_mistake() -> None:
    runs = [CaseRun(Outcome.RETURNED, 1.0, 2.0, 3, result=b"garbage")] * 3
    assert recognised(runs, mistake("off", 10.0, 20.0, 30.0)) is None
