"""Texts of a question: code that compiles and defines its name, formulas that end."""

from __future__ import annotations

import pytest

from app.questions.texts import code_flaw, definition_of, math_flaw


@pytest.mark.parametrize(
    "code",
    [
        "def f(x): ...",
        "class f: ...",
        "f = lambda x: x",
        "from numpy import sum as f",
        "import numpy as f",
        "'''a \\d that is no escape'''\ndef f(x): ...",
    ],
)
def test_code_may_define_its_name_in_any_way(code: str) -> None:
    assert code_flaw(code, "f") is None


@pytest.mark.parametrize(
    "code", ["", "# f\n", "def g(f): ...", "class g:\n  def f(self): ...", "f"]
)
def test_a_name_that_is_only_mentioned_is_not_defined(code: str) -> None:
    flaw = code_flaw(code, "f")
    assert flaw is not None
    assert "does not define" in flaw.message.render("en")


def test_an_error_behind_the_last_line_is_put_at_the_last_line() -> None:
    flaw = code_flaw("def f(x):", "f")
    assert flaw is not None
    assert flaw.line == 1


@pytest.mark.parametrize(
    "code", ["-" * 60_000 + "1", "f" + "(1)" * 20_000, "import " + "a." * 30_000 + "a"]
)
def test_code_that_is_too_deep_for_the_parser_is_refused(code: str) -> None:
    flaw = code_flaw(code, None)
    assert flaw is not None
    assert (flaw.line, flaw.column) == (1, 0)


def test_definition_tells_a_function_from_a_class_and_names_its_parameters() -> None:
    function = definition_of("def f(x, /, y=1, *, z): ...\ndef g(a): ...", "f")
    assert function is not None
    assert (function.is_class, function.parameters) == (False, frozenset("xyz"))
    made = definition_of("class f:\n  def __init__(self, a): ...\n  def b(self, c): ...", "f")
    assert made is not None
    assert (made.is_class, made.parameters) == (True, frozenset("ac"))


@pytest.mark.parametrize("code", ["", "f = sum", "def f(", "def g(): ...", "import numpy as f"])
def test_what_is_bound_in_another_way_has_no_definition(code: str) -> None:
    assert definition_of(code, "f") is None


def test_last_definition_counts() -> None:
    found = definition_of("class f: ...\ndef f(x): ...", "f")
    assert found is not None
    assert not found.is_class


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "$x$ and $y$",
        "$$\nx\n\ny\n$$",
        r"\$5 and $x = \$3$",
        "`$HOME` and ``a ` $b``",
        "```sh\necho $HOME\n```\n$x$",
        "~~~\n$\n~~~",
        "```\n$ never closed, as the block is not",
    ],
)
def test_formulas_that_end_are_fine(text: str) -> None:
    assert math_flaw(text) is None


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("costs $5", 1, 6),
        ("$x$ $y", 1, 4),
        ("a\n\n$$x$", 3, 0),
        ("$$a$b$$", 1, 0),
        ("$a$$b$", 1, 0),
        ("in $one\n\nparagraph$", 1, 3),
        ("`a` ` $b", 1, 6),
    ],
)
def test_a_formula_that_does_not_end_is_found_where_it_begins(
    text: str, line: int, column: int
) -> None:
    flaw = math_flaw(text)
    assert flaw is not None
    assert (flaw.line, flaw.column) == (line, column)
