"""Why an array is wrong: every usual slip is recognised, noise is not, and nothing crashes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.grading.diagnosis import MOST, diagnose, diagnose_parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from app.grading.values import Value

    Array = NDArray[Any]

SEEDS = st.integers(0, 2**32 - 1)


def explain(expected: Value, got: Value) -> list[str]:
    return [text.render("en") for text in diagnose(expected, got)]


def one(expected: Value, got: Value) -> str:
    return "\n".join(explain(expected, got))


def softmax(z: Array, axis: int) -> Array:
    e = np.exp(z - z.max(axis, keepdims=True))
    return np.asarray(e / e.sum(axis, keepdims=True))


def batch_norm(x: Array, ddof: int = 0) -> Array:
    shift = np.arange(x.shape[1])
    return np.asarray((x - x.mean(0)) / np.sqrt(x.var(0, ddof=ddof) + 1e-5) * (1 + shift) + shift)


# --- Every slip is recognised on random arrays ----------------------------------------------

Slip = tuple["Callable[[Array], Array]", str]
SLIPS: dict[str, Slip] = {
    "transposed square": (lambda x: x[:3, :3].T, "transposed"),
    "reshaped instead of transposed": (lambda x: x.T.reshape(x.shape), "reshape does not"),
    "reversed rows": (lambda x: x[::-1], "reverse order along axis 0"),
    "reversed columns": (lambda x: x[:, ::-1], "reverse order along axis 1"),
    "reversed everywhere": (lambda x: x[::-1, ::-1], "reverse order along every axis"),
    "rolled": (lambda x: np.roll(x, 2, 0), "shifted in a circle by 2 along axis 0"),
    "rolled back": (lambda x: np.roll(x, -1, 1), "shifted in a circle by -1 along axis 1"),
    "shifted": (lambda x: np.vstack([x[:1] * 0, x[:-1]]), "shifted by 1 along axis 0"),
    "shifted back": (lambda x: np.vstack([x[2:], x[:2] * 0]), "shifted by -2 along axis 0"),
    "rows permuted": (lambda x: x[[1, 0, 4, 2, 3]], "slices along axis 0 are right"),
    "columns permuted": (lambda x: x[:, [1, 0, 2, 3]], "slices along axis 1 are right"),
    "values mixed": (lambda x: np.sort(x, None).reshape(x.shape), "in other places"),
    "negated": (lambda x: -x, "wrong sign"),
    "doubled": (lambda x: 2 * x, "twice"),
    "halved": (lambda x: x / 2, "half"),
    "ddof": (lambda x: x * 5 / 4, "N = 5"),
    "root of ddof": (lambda x: x * np.sqrt(3 / 4), "N = 4"),
    "ddof of a sample that is not an axis": (lambda x: x * 17 / 16, "N = 17"),
    "sum": (lambda x: 37 * x, "mean over 37"),
    "mean": (lambda x: x / 37, "mean over 37"),
    "scaled by a root": (lambda x: x / np.sqrt(7), "√7"),
    "log2": (lambda x: x / np.log(2), "1/ln 2"),
    "log10": (lambda x: x * np.log(10), "ln 10"),
    "pixels": (lambda x: x / 255, "1/255"),
    "degrees": (np.degrees, "180/π"),
    "some factor": (lambda x: x * 1.2345, "1.2345 times"),
    "some factor, in single precision": (
        lambda x: (x * 1.2345).astype(np.float32),
        "1.2345 times",
    ),
    "offset": (lambda x: x - 0.75, "the same -0.75"),
    "line": (lambda x: 3 * x + 1.5, "3 × the expected ones +1.5"),
    "factor per row": (lambda x: x * np.arange(1, 6)[:, None], "Along axis 0, each slice has a f"),
    "factor per column": (lambda x: x * np.arange(1, 5), "Along axis 1, each slice has a factor"),
    "offset per row": (lambda x: x + np.arange(5)[:, None], "Along axis 0, each slice has an o"),
    "offset per column": (lambda x: x + np.arange(4), "Along axis 1, each slice has an offset"),
    "square": (np.square, "square of the expected"),
    "reciprocal": (np.reciprocal, "1 divided by"),
    "exponential": (np.exp, "exponential"),
    "complement": (lambda x: 1 - x, "1 minus"),
    "signs lost": (np.abs, "without its sign"),
    "rectified": (lambda x: np.maximum(x, 0), "replaced by zero"),
    "rounded": (np.rint, "rounded to integers"),
    "running sum": (lambda x: np.cumsum(x, 1), "running sum along axis 1"),
    "proportional to squares": (lambda x: 3 * x * np.abs(x), "squares"),
    "half precision": (lambda x: x.astype(np.float16), "first digits"),
    "single precision": (lambda x: x.astype(np.float32), "7 digits"),
    "one nan": (lambda x: np.where(x == x.max(), np.nan, x), "1 of 20 values are NaN"),
    "infinities": (lambda x: np.where(np.arange(4) == 1, np.inf, x), "5 of 20 values are inf"),
    "zeros": (np.zeros_like, "zero"),
    "ones": (np.ones_like, "All your values are the same"),
    "averaged": (lambda x: 0 * x + x.mean(0), "same for every index of axis 0"),
    "last row forgotten": (lambda x: np.vstack([x[:-1], x[-1:] + x[:1]]), "index 4 of axis 0"),
    "one column wrong": (lambda x: x + (np.arange(4) == 2) * x[:, :1], "index 2 of axis 1"),
    "loop ended early": (lambda x: np.vstack([x[:3], x[3:] * x[:2]]), "wrong from 3 on"),
    "border": (lambda x: x * np.pad(np.ones((3, 2)), 1, constant_values=x[0, 0]), "the border"),
    "not filled": (lambda x: np.where(x > np.sort(x, None)[-8], 0, x), "never filled in"),
}


@pytest.mark.parametrize("slip", SLIPS)
@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_a_slip_is_recognised_whatever_the_values(slip: str, seed: int) -> None:
    change, words = SLIPS[slip]
    x = np.random.default_rng(seed).normal(0, 3, (5, 4))
    wrong = change(x)
    expected = x[: wrong.shape[0], : wrong.shape[1]]
    assert words in one(expected, wrong)


POSITIVE: dict[str, Slip] = {
    "root": (np.sqrt, "root superfluous"),
    "logarithm": (np.log, "logarithm of the expected"),
    "proportional to roots": (lambda x: 3 * np.sqrt(x), "one √ too many"),
    "inverse proportion": (lambda x: 3 / x, "inversely proportional"),
    "rounded down": (np.floor, "rounded down"),
    "bytes": (lambda x: np.mod(np.floor(x), 256), "wrapped around at 256"),
}


@pytest.mark.parametrize("slip", POSITIVE)
@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_a_slip_with_positive_numbers_is_recognised(slip: str, seed: int) -> None:
    change, words = POSITIVE[slip]
    x = np.random.default_rng(seed).uniform(1, 400, 12)
    x[0], x[1] = 300.5, 20.25
    assert words in one(x, change(x))


@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_the_axes_of_a_batch_of_images_are_told_apart(seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(2, 3, 4, 5))
    assert "expected axes (0, 2, 3, 1)" in one(x, x.transpose(0, 2, 3, 1))
    bias = np.arange(1, 4).reshape(1, 3, 1, 1)
    assert "Along axis 1, each slice has an offset of its own, from 1 to 3" in one(x, x + bias)
    assert "Along axis 1, each slice has a factor of its own, from 1 to 3" in one(x, x * bias)
    wrong = x * np.pad(np.ones((2, 3, 2, 3)), ((0, 0), (0, 0), (1, 1), (1, 1)))
    assert "border of the last two axes" in one(x, wrong)


# --- The slips of well-known algorithms -----------------------------------------------------


def test_an_unbiased_variance_shows_through_scale_and_shift() -> None:
    x = np.random.default_rng(1).normal(size=(6, 3))
    assert "N = 6 values: check ddof" in one(batch_norm(x), batch_norm(x, ddof=1))


def test_a_missing_eps_is_seen_in_the_last_digits_and_taken_for_nothing_else() -> None:
    x = np.array([[1.0, 2.0], [3.0, 6.0]])
    centred = x - x.mean(0)
    right, wrong = centred / np.sqrt(x.var(0) + 1e-5), centred / x.std(0)
    (text,) = explain(right, wrong)
    assert "look for a small constant (eps)" in text


def test_four_values_are_too_few_for_a_factor_per_slice() -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert explain(x, x * [2.5, -0.7]) == []


def test_a_softmax_over_the_wrong_axis_is_named() -> None:
    z = np.random.default_rng(1).normal(size=(4, 3))
    assert one(softmax(z, 1), softmax(z, 0)) == (
        "The values should sum to one along axis 1; yours do along axis 0."
    )


def test_a_softmax_without_its_sum_is_named() -> None:
    z = np.random.default_rng(1).normal(size=(4, 3))
    assert "factor of its own" in one(softmax(z, 1), np.exp(z))
    assert "yours sum to" in one(softmax(z, 1), np.exp(z) ** 1.5 + 0.1)


def test_log_probabilities_are_named() -> None:
    p = softmax(np.random.default_rng(1).normal(size=(4, 3)), 1)
    assert "logarithm of the expected" in one(p, np.log(p))


def test_centring_along_the_wrong_axis_is_named() -> None:
    x = np.random.default_rng(1).normal(size=(4, 3))
    wrong = x - x.mean(1, keepdims=True)
    assert one((x - x.mean(0)) / x.std(0), wrong / x.std(1, keepdims=True)) == (
        "The values should have mean zero along axis 0; yours have it along axis 1."
    )


def test_labels_that_begin_at_the_other_end_are_named() -> None:
    assert "begin at 0 or at 1" in one(np.array([0, 2, 1, 1]), np.array([1, 3, 2, 2]))
    assert "begin at 0 or at 1" in one(4, 3)
    assert "begin at 0 or at 1" in one([3, 1, 2], [2, 0, 1])


def test_the_diagonal_is_a_place() -> None:
    x = np.random.default_rng(1).normal(size=(4, 4))
    assert "Only the diagonal is wrong" in one(x, x + np.diag(np.arange(1, 5) ** 2))
    assert "above the diagonal" in one(x, np.tril(x))
    assert "below the diagonal" in one(x, np.triu(x))
    assert "Only the diagonal is right" in one(x, np.where(np.eye(4) > 0, x, x**3 + 1))


def test_sorted_values_are_named() -> None:
    x = np.array([3.0, 1.0, 7.0, 2.0])
    assert "sorted, which they should not be" in one(x, np.sort(x))
    assert "not sorted" in one(np.sort(x), x)


def test_truth_values_and_complex_numbers_have_their_own_slips() -> None:
    truth = np.array([True, False, False, True, True])
    assert explain(truth, ~truth)[0] == "Every truth value is the wrong way round."
    z = np.array([1 + 2j, 3 - 1j, 2j])
    assert "conjugate" in one(z, z.conj())
    assert "wrong sign" in one(z, -z)


def test_scalars_are_diagnosed_too() -> None:
    assert one(3.0, 6.0) == "Every value is twice the expected one: is a factor ½ missing?"
    assert "wrong sign" in one(np.float64(3.7), np.float64(-3.7))
    assert explain(3.0, 4.1) == []


def test_at_most_two_explanations_and_the_certain_ones_first() -> None:
    texts = explain(np.array([1.0, 1.0, 1.0]), np.array([2.0, 2.0, 2.0]))
    assert len(texts) <= MOST
    assert "twice" in texts[0]


# --- Shapes and types -----------------------------------------------------------------------

SHAPES: dict[str, tuple[tuple[int, ...], tuple[int, ...], str]] = {
    "transposed": ((5, 4), (4, 5), "transposed"),
    "flattened": ((5, 4), (20,), "flattened"),
    "keepdims": ((5,), (5, 1), "Superfluous axes of length one: 1"),
    "keepdims missing": ((5, 1), (5,), "Missing axes of length one: 1"),
    "unit axis elsewhere": ((5, 1), (1, 5), "other places"),
    "batch missing": ((3, 5, 4), (5, 4), "first axis, of length 3, is missing"),
    "batch superfluous": ((5, 4), (3, 5, 4), "length 3 too many in front"),
    "reduced": ((5, 4), (5,), "Axis 1 is missing"),
    "not reduced": ((5,), (5, 4), "Axis 1 is one too many"),
    "reduced with keepdims": ((5, 4), (5, 1), "along axis 1: was it reduced with keepdims"),
    "one short": ((5, 4), (5, 3), "Axis 1 has 3 items instead of 4: off by one"),
    "padding": ((2, 3, 8, 8), (2, 3, 6, 6), "axes 2, 3 are each 2 items"),
    "wrong axis": ((4,), (9,), "9 items instead of 4: along the wrong axis"),
    "axes moved": ((2, 3, 4), (2, 4, 3), "another order"),
    "regrouped": ((4, 6), (3, 8), "only reshape"),
}


@pytest.mark.parametrize("case", SHAPES)
def test_a_wrong_shape_says_what_it_suggests(case: str) -> None:
    wanted, given, words = SHAPES[case]
    x = np.random.default_rng(1).normal(size=np.prod(wanted))
    y = np.resize(x, given)
    if case == "axes moved":
        y = x.reshape(wanted).transpose(0, 2, 1)
    assert words in one(x.reshape(wanted), y)


TYPES: dict[str, tuple[Value, Value, str]] = {
    "nothing": (np.ones(2), None, "return statement"),
    "list": (np.array([1.0, 3.0]), [1.0, 3.0], "np.array"),
    "tuple with a cache": (np.ones(2), (np.ones(2), {"x": 1.0}), "Your part 0"),
    "scalar": (np.array([1.0, 3.0]), 4.0, "without axis"),
    "array for a number": (4.0, np.array([1.0, 2.0]), "single number"),
    "list for tuple": ((1.0, 2.0), [1.0, 2.0], "Return a tuple, not a list"),
    "right but integers": (np.array([1.0, 2.0]), np.array([1, 2]), ".astype(float64)"),
    "cut to integers": (np.array([1.5, 2.5]), np.array([1, 2]), "integer division"),
    "fractions": (np.array([1, 2]), np.array([1.5, 2.0]), "use // or round"),
    "complex": (np.array([1.0, 2.0]), np.array([1 + 0j, 2 + 0j]), ".real"),
}


@pytest.mark.parametrize("case", TYPES)
def test_a_wrong_type_says_what_to_do(case: str) -> None:
    expected, got, words = TYPES[case]
    assert words in one(expected, got)


def test_parts_in_another_order_are_named() -> None:
    dx, dgamma, dbeta = np.ones((2, 2)), np.array([1.0, 2.0]), np.array([3.0, 4.0])
    (text,) = diagnose_parts((dx, dgamma, dbeta), (dx, dbeta, dgamma))
    assert "expected parts 0, 2, 1" in text.render("en")
    assert diagnose_parts((dx, dgamma), (dx, dbeta)) == ()
    assert diagnose_parts((dx, dx), (dx, dx)) == ()
    assert diagnose_parts((dx, dx), (dx,)) == ()


# --- Nothing is made up ---------------------------------------------------------------------


@given(seed=SEEDS, shape=hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=5))
@settings(deadline=None)
def test_noise_is_not_explained(seed: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(seed)
    assert explain(rng.normal(size=shape), rng.normal(size=shape)) == []


@given(seed=SEEDS)
@settings(deadline=None)
def test_noise_on_a_few_values_is_only_located(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(6, 6))
    wrong = x.copy()
    wrong[[0, 2, 5], [3, 1, 2]] += rng.uniform(1, 2, 3)
    assert explain(x, wrong) == []


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=0, min_side=0)))
@settings(deadline=None)
def test_equal_arrays_have_no_slip(x: Array) -> None:
    assert all("agree to about" in text for text in explain(x, x.copy()))


ANY_DTYPE = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="="),
    hnp.unsigned_integer_dtypes(endianness="="),
    hnp.floating_dtypes(endianness="="),
    hnp.complex_number_dtypes(endianness="="),
    hnp.unicode_string_dtypes(endianness="=", max_len=3),
)
SMALL_SHAPES = hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=3)
ANY_ARRAY = hnp.arrays(ANY_DTYPE, SMALL_SHAPES)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | ANY_ARRAY,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)


def check_texts(expected: Value, got: Value) -> None:
    texts = explain(expected, got)
    assert len(texts) <= MOST
    assert all(0 < len(text) < 300 for text in texts)


@given(ANYTHING, ANYTHING)
@settings(max_examples=150, deadline=None)
def test_nothing_crashes_or_warns(expected: Value, got: Value) -> None:
    check_texts(expected, got)
    diagnose_parts([expected, got], (got, expected))


@given(data=st.data(), dtype=ANY_DTYPE, shape=SMALL_SHAPES)
@settings(max_examples=150, deadline=None)
def test_nothing_crashes_or_warns_for_arrays_of_one_shape(
    data: st.DataObject, dtype: np.dtype[Any], shape: tuple[int, ...]
) -> None:
    check_texts(data.draw(hnp.arrays(dtype, shape)), data.draw(hnp.arrays(dtype, shape)))


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (np.array([2**63 - 1, -(2**63)]), np.array([-(2**63), 2**63 - 1])),
        (np.array([1.7e308, -1.7e308, 1e308]), np.array([-1.7e308, 1.7e308, 5e-324])),
        (np.array([5e-324, 1e-323, 2e-323]), np.array([1e-323, 2e-323, 4e-323])),
        (np.full(3, np.nan), np.full(3, np.inf)),
        (np.array([np.longdouble("1e4000"), 1, 2]), np.array([np.longdouble(1), 2, 3])),
        (10**400, 10**401),
        ([10**30, 1], [1, 10**30]),
        ([[]], [[1]]),
        ([[1, 2], [3]], [[1, 2], [4]]),
    ],
)
def test_extremes_neither_crash_nor_warn(expected: Value, got: Value) -> None:
    check_texts(expected, got)


def test_a_large_array_is_looked_at_around_its_first_difference() -> None:
    x = np.random.default_rng(1).normal(size=(2000, 1500))
    assert "twice" in one(x, 2 * x)
    wrong = x.copy()
    wrong[1990, 1200:] += x[0, 1200:]
    assert "of axis 0" in one(x, wrong)
