"""What can be wrong inside the texts of a question: code that does not compile, open formulas."""

from __future__ import annotations

import ast
import re
import warnings
from typing import NamedTuple

from app.kit.i18n import Message, message

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,}).*?(^ {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
# Python's parser joins the parts of a module's dotted name again and again: one of 64 KB would
# cost a gigabyte.
_LONG_CHAIN = re.compile(r"(?:\.(?:\s|\\\n)*[^\W\d]\w*(?:\s|\\\n)*){100}")
_MATH_TOKEN = re.compile(r"\\.|\$\$|\$|\n[ \t]*\n", re.DOTALL)


class Flaw(NamedTuple):
    """A problem of a text; `line` counts from 1, `column` from 0, both inside the text."""

    line: int
    column: int
    message: Message


class UnreadableCodeError(Exception):
    """This code is nested too deeply, or its names are too long, to be read."""


def parse_code(code: str) -> ast.Module:
    """Return the tree of a program that anybody may have written.

    Raises SyntaxError or ValueError for what is no Python, UnreadableCodeError.
    """
    if _LONG_CHAIN.search(code):
        raise UnreadableCodeError
    try:
        with warnings.catch_warnings():
            # "\d" in a docstring is the author's taste; only what cannot run is an error.
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (RecursionError, MemoryError) as error:
        raise UnreadableCodeError from error


def code_flaw(code: str, defines: str | None) -> Flaw | None:
    """Say why `code` does not compile, or that it does not define the name `defines`."""
    try:
        tree = parse_code(code)
    except SyntaxError as error:
        line, column = error.lineno or 1, max((error.offset or 1) - 1, 0)
        problem = message("This code does not compile: {problem}.", problem=error.msg)
        return Flaw(line, column, problem)
    except (ValueError, UnreadableCodeError):
        return Flaw(1, 0, message("This code is nested too deeply to be compiled."))
    if defines is None or defines in _top_level_names(tree):
        return None
    first = tree.body[0].lineno if tree.body else 1
    return Flaw(first, 0, message('This code does not define "{name}".', name=defines))


class Definition(NamedTuple):
    """A function or class at the top of a program, with the names of its (methods') parameters."""

    is_class: bool
    parameters: frozenset[str]


def definition_of(code: str, name: str) -> Definition | None:
    """Return the definition of `name`, or None where `code` does not compile or binds it else."""
    if code_flaw(code, None) is not None:
        return None
    for statement in reversed(parse_code(code).body):
        match statement:
            case ast.FunctionDef(name=found, args=args) if found == name:
                return Definition(is_class=False, parameters=_parameters(args))
            case ast.ClassDef(name=found, body=body) if found == name:
                methods = [one for one in body if isinstance(one, ast.FunctionDef)]
                names = frozenset[str]().union(*(_parameters(one.args) for one in methods))
                return Definition(is_class=True, parameters=names - {"self"})
    return None


def _parameters(args: ast.arguments) -> frozenset[str]:
    return frozenset(one.arg for one in (*args.posonlyargs, *args.args, *args.kwonlyargs))


def math_flaw(markdown: str) -> Flaw | None:
    """Say where a formula begins that never ends; code is not looked into."""
    text = _CODE_SPAN.sub(_blank, _FENCE.sub(_blank, markdown))
    opened: tuple[str, int] | None = None
    for token in _MATH_TOKEN.finditer(text):
        mark = token.group()
        if mark.startswith("\\"):
            continue
        if opened is None:
            opened = (mark, token.start()) if mark.startswith("$") else None
        elif mark == opened[0]:
            opened = None
        elif opened[0] == "$" or mark.startswith("$"):
            break  # an inline formula ends within its paragraph; delimiters do not mix
    if opened is None:
        return None
    mark, start = opened
    line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start) - 1
    problem = message(
        'A formula that begins with {mark} here does not end with {mark}; write "\\$" for money.',
        mark=mark,
    )
    return Flaw(line, column, problem)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match.group())


def _top_level_names(tree: ast.Module) -> set[str]:
    return {name for statement in tree.body for name in _names_bound_by(statement)}


def _names_bound_by(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [target.id for target in targets if isinstance(target, ast.Name)]
        case ast.ImportFrom(names=names) | ast.Import(names=names):
            return [alias.asname or alias.name for alias in names]
        case _:
            return []
