"""Answers made to break the scorer: none raises, and none costs more than its length."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.questions.bank import read_bank
from app.scoring.suggestions import LONGEST, suggest
from tests.scoring.work import Counted

ROOT = Path(__file__).parents[2]
QUESTION = next(
    file.document
    for file in read_bank(ROOT / "questions").questions
    if file.document.id == "svm-vs-logistic-regression"
)
GOOD = "SVM 的合页损失是 max(0, 1-z)，只有支持向量影响决策边界。"
SHAPES = (
    "(", "[", "{", "$", "\\frac{", "max(0,1-", "max(1-", "^", "_", "1/", "-", "。", "不", "a", "1",
    "\u200b", "\u0301", "\u0301\u0327", "x.1", "什么", "什么,", "f(x),", "不同", "前者SVM", "SVM,",
    "SVM不", "a1", "a-", "²", "ﷺ", "α", "√", "|", "“", "吗", "\\", "\\alpha", "a=", "=,", ")",
    "({", "((x,", "x^-", "不SVM损失", "\n", " ", "\n ", "\t", "not ", "e.g. ", "1. ", "SVM ",
    "SVM and ", "the same ", "if ", "log ", "it is false that ", "give full ", "ignore ",
    "hinge loss of the ", "SVM\n", "不 SVM 的损失, ",
)  # fmt: skip
# Each shape gets five more seconds of processor time, of which it needs a tenth of a second;
# the system ends the process if one explodes.
TRIAL = """
import json, resource, sys, time
from tests.faults.test_hostile_answers import LONGEST, QUESTION, suggest
for shape in json.load(sys.stdin):
    most = int(time.process_time()) + 6
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
    suggest(QUESTION, (shape * LONGEST)[: LONGEST - 4] + " SVM")
    print(json.dumps(shape), flush=True)
"""


def test_no_shape_explodes() -> None:
    shapes = list(SHAPES)

    trial = subprocess.run(
        [sys.executable, "-c", TRIAL],
        cwd=ROOT,
        input=json.dumps(shapes),
        capture_output=True,
        text=True,
        check=False,
    )

    assert [json.loads(line) for line in trial.stdout.splitlines()] == shapes, trial.stderr


@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_text_is_twice_the_work(shape: str) -> None:
    suggest(QUESTION, shape)  # terms are prepared once

    with Counted() as once:
        suggest(QUESTION, shape * (1000 // len(shape)))
    with Counted() as twice:
        suggest(QUESTION, shape * (2000 // len(shape)))

    assert twice.number < 2.5 * once.number + 1000


@pytest.mark.parametrize(
    "sentence", [GOOD, "Plain English, with the loss of an SVM. ", "\n", "f(("]
)
def test_an_overlong_answer_costs_no_more_than_the_longest(sentence: str) -> None:
    whole = sentence * (LONGEST // len(sentence))
    suggest(QUESTION, whole)

    with Counted() as longest:
        suggest(QUESTION, whole)
    with Counted() as overlong:
        suggested = suggest(QUESTION, whole * 13)

    assert overlong.number < 1.2 * longest.number + 1000
    assert "too_long" in suggested.flags
    assert suggested.needs_mentor


def test_an_overlong_answer_is_read_up_to_its_last_whole_sentence() -> None:
    filler = "这句话什么也没有讲清楚。" * (LONGEST // 12 - 3)
    answer = filler + GOOD + "并且 SVM 完全" * LONGEST

    suggested = suggest(QUESTION, answer)

    spans = [span for criterion in suggested.criteria for span in criterion.evidence]
    assert any(answer[start:end] in GOOD for start, end in spans)
    assert max(end for _, end in spans) <= len(filler + GOOD)
    assert all(c.confidence == "needs_mentor" for c in suggested.criteria if c.points)


def test_the_longest_answer_is_not_overlong() -> None:
    assert "too_long" not in suggest(QUESTION, GOOD + "。" * (LONGEST - len(GOOD))).flags


fragments = st.one_of(
    st.text(),
    st.text(alphabet=st.characters(categories=["Cc", "Cf", "Mn", "Zs", "Zl", "Zp", "Lm", "Sk"])),
    st.text(alphabet="()[]{}$\\^_/-+*=,.;:?!。，？0123456789xyz \n\t"),
    st.sampled_from([*SHAPES, GOOD, r"\left[", r"\right)_+", "¹²³ⁿ", "₊", "SVM", "LR"]),
)


@given(st.lists(st.tuples(fragments, st.integers(1, 40)), max_size=12))
def test_every_text_has_a_suggestion(parts: list[tuple[str, int]]) -> None:
    answer = "".join(text * times for text, times in parts)

    suggested = suggest(QUESTION, answer)

    assert 0 <= suggested.points <= QUESTION.points
    for criterion in suggested.criteria:
        for start, end in (*criterion.evidence, *criterion.terms):
            assert 0 <= start <= end <= len(answer)
