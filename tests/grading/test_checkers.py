"""Checkers: what answers a case, what does not, and what the reason says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.grading.checkers import CheckReport, check, explain
from app.questions.schema import CloseChecker, ExactChecker, SameSetChecker

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from app.grading.values import Value
    from app.questions.schema import Checker

CLOSE = CloseChecker(rtol=1e-6, atol=1e-8)
EXACT = ExactChecker(name="exact")
SAME_SET = SameSetChecker(name="same_set")
NAN, INF = float("nan"), float("inf")


def array(*values: object, dtype: DTypeLike | None = None) -> NDArray[Any]:
    return np.array(values, dtype)


def reason(spec: Checker, expected: Value, got: Value) -> str:
    report = check(spec, expected, got)
    assert not report.ok
    assert report.reason is not None
    return report.reason.render("en")


ACCEPTED_BY_CLOSE: dict[str, tuple[Value, Value]] = {
    "equal arrays": (array(1.0, 2.0), array(1.0, 2.0)),
    "within rtol": (array(1e6), array(1e6 + 0.5)),
    "within atol of zero": (array(0.0), array(5e-9)),
    "negative numbers within tolerance": (array(-1.0), array(-1.0 - 5e-7)),
    "float32 answers float64": (array(0.5), array(0.5, dtype=np.float32)),
    "float16 overflow in neither": (array(60000.0, dtype=np.float16), array(60000.0)),
    "nan where expected": (array(1.0, NAN), array(1.0, NAN)),
    "infinities of the same sign": (array(INF, -INF), array(INF, -INF)),
    "negative zero": (array(0.0), array(-0.0)),
    "denormals": (array(5e-324), array(5e-324)),
    "empty arrays of the same shape": (np.empty((0, 3)), np.empty((0, 3))),
    "fortran order": (
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    ),
    "not contiguous": (array(0.0, 2.0), np.arange(4.0)[::2]),
    "other byte order": (array(1.0, 2.0), array(1.0, 2.0, dtype=">f8")),
    "no dimensions is a scalar": (2.5, np.array(2.5)),
    "numpy scalar is a scalar": (np.float64(2.5), 2.5),
    "extended precision scalar": (np.longdouble(2.5), 2.5),
    "integers of other width": (array(1, 2), array(1, 2, dtype=np.int8)),
    "numpy integer is an integer": (3, np.int32(3)),
    "numpy bool is a bool": (True, np.bool_(True)),  # noqa: FBT003
    "complex": (array(1 + 2j), array(1 + 2j + 1e-9)),
    "tuple of arrays": ((array(1.0), array(2.0)), (array(1.0), array(2.0))),
    "dict in another order": ({"a": 1.0, "b": 2.0}, {"b": 2.0, "a": 1.0}),
    "none": (None, None),
    "text": ("ab", "ab"),
    "array of texts of another width": (array("a", "b"), array("a", "b", dtype="U9")),
    "huge integers": (10**300, 10**300 + 1),
}

REFUSED_BY_CLOSE: dict[str, tuple[Value, Value]] = {
    "beyond rtol": (array(1e6), array(1e6 + 1.5)),
    "beyond atol of zero": (array(0.0), array(2e-8)),
    "sign flipped": (array(-1.0), array(1.0)),
    "nan where a number was expected": (array(1.0, 2.0), array(1.0, NAN)),
    "number where nan was expected": (array(1.0, NAN), array(1.0, 2.0)),
    "infinity of the other sign": (array(INF), array(-INF)),
    "number for infinity": (array(INF), array(1e308)),
    "infinity for a number": (array(1e308), array(INF)),
    "nan for infinity": (array(INF), array(NAN)),
    "difference that overflows": (array(-1.7e308), array(1.7e308)),
    "empty for one element": (array(1.0), np.empty(0)),
    "empty of another shape": (np.empty((0, 3)), np.empty((3, 0))),
    "scalar for zeros": (np.zeros((2, 2)), 0.0),
    "array without dimensions for zeros": (np.zeros(2), np.array(0.0)),
    "one element for a scalar": (1.0, array(1.0)),
    "row that broadcasts": (np.ones((2, 3)), np.ones(3)),
    "column that broadcasts": (np.ones((2, 3)), np.ones((2, 1))),
    "flattened": (np.ones((2, 3)), np.ones(6)),
    "transposed": (np.ones((2, 3)), np.ones((3, 2))),
    "complex with zero imaginary part": (array(1.0), array(1.0 + 0j)),
    "wrong imaginary part": (array(1 + 2j), array(1 - 2j)),
    "nan in the imaginary part only": (array(complex(1, NAN)), array(complex(NAN, 1))),
    "integers for floats": (array(1.0), array(1)),
    "floats for integers": (array(1), array(1.0)),
    "bools for integers": (array(1, 0), array(True, False)),  # noqa: FBT003
    "unsigned for signed": (array(1), array(1, dtype=np.uint64)),
    "wrapped around": (array(3, dtype=np.uint8), array(255, dtype=np.uint8)),
    "unsigned far apart": (array(2**64 - 1, dtype=np.uint64), array(1, dtype=np.uint64)),
    "integers far apart": (array(2**62), array(-(2**62))),
    "python int for float": (1.0, 1),
    "bool for int": (1, True),
    "text for number": (1.0, "1.0"),
    "none for number": (1.0, None),
    "number for none": (None, 0.0),
    "list for array": (array(1.0), [1.0]),
    "array for list": ([1.0], array(1.0)),
    "list for tuple": ((1.0, 2.0), [1.0, 2.0]),
    "matrix for array": (np.ones((2, 2)), np.ones((2, 2)).view(np.matrix)),
    "fully masked array": (np.ones(2), np.ma.masked_all(2)),  # type: ignore[no-untyped-call]
    "array of objects": (np.ones(2), np.ones(2).astype(object)),
    "too short": ((1.0, 2.0), (1.0,)),
    "too long": ([1.0], [1.0, 1.0]),
    "key missing": ({"a": 1.0, "b": 1.0}, {"a": 1.0}),
    "key too many": ({"a": 1.0}, {"a": 1.0, "b": 1.0}),
    "other keys": ({1: 1.0}, {"1": 1.0}),
    "swapped results": ((array(1.0), array(2.0)), (array(2.0), array(1.0))),
    "other order of ties": (array(0, 1), array(1, 0)),
    "other text": ("ab", "AB"),
    "text with a newline": ("ab", "ab\n"),
    "huge integers": (10**300, 2 * 10**300),
}


@pytest.mark.parametrize("case", ACCEPTED_BY_CLOSE)
def test_close_accepts(case: str) -> None:
    expected, got = ACCEPTED_BY_CLOSE[case]
    assert check(CLOSE, expected, got) == CheckReport(ok=True)


@pytest.mark.parametrize("case", REFUSED_BY_CLOSE)
def test_close_refuses(case: str) -> None:
    expected, got = REFUSED_BY_CLOSE[case]
    report = check(CLOSE, expected, got)
    assert not report.ok
    assert report.reason is not None


WRONG_TYPES: dict[str, tuple[Value, Value]] = {
    "none": (array(1.0), None),
    "list for array": (array(1.0), [1.0]),
    "integers for floats": (array(1.0), array(1)),
    "complex for floats": (array(1.0), array(1.0 + 0j)),
    "scalar for array": (np.zeros(2), 0.0),
    "int for float": (1.0, 1),
    "inside a tuple": ((1.0, array(1.0)), (1.0, [1.0])),
}
WRONG_VALUES: dict[str, tuple[Value, Value]] = {
    "shape": (np.ones((2, 3)), np.ones(3)),
    "length": ([1.0], []),
    "value": (1.0, 2.0),
}


@pytest.mark.parametrize("case", WRONG_TYPES)
def test_another_type_is_told_apart(case: str) -> None:
    assert check(CLOSE, *WRONG_TYPES[case]).wrong_type


@pytest.mark.parametrize("case", WRONG_VALUES)
def test_another_value_of_the_right_type_is_no_wrong_type(case: str) -> None:
    assert not check(CLOSE, *WRONG_VALUES[case]).wrong_type


def test_zeros_answer_small_numbers_only_if_the_author_allows_it() -> None:
    small, zeros = array(3e-5, -4e-5), np.zeros(2)
    assert check(CloseChecker(rtol=1e-6, atol=1e-4), small, zeros).ok
    assert not check(CloseChecker(rtol=1e-6, atol=1e-8), small, zeros).ok
    assert not check(CloseChecker(rtol=1e-6, atol=0), array(1e-300), array(0.0)).ok


def test_the_bound_has_no_slack_of_its_own() -> None:
    spec = CloseChecker(rtol=0, atol=0.25)
    assert check(spec, array(1.0), array(1.25)).ok
    assert not check(spec, array(1.0), array(np.nextafter(1.25, 2))).ok


def test_a_tolerance_for_integers_is_their_exact_distance() -> None:
    spec = CloseChecker(rtol=0, atol=1)
    assert check(spec, array(2**62), array(2**62 + 1)).ok
    assert not check(spec, array(2**62), array(2**62 + 2)).ok
    assert not check(spec, array(-(2**63)), array(2**63 - 1)).ok


def test_a_tolerance_for_unsigned_integers_does_not_wrap_around() -> None:
    top = array(2**64 - 2, dtype=np.uint64)
    assert check(CloseChecker(rtol=0, atol=1), top, top + np.uint64(1)).ok
    assert not check(CloseChecker(rtol=0.5, atol=0), top, array(0, dtype=np.uint64)).ok


def test_zero_tolerance_tells_large_integers_apart() -> None:
    spec = CloseChecker(rtol=0, atol=0)
    assert not check(spec, array(2**53), array(2**53 + 1)).ok
    assert not check(spec, 2**53, 2**53 + 1).ok


@given(hnp.arrays(np.float64, hnp.array_shapes(min_side=0)))
def test_every_array_of_floats_answers_itself(values: NDArray[np.float64]) -> None:
    assert check(CLOSE, values, values.copy()).ok
    assert check(EXACT, values, values.copy()).ok
    assert check(SAME_SET, values, values[::-1]).ok


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(0, 1), st.floats(0, 1))
def test_scalar_and_array_are_judged_alike(value: float, rtol: float, atol: float) -> None:
    spec = CloseChecker(rtol=rtol, atol=atol)
    other = value * (1 + 1e-3) + 1e-3
    assert check(spec, value, other).ok == check(spec, array(value), array(other)).ok


# --- exact ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (array(1.0, NAN), array(1.0, NAN)),
        (array(0.0), array(-0.0)),
        (array("ab", "c"), array("ab", "c")),
        ({"a": [1, (2.0, None)]}, {"a": [1, (2.0, None)]}),
        (array(1.5), array(1.5, dtype=">f8")),
        (np.float32(1.5), 1.5),
    ],
)
def test_exact_accepts(expected: Value, got: Value) -> None:
    assert check(EXACT, expected, got).ok


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (array(1.0), array(np.nextafter(1.0, 2))),
        (1.0, np.nextafter(1.0, 2)),
        (array(1.0), array(1.0, dtype=np.float32)),
        (array(1), array(1, dtype=np.int32)),
        (array(1, 2), array(2, 1)),
        (array("a"), array("b")),
        (True, 1),
    ],
)
def test_exact_refuses(expected: Value, got: Value) -> None:
    assert not check(EXACT, expected, got).ok


# --- same_set -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ([1, 2, 2], [2, 1, 2]),
        (array(3.0, NAN), array(NAN, 3.0)),
        (array([1, 2], [3, 4]), array([3, 4], [1, 2])),
        ([array(1.0), {"a": 1}], [{"a": 1}, array(1.0)]),
        ((1j, "x", None), (None, "x", 1j)),
        ([], []),
        (2.0, 2.0),
        (np.array(2.0), 2.0),
    ],
)
def test_same_set_accepts_any_order(expected: Value, got: Value) -> None:
    assert check(SAME_SET, expected, got).ok


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ([1, 2, 2], [1, 1, 2]),
        ([1, 2], [1, 2, 2]),
        ([1], [True]),
        ([1], [1.0]),
        ([1], (1,)),
        ([[1, 2]], [[2, 1]]),
        (array([1, 2], [3, 4]), array([1, 3], [2, 4])),
        (array(1.0), array(1)),
        (array(1.0), np.ones((1, 1))),
        ([complex(0, NAN)], [complex(NAN, 0)]),
        (np.empty((0, 3)), np.empty((0, 2))),
    ],
)
def test_same_set_refuses_other_items(expected: Value, got: Value) -> None:
    assert not check(SAME_SET, expected, got).ok


# --- reasons --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "got",
    [
        np.arange(10_000),
        np.arange(3).repeat(5000),
    ],
)
def test_many_more_items_than_expected_are_not_counted(got: Value) -> None:
    assert "expected ndarray(int64, shape=(3,)), got ndarray" in reason(SAME_SET, np.arange(3), got)


def test_one_of_many_items_that_is_too_large_is_not_read() -> None:
    expected: Value = [np.zeros(2), np.ones(2)]
    assert "list(len=2)" in reason(SAME_SET, expected, [np.zeros(2), np.ones(5000)])
    assert "list(len=2)" in reason(SAME_SET, ["a", "b"], ["a", "b" * 5000])
    assert "1 of 2" in reason(SAME_SET, expected, [np.zeros(2), np.ones(3)])


def test_width_of_texts_is_no_size() -> None:
    assert check(SAME_SET, np.array(["a", "b"]), np.array(["b", "a"], "U2000")).ok


def test_the_reason_names_type_dtype_and_shape() -> None:
    assert reason(CLOSE, np.ones((2, 3)), np.ones(3)) == (
        "result: expected ndarray(float64, shape=(2, 3)), got ndarray(float64, shape=(3,))."
    )
    assert reason(CLOSE, array(1.0), array(1)) == (
        "result: expected ndarray(float64, shape=(1,)), got ndarray(int64, shape=(1,))."
    )
    assert reason(CLOSE, array(1.0), None) == (
        "result: expected ndarray(float64, shape=(1,)), got None."
    )


def test_the_reason_names_the_first_bad_index_and_the_largest_relative_error() -> None:
    expected, got = array([1.0, 2.0], [4.0, 0.0]), array([1.0, 2.5], [2.0, 0.0])
    assert reason(CLOSE, expected, got) == (
        "result[0, 1]: expected 2.0, got 2.5; 2 of 4 values differ, "
        "the largest relative error is 0.5."
    )


def test_error_is_told_of_the_values_that_differ_only() -> None:
    assert reason(CLOSE, array(1.0, 2.0), array(1.0, np.nan)) == (
        "result[1]: expected 2.0, got nan; 1 of 2 values differ."
    )


def test_the_reason_leaves_out_an_error_that_nothing_can_be_relative_to() -> None:
    assert reason(CLOSE, array(0.0), array(1.0)) == (
        "result[0]: expected 0.0, got 1.0; 1 of 1 values differ."
    )
    assert reason(CLOSE, array("a"), array("b")) == (
        "result[0]: expected 'a', got 'b'; 1 of 1 values differ."
    )


def test_the_reason_leads_into_nested_results() -> None:
    assert reason(CLOSE, (1.0, {"w": [1.0, 2.0]}), (1.0, {"w": [1.0, 3.0]})) == (
        "result[1]['w'][1]: expected float 2.0, got float 3.0."
    )


def test_the_reason_lists_keys_and_missing_items() -> None:
    assert reason(CLOSE, {"a": 1}, {"b": 1}) == "result: expected the keys ['a'], got ['b']."
    assert reason(SAME_SET, [1, 2, 3], [1, 4]) == (
        "result: 2 of 3 expected items are missing, 1 are not expected."
    )


@pytest.mark.parametrize("huge", ["x" * 10_000, 10**2000, [0] * 10_000])
def test_the_reason_is_short_whatever_was_returned(huge: Value) -> None:
    assert len(reason(CLOSE, 1.0, huge)) < 250


# --- explanations ---------------------------------------------------------------------------


def hints(spec: Checker, expected: Value, got: Value) -> str:
    return "\n".join(text.render("en") for text in explain(spec, expected, got))


@pytest.mark.parametrize("spec", [CLOSE, EXACT, SAME_SET], ids=lambda spec: spec.name)
def test_what_is_accepted_needs_no_explanation(spec: Checker) -> None:
    assert explain(spec, array(1.0, 2.0), array(1.0, 2.0)) == ()


def test_the_part_that_is_wrong_is_explained() -> None:
    right, wrong = array(1.0, 2.0, 5.0), array(-1.0, -2.0, -5.0)
    assert "wrong sign" in hints(CLOSE, (right, {"w": right}), (right, {"w": wrong}))
    assert "wrong sign" in hints(CLOSE, {"a": right, "b": right}, {"a": right, "b": wrong})


def test_parts_that_changed_places_are_explained_before_their_values() -> None:
    one, two = array(1.0, 2.0), array(2.0, 4.0)
    assert "expected parts 1, 0" in hints(CLOSE, (one, two), (two, one))
    assert "expected parts 1, 0" in hints(CLOSE, {"a": one, "b": two}, {"a": two, "b": one})


def test_lists_of_numbers_are_explained_as_a_whole() -> None:
    assert "reverse order" in hints(CLOSE, [1.0, 2.0, 5.0], [5.0, 2.0, 1.0])
    assert "transposed" in hints(EXACT, [[1, 2], [3, 4]], [[1, 3], [2, 4]])


def test_a_set_of_numbers_is_explained_without_its_order() -> None:
    assert "begin at 0 or at 1" in hints(SAME_SET, array(2, 0, 5), array(3, 6, 1))


def test_a_wrong_type_or_shape_is_explained() -> None:
    assert "np.array" in hints(CLOSE, array(1.0), [1.0])
    assert "flattened" in hints(CLOSE, np.ones((2, 3)), np.ones(6))
    assert explain(CLOSE, None, array(1.0)) == ()
