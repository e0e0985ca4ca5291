"""The guide for authors holds what it promises: its questions are valid, its mutants are caught."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.grading.checkers import check
from app.grading.values import from_yaml_args
from app.questions.bank import parse_paper, parse_question, read_bank
from app.questions.schema import CodingQuestion

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.grading.values import Value
    from app.questions.schema import Case

GUIDE = (Path(__file__).parents[2] / "docs" / "authoring.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(id: .*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
QUESTIONS = [block for block in BLOCKS if "\nkind: " in block]
PAPERS = [block for block in BLOCKS if "\nkind: " not in block]


def identifier(block: str) -> str:
    return block.split("\n", 1)[0].removeprefix("id: ")


def test_the_guide_has_a_coding_and_a_conceptual_question_and_a_paper() -> None:
    assert [identifier(block) for block in BLOCKS] == [
        "softmax-rows",
        "dropout-at-test-time",
        "deep-learning-warm-up",
    ]


@pytest.mark.parametrize("block", QUESTIONS, ids=identifier)
def test_a_question_of_the_guide_is_valid(block: str) -> None:
    assert parse_question("guide.yaml", block.encode()).diagnostics == ()


@pytest.mark.parametrize("block", PAPERS, ids=identifier)
def test_a_paper_of_the_guide_is_valid(block: str) -> None:
    assert parse_paper("guide.yaml", block.encode()).diagnostics == ()


def test_the_files_of_the_guide_make_a_bank(tmp_path: Path) -> None:
    for folder, blocks in (("deep-learning", QUESTIONS), ("papers", PAPERS)):
        (tmp_path / folder).mkdir()
        for block in blocks:
            path = tmp_path / folder / f"{identifier(block)}.yaml"
            path.write_text(block, encoding="utf-8")
    assert read_bank(tmp_path).diagnostics == ()


def test_the_follow_ups_of_the_guide_are_rules_of_a_question() -> None:
    (rules,) = re.findall(r"^```yaml\n(follow_ups:.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    renamed = QUESTIONS[0].replace("id: softmax-rows", "id: other-question", 1)
    assert parse_question("guide.yaml", f"{renamed}{rules}".encode()).diagnostics == ()


PIECES = re.findall(
    r"^```yaml\n((?:cases|checker|forbid|limits):.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE
)
ROUND = """\
id: piece
kind: coding
title: {zh: 题, en: Question}
prompt: {zh: 题, en: Question}
"""
WITHOUT = {
    "cases": "cases: [{name: hidden, group: correctness, args: {x: [1.0]}}]\n",
    "rubric": "rubric: [{id: correctness, points: 1, from_groups: [correctness]}]\n",
}
FUNCTION = """\
entry_point: f
solutions: [{name: plain, verdict: AC, code: "def f(x): return x"}]
"""
CLASS = """\
entry_point: Norm
solutions: [{name: plain, verdict: AC, code: "class Norm: pass"}]
"""


def test_the_guide_shows_a_script_a_property_rules_and_a_relative_limit() -> None:
    assert [piece.partition(":")[0] for piece in PIECES] == ["cases", "checker", "forbid", "limits"]


@pytest.mark.parametrize("piece", PIECES, ids=lambda piece: piece.partition(":")[0])
def test_a_piece_of_the_guide_is_valid(piece: str) -> None:
    rest = [text for key, text in WITHOUT.items() if f"{key}:" not in piece]
    text = "".join([ROUND, CLASS if "init:" in piece else FUNCTION, piece, *rest])
    assert parse_question("guide.yaml", text.encode()).diagnostics == ()


def function(code: str, name: str) -> Callable[..., Any]:
    namespace: dict[str, Any] = {}
    exec(code, namespace)  # noqa: S102  our own page, not a candidate's code
    loaded: Callable[..., Any] = namespace[name]
    return loaded


def arguments(case: Case) -> list[dict[str, Value]]:
    if case.generate is None:
        return [from_yaml_args(case.args or {})]
    generate = function(case.generate, "generate")
    return [generate(np.random.default_rng(seed)) for seed in case.seeds]


def failed_groups(question: CodingQuestion, code: str) -> set[str | None]:
    expected = function(question.solutions[0].code, question.entry_point)
    candidate = function(code, question.entry_point)
    return {
        case.group
        for case in question.cases
        for args in arguments(case)
        if not check(case.checker or question.checker, expected(**args), candidate(**args)).ok
    }


def test_the_mutants_of_the_guide_are_caught_by_the_groups_that_they_name() -> None:
    question = parse_question("guide.yaml", QUESTIONS[0].encode()).document
    assert isinstance(question, CodingQuestion)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # one of them overflows: its mistake
        for solution in question.solutions:
            assert failed_groups(question, solution.code) >= set(solution.fails)
        assert failed_groups(question, question.solutions[0].code) == set()
