"""Numbers that look right: each goes through the bytes of a report to the real judge.

Everything here happens on the trusted side; what sandboxes return is tried in the other groups.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.grading.judging import judge_case, summarise
from app.grading.reference import build_reference
from app.grading.running import case_call
from app.grading.values import encode_value
from app.grading.verdicts import Verdict
from app.questions.bank import read_bank
from app.questions.schema import CloseChecker, CodingQuestion, ExactChecker, SameSetChecker
from tests.attacks.court import case, verdict_for, verdict_on
from tests.fakes import FakeEngine, run_in_process

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.grading.values import Value
    from app.questions.schema import Checker

AC, WA, IO = Verdict.AC, Verdict.WA, Verdict.IO
NAN, INF = float("nan"), float("inf")
EXACT = ExactChecker(name="exact")
SAME_SET = SameSetChecker(name="same_set")
GRID = np.arange(6.0).reshape(2, 3) + 0.5


def a(*values: object, dtype: str | None = None) -> NDArray[Any]:
    return np.array(values, dtype)


@pytest.mark.case(107)
@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (a(1.0, NAN), a(NAN, 1.0)),
        (a(1.0, NAN), a(1.0, 0.0)),
        (a(1.0, 2.0), a(NAN, NAN)),
        (a(1.0, 2.0), a(1.0, INF)),
        (a(INF, 1.0), a(-INF, 1.0)),
        (a(INF), a(NAN)),
        (a(INF), a(1.7e308)),
        (a(1.7e308), a(-1.7e308)),
        (a(1.7e308), a(INF)),
        (a(complex(INF, 0)), a(complex(0, INF))),
        (a(complex(1, NAN)), a(complex(NAN, 1))),
        (a(complex(1.7e308, 1.7e308)), a(complex(1.5e308, 1.5e308))),
        (NAN, 0.0),
        (INF, -INF),
        (1, NAN),
    ],
)
def test_nan_and_infinity_answer_only_themselves(expected: Value, got: Value) -> None:
    assert verdict_for(got, expected) is not AC
    assert verdict_for(expected, expected) is AC


@pytest.mark.case(108)
@pytest.mark.parametrize(
    "got",
    [
        GRID[0],
        GRID[:1],
        GRID[:, :1],
        GRID[None],
        GRID.T,
        GRID.ravel(),
        GRID.reshape(3, 2),
        np.broadcast_to(GRID, (4, 2, 3)).copy(),
        np.float64(0.5),
    ],
    ids=lambda got: str(np.shape(got)),
)
def test_a_shape_that_would_broadcast_is_another_shape(got: Value) -> None:
    assert verdict_for(got, GRID) is not AC
    assert verdict_for(got, np.broadcast_to(GRID.mean(), (2, 3)).copy()) is not AC


@pytest.mark.case(109)
@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0), (0, 0), (2, 3, 0), (1, 0)])
def test_an_empty_array_answers_nothing_but_itself(shape: tuple[int, ...]) -> None:
    empty = np.zeros(shape)
    assert verdict_for(empty, GRID) is not AC
    assert verdict_for(empty, 0.0) is not AC
    assert verdict_for(empty, np.zeros(1)) is not AC
    assert verdict_for(empty, np.zeros((*shape, 1))) is not AC
    assert verdict_for(empty, empty) is AC


@pytest.mark.case(109)
@pytest.mark.parametrize("checker", [CloseChecker(), EXACT, SAME_SET])
@pytest.mark.parametrize("got", [[], (), {}, "", None])
def test_nothing_is_no_answer(got: Value, checker: Checker) -> None:
    somethings: tuple[Value, ...] = (GRID, [1.0], (GRID,), {"a": 1}, 0.0, "x")
    for expected in somethings:
        assert verdict_for(got, expected, checker) is not AC


@pytest.mark.case(110)
def test_a_number_is_a_number_with_or_without_numpy() -> None:
    for got in (2.5, np.float64(2.5), np.array(2.5), np.float32(2.5)):
        assert verdict_for(got, 2.5) is AC
        assert verdict_for(got, np.array(2.5)) is AC


@pytest.mark.case(110)
@pytest.mark.parametrize("got", [a(2.5), a([2.5]), [2.5], (2.5,), {"0": 2.5}, "2.5"])
def test_a_number_in_a_box_is_no_number(got: Value) -> None:
    assert verdict_for(got, 2.5) is not AC
    assert verdict_for(2.5, got) is not AC


@pytest.mark.case(111)
@pytest.mark.parametrize(
    "dtype", ["bool", "i1", "i8", "u1", "u8", "c8", "c16", "U9"], ids=lambda dtype: dtype
)
def test_another_kind_of_number_is_of_the_wrong_type(dtype: str) -> None:
    ones = np.ones((2, 3))
    assert verdict_for(ones.astype(dtype), ones) is IO
    assert verdict_for(ones, ones.astype(dtype)) is IO


@pytest.mark.case(111)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_a_shorter_float_has_to_be_as_close_as_any(dtype: str) -> None:
    assert verdict_for(GRID.astype(dtype), GRID) is AC
    third = GRID / 3
    assert verdict_for(third.astype(dtype), third) is (WA if dtype == "f2" else AC)
    assert verdict_for(third.astype("f4"), third, EXACT) is IO


@pytest.mark.case(112)
@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (GRID, GRID.tolist()),
        (GRID, tuple(GRID)),
        (GRID, list(GRID)),
        ([1.0, 2.0], (1.0, 2.0)),
        ([1.0, 2.0], a(1.0, 2.0)),
        ([[1.0]], [a(1.0)]),
        ({"0": 1.0}, [1.0]),
        (a("x"), ["x"]),
        ([1, 2], [True, 2]),
        ([0], [False]),
        (True, 1),
        (0, False),
        (1.0, 1),
        ("1", 1),
        (None, 0),
    ],
)
def test_another_container_or_type_is_of_the_wrong_type(expected: Value, got: Value) -> None:
    assert verdict_for(got, expected) is IO
    assert verdict_for(expected, got) is IO


@pytest.mark.case(113)
@pytest.mark.parametrize(
    "got",
    [
        np.asfortranarray(GRID),
        GRID.astype(">f8"),
        np.repeat(GRID, 2, axis=1)[:, ::2],
        GRID[::-1][::-1],
        np.ascontiguousarray(GRID.T).T,
        np.broadcast_to(GRID, (2, 3)),
    ],
    ids=["fortran", "big-endian", "strided", "reversed", "transposed", "read-only"],
)
@pytest.mark.parametrize("checker", [CloseChecker(), EXACT, SAME_SET])
def test_the_layout_in_memory_does_not_matter(got: Value, checker: Checker) -> None:
    assert verdict_for(got, GRID, checker) is AC


@pytest.mark.case(114)
def test_zeros_answer_small_numbers_only_within_a_stated_tolerance() -> None:
    small = np.full(4, 3e-7)
    assert verdict_for(np.zeros(4), small) is WA
    assert verdict_for(-small, small) is WA
    assert verdict_for(np.zeros(4), small, CloseChecker(atol=1e-6)) is AC


def shipped() -> CodingQuestion:
    bank = read_bank(Path(__file__).parents[2] / "questions")
    documents = {file.document.id: file.document for file in bank.questions}
    found = documents["batch-norm-forward"]
    assert isinstance(found, CodingQuestion)
    return found


VARIANTS = {
    "as asked": "y = gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + eps) + beta",
    "sample variance": "y = gamma * (x - x.mean(0)) / np.sqrt(x.var(0, ddof=1) + eps) + beta",
    "no eps": "y = gamma * (x - x.mean(0)) / np.sqrt(x.var(0)) + beta",
    "eps outside": "y = gamma * (x - x.mean(0)) / (x.std(0) + eps) + beta",
    "another eps": "y = gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3) + beta",
    "other axis": (
        "y = gamma * (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + eps) + beta"
    ),
    "one mean for all": "y = gamma * (x - x.mean()) / np.sqrt(x.var() + eps) + beta",
    "kept dimension": "y = (gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + eps) + beta)[None]",
    "no scale": "y = (x - x.mean(0)) / np.sqrt(x.var(0) + eps) + beta",
    "no shift": "y = gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + eps)",
    "no root": "y = gamma * (x - x.mean(0)) / (x.var(0) + eps) + beta",
    "median": "y = gamma * (x - np.median(x, 0)) / np.sqrt(x.var(0) + eps) + beta",
    "clipped": "y = np.clip(gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + eps) + beta, -3, 3)",
    "two-pass trick": (
        "y = gamma * (x - x.mean(0)) / np.sqrt((x * x).mean(0) - x.mean(0) ** 2 + eps) + beta"
    ),
    "zeros": "y = np.zeros(x.shape)",
    "only the shift": "y = np.zeros(x.shape) + beta",
}


@pytest.mark.case(115)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_cases_of_batch_norm_tell_its_variants_apart() -> None:
    question = shipped()
    cases = build_reference(question, FakeEngine().start()).cases
    accepted = set()
    for name, line in VARIANTS.items():
        head = "def batch_norm_forward(x, gamma, beta, eps=1e-5):"
        code = f"import numpy as np\n{head}\n    {line}\n    return y\n"
        runs = [run_in_process(case_call(question, code, one)) for one in cases]
        verdicts = [judge_case(one, run) for one, run in zip(cases, runs, strict=True)]
        if summarise(question, verdicts).verdict is AC:
            accepted.add(name)
    assert accepted == {"as asked"}


@pytest.mark.case(116)
@pytest.mark.filterwarnings("error")
def test_zeros_of_both_signs_are_one_number_and_denormals_are_others() -> None:
    tiny = 5e-324
    assert verdict_for(a(-0.0), a(0.0), EXACT) is AC
    assert verdict_for(a(0.0), a(tiny), EXACT) is WA
    assert verdict_for(a(2 * tiny), a(tiny), EXACT) is WA
    assert verdict_for(a(-tiny), a(tiny), CloseChecker(atol=0)) is WA
    assert verdict_for(a(tiny), a(tiny), CloseChecker(atol=0)) is AC


def pairs(real: NDArray[Any], imaginary: NDArray[Any]) -> NDArray[Any]:
    return np.stack([real, imaginary], axis=-1).view(np.complex128)[..., 0]


@pytest.mark.case(116)
@pytest.mark.filterwarnings("error")
def test_no_number_makes_the_judge_warn() -> None:
    extremes = a(5e-324, -5e-324, 1.7e308, -1.7e308, INF, -INF, NAN, 0.0, -0.0)
    for shift in range(len(extremes)):
        got = np.roll(extremes, shift)
        assert verdict_for(got, extremes) is (AC if shift == 0 else WA)
        assert verdict_for(pairs(got, extremes), pairs(extremes, extremes)) is (
            AC if shift == 0 else WA
        )
    integers = a(-(2**63), 2**63 - 1, 0, -1, dtype="i8")
    assert verdict_for(integers[::-1].copy(), integers) is WA


@pytest.mark.case(117)
def test_the_sign_is_part_of_a_number() -> None:
    for number in (1.0, 1e-3, 1e6, -2.5):
        assert verdict_for(-number, number) is WA
        assert verdict_for(a(-number), a(number), CloseChecker(rtol=1)) is WA
        assert verdict_for(number * (1 + 1e-7), number) is AC
        assert verdict_for(a(-number * (1 + 1e-7)), a(-number)) is AC
    assert verdict_for(-3, 3, CloseChecker(rtol=1, atol=0)) is WA
    assert verdict_for(a(-3, dtype="i8"), a(3, dtype="i8"), CloseChecker(rtol=1, atol=0)) is WA


GRADIENTS: dict[str | int, Value] = {"dx": GRID, "dgamma": GRID[0], "dbeta": GRID[1], "cache": None}


@pytest.mark.case(118)
@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ((GRID, GRID[0]), (GRID[0], GRID)),
        ((GRID, GRID[0]), (GRID,)),
        ((GRID, GRID[0]), (GRID, GRID[0], GRID[0])),
        ((GRID, GRID[0]), (GRID, GRID[1])),
        ((GRID, GRID[0]), GRID),
        ((GRID,), GRID),
        (GRADIENTS, {**GRADIENTS, "dx": -GRID}),
        (GRADIENTS, {**GRADIENTS, "cache": 0}),
        (GRADIENTS, {**GRADIENTS, "extra": None}),
        (GRADIENTS, {"dx": GRID}),
        (GRADIENTS, list(GRADIENTS.values())),
        ({"e\u0301": 1.0}, {"\u00e9": 1.0}),
        ({1: 2.0}, {"1": 2.0}),
        ({"fi": 1}, {"\ufb01": 1}),
        (None, ()),
        ([None], []),
    ],
)
def test_every_part_of_a_structured_result_counts(expected: Value, got: Value) -> None:
    assert verdict_for(got, expected) is not AC
    assert verdict_for(expected, expected) is AC


@pytest.mark.case(118)
def test_the_order_of_a_dict_is_no_part_of_it() -> None:
    backwards = dict(reversed(GRADIENTS.items()))
    assert verdict_for(backwards, GRADIENTS) is AC


@pytest.mark.case(119)
def test_an_order_counts_unless_the_author_says_otherwise() -> None:
    order, other = a(0, 2, 1), a(0, 1, 2)
    assert verdict_for(other, order) is WA
    assert verdict_for(other, order, EXACT) is WA
    assert verdict_for(other, order, SAME_SET) is AC
    assert verdict_for(a(0, 1, 1), order, SAME_SET) is WA
    assert verdict_for([1, 1, 2], [1, 2, 2], SAME_SET) is WA


@pytest.mark.case(120)
def test_another_order_of_summation_is_no_mistake() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(64, 300)), rng.normal(size=(300, 8))
    product = left @ right
    one_by_one = np.zeros(product.shape)
    for at in reversed(range(300)):
        one_by_one += np.outer(left[:, at], right[at])
    assert not np.array_equal(product, one_by_one)
    assert verdict_for(one_by_one, product) is AC
    assert verdict_for((left.astype("f4") @ right.astype("f4")).astype("f8"), product) is WA


# --- Our own --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "got",
    [
        np.zeros(2, dtype="c32"),
        np.zeros(2, dtype="f16"),
        np.longdouble(0),
        a(1, 2, dtype="f8") + 1e-3,
        a("1.0", "2.0"),
    ],
    ids=["complex256", "longdouble", "longdouble scalar", "off by a little", "texts"],
)
def test_an_unusual_precision_is_no_way_round_the_comparison(got: object) -> None:
    try:
        report = encode_value(got)
    except ValueError:
        return
    assert verdict_on(report, case({}, a(1.0, 2.0))) is not AC


def test_more_digits_than_a_double_has_are_compared_as_they_are() -> None:
    assert verdict_for(2**53 + 1, 2**53, EXACT) is WA
    assert verdict_for(2**53 + 1, 2**53, CloseChecker(rtol=0, atol=0)) is WA
    assert verdict_for(a(2**53 + 1, dtype="i8"), a(2**53, dtype="i8"), EXACT) is WA
    assert verdict_for(10**600 + 1, 10**600, CloseChecker(rtol=0, atol=0)) is WA
    assert verdict_for(a(2**64 - 1, dtype="u8"), a(0, dtype="u8"), CloseChecker(rtol=1)) is WA
