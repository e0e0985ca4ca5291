"""Broken question files: each error is found at its line and column, in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.kit.i18n import use_locale
from app.questions.bank import parse_paper, parse_question

if TYPE_CHECKING:
    from app.questions.diagnostics import Diagnostic

CODING = """\
id: row-sums
kind: coding
title: {zh: 行和, en: Row sums}
topics: [numpy]
difficulty: easy
minutes: 5
prompt:
  zh: 返回 $x$ 每行的和。
  en: Return the sum of each row of $x$.
entry_point: row_sums
starter: |
  import numpy as np
limits: {cpu_seconds: 2, wall_seconds: 6, memory_mb: 256}
checker: {name: close, rtol: 1.0e-6, atol: 1.0e-8}
cases:
  - {name: tiny, sample: true, args: {x: [[1.0, 2.0]]}}
  - name: wide
    group: correctness
    seeds: [1, 2]
    generate: |
      def generate(rng):
          return dict(x=rng.normal(size=(3, 4)))
solutions:
  - name: vectorised
    verdict: AC
    code: |
      def row_sums(x):
          return x.sum(axis=1)
  - name: columns
    verdict: WA
    fails: [correctness]
    feedback: {zh: 你按列求和了, en: These are sums of columns.}
    code: |
      def row_sums(x):
          return x.sum(axis=0)
rubric:
  - {id: correctness, points: 6, from_groups: [correctness]}
  - id: readability
    points: 2
    levels:
      - {points: 0, wording: {zh: 难读, en: Hard to read}}
      - {points: 2, wording: {zh: 易读, en: Easy to read}}
follow_ups:
  - {when: {mistake: columns}, ask: column-sums}
"""

CONCEPTUAL = """\
id: hinge-loss
kind: conceptual
title: {zh: 合页损失, en: Hinge loss}
prompt: {zh: 说明合页损失。, en: What is hinge loss?}
rubric:
  - id: formula
    points: 3
    title: {zh: 公式, en: Formula}
    evidence:
      formula: ["max(0,1-z)"]
      partial:
        points: 1
        any_of: [{all_of: [[margin, 间隔]]}]
    mistakes:
      - name: squared
        all_of: [[squared, 平方]]
        feedback: {zh: 不平方, en: It is not squared.}
  - id: halves
    points: 2
    evidence:
      parts:
        - {points: 1, any_of: [{all_of: [[convex, 凸]]}]}
        - {points: 1, formula: ["z>=1"]}
follow_ups:
  - {when: {missed: formula}, ask: log-loss}
"""

PAPER = """\
id: first-round
title: {zh: 一面, en: First round}
description: {zh: 两道题, en: Two questions}
minutes: 20
items:
  - {question: row-sums, minutes: 5}
  - {question: hinge-loss, minutes: 10}
