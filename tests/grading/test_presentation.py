"""Values as people read them: bounded, and storable whatever a program prints."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.grading.judging import CaseData
from app.grading.presentation import MAX_CHARACTERS, SampleTexts, describe_sample, readable, show
from app.grading.runs import CaseRun, Outcome
from app.grading.values import encode_value
from app.questions.schema import CloseChecker

if TYPE_CHECKING:
    from app.grading.values import Value


def sample(*, inputs_unmodified: bool = False) -> CaseData:
    return CaseData(
        name="shown",
        group=None,
        sample=True,
        args=encode_value({"x": np.array([1.0, 2.0]), "mode": "fast"}),
        expected=encode_value(3.0),
        checker=CloseChecker(),
        inputs_unmodified=inputs_unmodified,
    )


def returned(value: Value, stdout: str = "", *, truncated: bool = False) -> CaseRun:
    return CaseRun(
        Outcome.RETURNED,
        1.0,
        2.0,
        3,
        stdout=stdout,
        stdout_truncated=truncated,
        result=encode_value(value),
    )


def describe(case: CaseData, run: CaseRun) -> SampleTexts:
    return describe_sample(case, run, "Layer")


def script() -> CaseData:
    calls: list[Value] = [
        ["forward", {"x": np.array([[1.0, 2.0], [3.0, 6.0]]), "training": True}],
        ["mean", None],
    ]
    args: Value = {"init": {"gamma": np.array([1.0, 1.0]), "eps": 0.5}, "calls": calls}
    expected: Value = [np.array([[0.5], [1.5]]), np.array([2.0, 4.0])]
    return replace(
        sample(), args=encode_value(args), expected=encode_value(expected), scripted=True
    )


def test_the_script_of_a_class_is_shown_as_a_program_and_each_result_at_its_step() -> None:
    texts = describe(script(), returned([np.array([[0.25], [1.5]]), None]))
    assert texts.arguments.splitlines() == [
        "m = Layer(gamma=[1., 1.], eps=0.5)",
        "m.forward(x=[[1., 2.], [3., 6.]], training=True)",
        "m.mean",
    ]
    assert texts.expected.splitlines() == [
        "m.forward → [[0.5],",
        " [1.5]]  # float64, shape (2, 1)",
        "m.mean → [2., 4.]  # float64, shape (2,)",
    ]
    assert str(texts.got).splitlines()[-1] == "m.mean → None"


def test_a_large_script_is_shortened() -> None:
    calls: list[Value] = [["forward", {"x": np.zeros((300, 300))}] for _ in range(60)]
    case = replace(script(), args=encode_value({"init": {}, "calls": calls}))
    assert len(describe(case, returned([])).arguments) <= MAX_CHARACTERS + 2


def test_sample_shows_arguments_expected_and_returned() -> None:
    texts = describe(sample(), returned(2.5, "hello\n"))
    assert texts.arguments == "x = [1., 2.]  # float64, shape (2,)\nmode = 'fast'"
    assert (texts.expected, texts.got, texts.stdout) == ("3.0", "2.5", "hello\n")


def test_of_a_pair_with_the_arguments_the_result_is_shown() -> None:
    case = sample(inputs_unmodified=True)
    assert describe(case, returned((2.5, {"x": 1}))).got == "2.5"


@pytest.mark.parametrize(
    "run",
    [
        CaseRun(Outcome.RAISED, 1.0, 2.0, 3),
        CaseRun(Outcome.RETURNED, 1.0, 2.0, 3),
        CaseRun(Outcome.RETURNED, 1.0, 2.0, 3, result=b"nonsense"),
        CaseRun(Outcome.WALL_TIME, 1.0, 2.0, 3, result=encode_value(1)),
    ],
)
def test_without_a_result_nothing_was_returned(run: CaseRun) -> None:
    assert describe(sample(), run).got is None


def test_cut_output_says_so() -> None:
    assert describe(sample(), returned(1, "abc", truncated=True)).stdout == "abc\n…"


@pytest.mark.parametrize(
    "value",
    ["x" * 10_000, list(range(10_000)), np.zeros((300, 300)), {str(n): n for n in range(5000)}],
    ids=lambda value: type(value).__name__,
)
def test_large_values_are_shortened(value: Value) -> None:
    assert len(show(value)) <= MAX_CHARACTERS + 2


def test_printed_rubbish_can_be_stored_and_sent() -> None:
    """PostgreSQL stores no NUL, and half of a surrogate pair cannot be encoded."""
    stdout = describe(sample(), returned("\0", "a\0b\ud800c")).stdout
    assert stdout == "a\ufffdb\ufffdc"
    assert "\0" not in str(describe(sample(), returned("\0")).got)
    assert readable("正常\n\t\x1b[0m") == "正常\n\t\x1b[0m"
    json.dumps(readable("\udc00"), ensure_ascii=False).encode()
