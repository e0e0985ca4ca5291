"""Properties: the author's code says yes or no, and its failures are nobody's verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.grading.judging import CaseData, judge_case
from app.grading.properties import CheckerBrokenError, check_properties, strange_outputs
from app.grading.runs import CaseRun, Outcome, RaisedError
from app.grading.values import InvalidValueError, decode_value, encode_value
from app.grading.verdicts import Verdict
from app.questions.schema import CloseChecker, PropertyChecker
from tests.fakes import FakeEngine

if TYPE_CHECKING:
    from app.grading.values import Value

PERMUTATION = """\
import numpy as np


def check(args, output, expected):
    if output.shape != expected.shape:
        return False
    if not (np.sort(output) == np.sort(args["x"])).all():
        return "not a permutation"
    return True
"""
X = np.array([3.0, 1.0, 2.0])


def case(
    code: str = PERMUTATION, *, expected: Value = X, sample: bool = True, scripted: bool = False
) -> CaseData:
    return CaseData(
        name="shuffled",
        group=None if sample else "shuffles",
        sample=sample,
        args=encode_value({"x": X}),
        expected=encode_value(expected),
        checker=PropertyChecker(name="property", code=code),
        inputs_unmodified=False,
        scripted=scripted,
    )


def returned(value: Value) -> CaseRun:
    return CaseRun(Outcome.RETURNED, 1.0, 2.0, 3, result=encode_value(value))


def verdict(one: CaseData, run: CaseRun) -> tuple[Verdict, str | None]:
    (report,) = check_properties(FakeEngine().start(), [one], [run])
    judged = judge_case(one, run, report)
    return judged.verdict, judged.reason.render("en") if judged.reason else None


def test_any_output_with_the_property_is_accepted() -> None:
    assert verdict(case(), returned(X[::-1].copy())) == (Verdict.AC, None)


def test_output_without_it_is_wrong_and_the_reason_is_the_authors() -> None:
    assert verdict(case(), returned(X + 1)) == (Verdict.WA, "not a permutation")
    assert verdict(case(), returned(X[:2].copy())) == (
        Verdict.WA,
        "The result does not have the property that is asked for.",
    )


def test_reason_is_not_told_of_a_hidden_case() -> None:
    assert verdict(case(sample=False), returned(X + 1)) == (Verdict.WA, None)


def test_numpy_bool_is_an_answer() -> None:
    code = (
        "import numpy as np\n\n\ndef check(args, output, expected):\n    return np.all(output > 0)"
    )
    assert verdict(case(code), returned(X))[0] is Verdict.AC
    assert verdict(case(code), returned(-X))[0] is Verdict.WA


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (X, None),
        (X, [3.0, 1.0, 2.0]),
        (X, np.array([3, 1, 2])),
        (1.0, 1),
        (1.0, "1"),
        ((X, 1.0), (X,)),
        ((X, 1.0), (X, 1)),
        ((X, 1.0), [X, 1.0]),
        ({"a": 1}, [1]),
    ],
)
def test_output_of_another_type_is_invalid_before_the_author_is_asked(
    expected: Value, got: Value
) -> None:
    one = case("def check(args, output, expected):\n    1 / 0", expected=expected)
    assert verdict(one, returned(got))[0] is Verdict.IO


@pytest.mark.parametrize(
    ("expected", "got"), [([1.0], [1.0, 2.0]), ({"a": 1}, {}), (np.float64(1.0), 2.0), ("a", "")]
)
def test_length_and_keys_are_for_the_author_to_judge(expected: Value, got: Value) -> None:
    one = case("def check(args, output, expected):\n    return True", expected=expected)
    assert verdict(one, returned(got))[0] is Verdict.AC


def test_script_gives_one_result_for_each_step() -> None:
    code = "def check(args, output, expected):\n    return True"
    one = case(code, expected=[1.0, None], scripted=True)
    assert verdict(one, returned([1.0]))[0] is Verdict.IO
    assert verdict(one, returned([2.0, None]))[0] is Verdict.AC


def test_call_that_did_not_return_is_not_asked_about() -> None:
    error = RaisedError("ValueError", builtin=True, message="no", traceback="")
    engine = FakeEngine()
    runs = [CaseRun(Outcome.RAISED, 1.0, 2.0, 3, error=error), returned(X)]
    runs.append(CaseRun(Outcome.RETURNED, 1.0, 2.0, 3, result=b"nonsense"))
    plain = CaseData("plain", "g", False, b"", encode_value(X), CloseChecker(), False)  # noqa: FBT003
    reports = check_properties(engine.start(), [case(), plain, case()], runs)
    assert (reports, engine.calls) == ([None, None, None], [])
    assert judge_case(case(), runs[0]).verdict is Verdict.RE
    assert judge_case(case(), runs[2]).verdict is Verdict.IO


def test_checker_gets_arguments_output_and_expected_value_made_anew() -> None:
    """What the candidate's process wrote never enters the checker's sandbox as it is."""
    engine = FakeEngine()
    shifted = np.asfortranarray(np.array([[1.0, 2.0], [3.0, 4.0]]))
    code = "def check(args, output, expected):\n    return True"
    check_properties(engine.start(), [case(code, expected=shifted)], [returned(shifted)])
    (call,) = engine.calls
    assert (call.entry_point, call.code) == ("check", code)
    given = decode_value(call.args)
    assert isinstance(given, dict)
    assert sorted(given) == ["args", "expected", "output"]
    assert call.args == encode_value(given)


@pytest.mark.parametrize(
    "code",
    [
        "def check(args, output, expected):\n    1 / 0",
        "def check(args, output, expected):\n    return None",
        "def check(args, output, expected):\n    return 1",
        "def check(args, output, expected):\n    return object()",
        "def check(output):\n    return True",
        "check = 1 / 0",
    ],
)
def test_checker_that_gives_no_answer_is_broken(code: str) -> None:
    with pytest.raises(CheckerBrokenError, match="shuffled"):
        verdict(case(code), returned(X))


@pytest.mark.parametrize("outcome", [Outcome.CPU_TIME, Outcome.MEMORY, Outcome.DIED])
def test_checker_that_runs_out_of_its_limits_is_broken(outcome: Outcome) -> None:
    engine = FakeEngine(run=lambda _: CaseRun(outcome, 1.0, 2.0, 3))
    with pytest.raises(CheckerBrokenError):
        check_properties(engine.start(), [case()], [returned(X)])


def test_checkers_nonsense_is_its_own_fault_and_not_the_programs() -> None:
    engine = FakeEngine(run=lambda _: CaseRun(Outcome.RETURNED, 1.0, 2.0, 3, result=b"?"))
    with pytest.raises(CheckerBrokenError):
        check_properties(engine.start(), [case()], [returned(X)])


def test_output_too_deep_to_be_handed_on_is_invalid() -> None:
    deep: Value = []
    for _ in range(64):
        deep = [deep]
    one = case("def check(args, output, expected):\n    return True", expected=[1])
    assert verdict(one, returned(deep))[0] is Verdict.IO


def test_the_longest_integer_is_handed_on() -> None:
    one = case("def check(args, output, expected):\n    return output < 0", expected=1)
    assert verdict(one, returned(-(2**8191)))[0] is Verdict.AC


def test_broken_reference_data_are_not_the_programs_fault() -> None:
    broken = CaseData("c", "g", False, b"?", b"?", case().checker, False)  # noqa: FBT003
    with pytest.raises(InvalidValueError):
        check_properties(FakeEngine().start(), [broken], [returned(X)])


def test_strange_outputs_are_of_the_expected_type() -> None:
    shapes = [np.asarray(one).shape for one in strange_outputs(X)]
    assert shapes == [(0,), (1, 3), (3,), (3,), (3,)]
    assert [type(one) for one in strange_outputs((X, 1.0))] == [tuple] * 7
    assert [*strange_outputs([1])] == [[]]
    assert [np.asarray(one).ndim for one in strange_outputs(np.array(1.0))] == [1, 1, 0, 0, 0]
    assert [*strange_outputs(None)] == []


def test_strange_outputs_are_not_finite_once_they_are_doubles_or_added_up() -> None:
    *_, beyond, huge = strange_outputs(np.zeros((3, 2)))
    assert isinstance(beyond, np.ndarray)
    assert isinstance(huge, np.ndarray)
    assert np.isfinite(beyond).all()
    assert np.isfinite(huge).all()
    with np.errstate(all="ignore"):
        assert np.isinf(beyond.astype(float)).all()
        assert not np.isfinite(huge.var())
    for pairs in (beyond, huge):
        assert (pairs > 0).any()
        assert (pairs < 0).any()
        np.testing.assert_array_equal(decode_value(encode_value(pairs)), pairs)