"""

UNKNOWN = "Unknown key "
# Name: (file, what is replaced, by what, [line, column and beginning of each message in order]).
BROKEN: dict[str, tuple[str, str, str, list[tuple[int, int, str]]]] = {
    # --- The shape of the file ---
    "unknown key at the top": (
        CODING, "difficulty:", "dificulty:",
        [(5, 1, 'Unknown key "dificulty". Did you mean "difficulty"?')],
    ),
    "unknown key in a flow mapping": (
        CODING, "rtol: 1.0e-6", "rtoll: 1.0e-6",
        [(14, 24, 'Unknown key "rtoll". Did you mean "rtol"?')],
    ),
    "unknown key in a list item": (
        CODING, "    seeds: [1, 2]", "    sees: [1, 2]",
        [(19, 5, 'Unknown key "sees". Did you mean "seeds"?')],
    ),
    "unknown key like no other": (
        CODING, "minutes: 5", "zzzz: 5",
        [(6, 1, 'Unknown key "zzzz". Known keys: cases, checker, ')],
    ),
    "text with a comma in braces": (
        CODING, "en: Row sums}", "en: Sums, row by row}",
        [(3, 27, 'Unknown key "row by row". In braces, put a text with a comma in quotes.')],
    ),
    "key of another kind of question": (
        CONCEPTUAL, "rubric:\n", "limits: {}\nrubric:\n",
        [(5, 1, 'Unknown key "limits". ')],
    ),
    "missing key at the top": (
        CODING, "entry_point: row_sums\n", "", [(1, 1, 'The key "entry_point" is missing.')],
    ),
    "missing language": (
        CODING, "  en: Return the sum of each row of $x$.\n", "",
        [(7, 1, 'The key "en" is missing.')],
    ),
    "missing key in a list item": (
        CODING, "  - name: columns\n    verdict: WA\n", "  - name: columns\n",
        [(29, 5, 'The key "verdict" is missing.')],
    ),
    "missing name of a checker": (
        CODING, "{name: close, rtol", "{rtol", [(14, 1, 'The key "name" is missing.')],
    ),
    "missing kind": (CODING, "kind: coding\n", "", [(1, 1, 'The key "kind" is missing.')]),
    "unknown kind": (
        CODING, "kind: coding", "kind: codng",
        [(2, 7, 'This must be one of: coding, conceptual, open. Did you mean "coding"?')],
    ),
    "unknown difficulty": (
        CODING, "difficulty: easy", "difficulty: trivial",
        [(5, 13, "This must be one of: easy, medium, hard.")],
    ),
    "unknown verdict": (
        CODING, "verdict: WA", "verdict: TLR",
        [(30, 14, 'This must be one of: AC, WA, TLE, MLE, OLE, RE, IO, NA. Did you mean "TLE"?')],
    ),
    "unknown checker": (
        CODING, "name: close", "name: closee",
        [(14, 17, 'This must be one of: close, exact, same_set, property. Did you mean "close"?')],
    ),
    "text for a list": (CODING, "[numpy]", "numpy", [(4, 9, "This must be a list.")]),
    "text for a mapping": (
        CODING, "{zh: 行和, en: Row sums}", "Row sums",
        [(3, 8, "This must be a mapping with the keys en, zh.")],
    ),
    "text for a number": (
        CODING, "cpu_seconds: 2", "cpu_seconds: two", [(13, 23, "This must be a number.")],
    ),
    "number in quotes": (CODING, "minutes: 5", 'minutes: "5"', [(6, 10, "This must be a whole ")]),
    "fraction for a whole number": (
        CODING, "minutes: 5", "minutes: 5.5", [(6, 10, "This must be a whole number.")],
    ),
    "yes for true": (
        CODING, "sample: true", "sample: yes", [(16, 26, "This must be true or false.")],
    ),
    "number for a text": (
        CONCEPTUAL, "[margin, 间隔]", "[2012, 间隔]",
        [(13, 29, "This must be a text; put it in quotes")],
    ),
    "number too small": (CODING, "minutes: 5", "minutes: 0", [(6, 10, "This must be at least 1.")]),
    "number too large": (
        CODING, "memory_mb: 256", "memory_mb: 9999", [(13, 54, "This must be at most 1024.")],
    ),
    "points that are no halves": (
        CODING, "points: 6", "points: 6.3", [(37, 31, "This must be a multiple of 0.5.")],
    ),
    "id with capitals": (
        CODING, "id: row-sums", "id: Row_Sums", [(1, 5, "Use lower-case letters and digits, ")],
    ),
    "criterion with a hyphen": (
        CODING, "id: readability", "id: read-ability", [(38, 9, "Use lower-case letters, digits ")],
    ),
    "entry point that is no name": (
        CODING, "entry_point: row_sums", "entry_point: 2fast",
        [(10, 14, "This must be a Python name"), (27, 7, 'This code does not define "2fast"'),
         (34, 7, 'This code does not define "2fast"')],
    ),
    "argument that is no name": (
        CODING, "args: {x:", "args: {x-y:", [(16, 39, "This must be a Python name")],
    ),
    "empty text": (CODING, "zh: 行和", 'zh: ""', [(3, 13, "This text must not be empty.")]),
    "text that is too long": (
        CODING, "id: row-sums", f"id: {'a' * 81}", [(1, 5, "At most 80 characters are allowed.")],
    ),
    "empty list": (
        CONCEPTUAL, "[margin, 间隔]", "[]", [(13, 28, "At least 1 are needed.")],
    ),
    # --- Code and formulas ---
    "solution that does not compile": (
        CODING, "          return x.sum(axis=0)", "          return x.sum(axis=0",
        [(35, 23, "This code does not compile: '(' was never closed.")],
    ),
    "solution indented wrongly": (
        CODING, "          return x.sum(axis=0)", "      return x.sum(axis=0)",
        [(35, 7, "This code does not compile: expected an indented block")],
    ),
    "solution without the entry point": (
        CODING, "      def row_sums(x):\n          return x.sum(axis=0)",
        "\n      def rowsums(x):\n          return x.sum(axis=0)",
        [(35, 7, "This code does not define")],
    ),
    "solution in quotes that does not compile": (
        CODING, "    code: |\n      def row_sums(x):\n          return x.sum(axis=0)\n",
        '    code: "def row_sums(x) return"\n', [(33, 11, "This code does not compile: ")],
    ),
    "generator with another name": (
        CODING, "def generate(rng)", "def generator(rng)",
        [(21, 7, 'This code does not define "generate".')],
    ),
    "starter that does not compile": (
        CODING, "  import numpy as np", "  import numpy as",
        [(12, 18, "This code does not compile: invalid syntax.")],
    ),
    "formula that does not end": (
        CODING, "each row of $x$.", "each row of $x.", [(9, 7, "A formula that begins with $ ")],
    ),
    "formula that does not end in a block": (
        CODING, "  en: Return the sum of each row of $x$.",
        "  en: |\n    Return, for `$HOME`,\n\n    the $$\\sum_i x_i$.",
        [(12, 9, "A formula that begins with $$ here does not end with $$")],
    ),
    # --- Rules across fields ---
    "case twice": (CODING, "name: wide", "name: tiny", [(17, 11, '"tiny" is used twice.')]),
    "solution twice": (
        CODING, "- name: columns", "- name: vectorised",
        [(29, 11, '"vectorised" is used twice.'), (44, 22, 'There is no "columns"')],
    ),
    "criterion twice": (
        CODING, "id: readability", "id: correctness", [(38, 9, '"correctness" is used twice.')],
    ),
    "mistake twice": (
        CONCEPTUAL, "  - id: halves\n",
        "      - {name: squared, all_of: [[a]], feedback: {zh: 否, en: No}}\n  - id: halves\n",
        [(18, 16, '"squared" is used twice.')],
    ),
    "mistake without terms": (
        CONCEPTUAL, "        all_of: [[squared, 平方]]\n", "",
        [(15, 9, 'A mistake needs "all_of" or "any_of".')],
    ),
    "sample with a group": (
        CODING, "sample: true,", "sample: true, group: correctness,",
        [(16, 39, "A sample case belongs to no group.")],
    ),
    "hidden case without a group": (
        CODING, "sample: true, ", "", [(16, 5, 'A hidden case needs a "group"')],
    ),
    "case without arguments": (
        CODING, ", args: {x: [[1.0, 2.0]]}", "", [(16, 5, 'A case needs one of "args"')],
    ),
    "case with both": (
        CODING, "    seeds: [1, 2]", "    seeds: [1, 2]\n    args: {x: 1}",
        [(21, 15, '"args" and "generate" exclude each other.')],
    ),
    "generator without seeds": (
        CODING, "    seeds: [1, 2]\n", "", [(19, 15, 'A generator needs "seeds"')],
    ),
    "seeds without a generator": (
        CODING, "sample: true,", "sample: true, seeds: [1],",
        [(16, 32, '"seeds" are for "generate" only.')],
    ),
    "seed twice": (CODING, "[1, 2]", "[1, 1]", [(19, 16, "Seeds must differ")]),
    "negative seed": (CODING, "[1, 2]", "[1, -2]", [(19, 16, "Seeds must differ")]),
    "argument that is not finite": (
        CODING, "[[1.0, 2.0]]", "[[1.0, .nan]]", [(16, 49, 'Write a "generate" for numbers')],
    ),
    "no hidden case": (
        CODING,
        CODING[CODING.index("  - name: wide") : CODING.index("solutions:")], "",
        [(15, 1, "At least one case must be hidden"), (25, 13, 'There is no "correctness"'),
         (31, 48, 'There is no "correctness"')],
    ),
    "no accepted solution": (
        CODING, "verdict: AC",
        "verdict: TLE\n    feedback: {zh: 太慢, en: Too slow}",
        [(23, 1, "At least one solution must have the verdict AC")],
    ),
    "wrong solution that fails nothing": (
        CODING, "    fails: [correctness]\n", "", [(29, 5, 'A wrong solution needs "fails"')],
    ),
    "wrong solution without feedback": (
        CODING, "    feedback: {zh: 你按列求和了, en: These are sums of columns.}\n", "",
        [(29, 5, 'A wrong solution needs "feedback"')],
    ),
    "accepted solution that fails": (
        CODING, "verdict: AC", "verdict: AC\n    fails: [correctness]",
        [(26, 5, "An accepted solution fails no group.")],
    ),
    "wrong solution that fails an unknown group": (
        CODING, "fails: [correctness]", "fails: [corectness]",
        [(31, 13, 'There is no "corectness". Did you mean "correctness"?')],
    ),
    "criterion from an unknown group": (
        CODING, "from_groups: [correctness]", "from_groups: [speed]",
        [(37, 48, 'There is no "speed" in this question.')],
    ),
    "criterion from a group in a conceptual question": (
        CONCEPTUAL, "    points: 2\n    evidence:\n      parts:",
        "    points: 2\n    from_groups: [a]\n    evidence:\n      parts:",
        [(20, 19, 'There is no "a"'), (21, 5, '"evidence" and "from_groups" exclude')],
    ),
    "criterion that nobody can judge": (
        CODING, ", from_groups: [correctness]", "",
        [(37, 5, "A criterion that no machine judges ")],
    ),
    "levels that do not begin with nothing": (
        CODING, "{points: 0, wording", "{points: 1, wording",
        [(41, 18, "The first level must have 0 points.")],
    ),
    "levels that do not rise": (
        CODING, "      - {points: 2, wording",
        "      - {points: 0, wording: {zh: 一般, en: Fair}}\n      - {points: 2, wording",
        [(42, 18, "Each level needs more points than the last.")],
    ),
    "levels that end too early": (
        CODING, "{points: 2, wording", "{points: 1, wording",
        [(42, 18, "The last level must have all 2 points.")],
    ),
    "partial evidence worth everything": (
        CONCEPTUAL, "        points: 1\n", "        points: 3\n",
        [(12, 17, "This must be between 0 and the criterion's 3.")],
    ),
    "partial evidence worth nothing": (
        CONCEPTUAL, "        points: 1\n", "        points: 0\n",
        [(12, 17, "This must be between 0 and the criterion's 3.")],
    ),
    "partial evidence of nothing": (
        CONCEPTUAL, "        any_of: [{all_of: [[margin, 间隔]]}]\n", "",
        [(11, 7, 'Partial evidence needs "any_of" or "formula".')],
    ),
    "evidence of nothing": (
        CONCEPTUAL, '      formula: ["max(0,1-z)"]\n', "",
        [(9, 5, 'Evidence needs "any_of", "formula" or "parts".')],
    ),
    "parts that do not add up": (
        CONCEPTUAL, "{points: 1, formula", "{points: 0.5, formula",
        [(21, 7, "The parts add up to 1.5 points, the criterion has 2.")],
    ),
    "parts beside a whole": (
        CONCEPTUAL, "      parts:\n", '      formula: ["z"]\n      parts:\n',
        [(22, 7, '"parts" stand alone')],
    ),
    "follow-up of an unknown criterion": (
        CONCEPTUAL, "missed: formula", "missed: formulae",
        [(25, 21, 'There is no "formulae". Did you mean "formula"?')],
    ),
    "follow-up of an unknown mistake": (
        CODING, "mistake: columns", "mistake: column",
        [(44, 22, 'There is no "column". Did you mean "columns"?')],
    ),
    "follow-up without a condition": (
        CODING, "when: {mistake: columns}", "when: {}",
        [(44, 6, "Say when this question is asked")],
    ),
    "follow-up of itself": (
        CODING, "ask: column-sums", "ask: row-sums",
        [(44, 37, "A question cannot follow itself.")],
    ),
    # --- Several at once ---
    "missing language and unknown group": (
        CODING.replace("from_groups: [correctness]", "from_groups: [speed]"),
        ", en: Easy to read", "",
        [(37, 48, 'There is no "speed"'), (42, 21, 'The key "en" is missing.')],
    ),
    "missing prompt, bad limits, missing entry point and unknown mistake": (
        CODING.replace("mistake: columns", "mistake: column").replace("cpu_seconds: 2", "cpu: 2")
        .replace("close, rtol: 1", "close, rtol: 2")
        .replace("  zh: 返回 $x$ 每行的和。\n  en: Return the sum of each row of $x$.", ""),
        "entry_point: row_sums\n", "",
        [(1, 1, 'The key "entry_point" is missing.'), (7, 1, "This must be a mapping with the"),
         (11, 10, 'Unknown key "cpu".'), (42, 22, 'There is no "column".')],
    ),
    "unknown key that another rule would miss": (
        CODING, "    group: correctness", "    gruop: correctness",
        [(18, 5, 'Unknown key "gruop". Did you mean "group"?')],
    ),
    "item that cannot be mended": (
        CODING.replace("mistake: columns", "mistake: column"), "points: 6, ", "",
        [(37, 5, 'The key "points" is missing.')],
    ),
    "errors of every sort at once": (
        CODING.replace("easy", "eazy").replace("sum(axis=1)", "sum(axis=1"),
        "  zh: 返回 $x$", "  zh: 返回 $x",
        [(5, 13, "This must be one of"), (8, 7, "A formula that begins"),
         (28, 23, "This code does not compile")],
    ),
}  # fmt: skip


def shown(diagnostics: tuple[Diagnostic, ...]) -> list[tuple[int, int, str]]:
    return [(d.line, d.column, d.message.render("en")) for d in diagnostics]


def assert_found(diagnostics: tuple[Diagnostic, ...], expected: list[tuple[int, int, str]]) -> None:
    found = shown(diagnostics)
    cut = [
        (line, column, text[: len(begin)])
        for (line, column, text), (_, _, begin) in zip(found, expected, strict=False)
    ]
    assert cut == expected, found
    assert len(found) == len(expected), found


@pytest.mark.parametrize("name", BROKEN)
def test_an_error_is_found_where_it_is(name: str) -> None:
    text, old, new, expected = BROKEN[name]
    assert text.count(old) >= 1
    result = parse_question("q.yaml", text.replace(old, new, 1).encode())
    assert_found(result.diagnostics, expected)
    assert result.document is None
    assert result.content_hash is None


@pytest.mark.parametrize("text", [CODING, CONCEPTUAL])
def test_a_file_that_lacks_any_one_line_can_still_be_checked(text: str) -> None:
    lines = text.splitlines(keepends=True)
    for missing in range(len(lines)):
        raw = "".join(lines[:missing] + lines[missing + 1 :]).encode()
        for diagnostic in parse_question("q.yaml", raw).diagnostics:
            assert 1 <= diagnostic.line <= len(lines)
            assert diagnostic.column >= 1
            assert "{" not in diagnostic.message.render("en")


@pytest.mark.parametrize("text", [CODING, CONCEPTUAL])
def test_a_file_without_errors_has_no_diagnostics(text: str) -> None:
    result = parse_question("q.yaml", text.encode())
    assert result.diagnostics == ()
    assert result.document is not None


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "text"),
    [
        ("hinge-loss", "row-sums", 7, 16, '"row-sums" is used twice.'),
        ("minutes: 20", "minutes: 14", 4, 10, "The questions take 15 minutes together, "),
        ("minutes: 20", "minute: 20", 4, 1, 'Unknown key "minute". Did you mean "minutes"?'),
        ("items:", "items: []\nsources:", 5, 8, "At least 1 are needed."),
    ],
)
def test_an_error_of_a_paper_is_found_where_it_is(
    old: str, new: str, line: int, column: int, text: str
) -> None:
    result = parse_paper("p.yaml", PAPER.replace(old, new, 1).encode())
    assert (line, column, text) in [
        (at, by, found[: len(text)]) for at, by, found in shown(result.diagnostics)
    ]
    assert result.document is None


def test_a_paper_without_a_clock_may_take_any_time() -> None:
    assert parse_paper("p.yaml", PAPER.replace("minutes: 20\n", "").encode()).document is not None


def test_a_diagnostic_is_a_line_for_terminals_and_data_for_programs() -> None:
    (one,) = parse_question("q.yaml", CODING.replace("easy", "esay").encode()).diagnostics
    with use_locale("en"):
        text = 'This must be one of: easy, medium, hard. Did you mean "easy"?'
        assert one.text() == f"q.yaml:5:13: {text}"
        assert one.as_json() == {
            "path": "q.yaml",
            "line": 5,
            "column": 13,
            "severity": "error",
            "message": text,
        }
