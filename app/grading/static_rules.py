"""What a question forbids in the text of a program: found on the trusted side, nothing is run.

This is advice to a mentor and a hint to an honest candidate. Who hides a name well enough (in data,
behind arithmetic on texts, in an object's attribute) is not found; the wall is the sandbox.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from app.grading.static_loops import find_loops
from app.grading.static_names import Names, parse
from app.kit.i18n import message
from app.questions.texts import UnreadableCodeError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from app.grading.static_names import Use
    from app.kit.i18n import Message
    from app.questions.schema import CodingQuestion

MAX_FINDINGS = 20

_ABBREVIATIONS = {"np": "numpy"}
# ``x.var()`` is ``np.var(x)``.
_METHODS = frozenset(name for name in vars(np.ndarray) if hasattr(np, name))


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a program breaks, the line, and what stands there.

    `rule` is None for the question's own `forbid`. `stops` says that the verdict is NA.
    """

    rule: str | None
    line: int
    what: Literal["name", "loop", "unreadable"]
    name: str
    stops: bool

    @property
    def message(self) -> Message:
        """What a candidate is told about it."""
        return violation_message(self.what, self.line, self.name)

    def as_json(self) -> dict[str, object]:
        """Return what is stored of it."""
        return {
            "rule": self.rule,
            "line": self.line,
            "what": self.what,
            "name": self.name,
            "stops": self.stops,
        }


def violation_message(what: str, line: int, name: str) -> Message:
    """Return what a candidate is told about a violation, from what is stored of it."""
    if what == "name":
        return message("Line {line}: this question forbids {name}.", line=line, name=name)
    if what == "loop":
        return message("Line {line}: a Python loop runs over {name}.", line=line, name=name)
    return message("The code is nested too deeply to be looked through.")


def find_violations(question: CodingQuestion, text: str) -> tuple[Violation, ...]:
    """Return what `text` breaks of the question's rules, by line; those that stop it come first.

    Text that is no Python breaks no rule: running it says what is wrong. Text that is nested too
    deeply to be looked through breaks them all.
    """
    rules = _rules_of(question)
    if not rules:
        return ()
    try:
        tree = parse(text)
        names = Names.of(tree) if tree is not None else None
    except UnreadableCodeError:
        return tuple(Violation(rule.name, 1, "unreadable", "", rule.stops) for rule in rules)
    if names is None:
        return ()
    found = sorted(
        {one for rule in rules for one in rule.violations(names)},
        key=lambda one: (not one.stops, one.line, one.name),
    )
    return tuple(_some_of_each(found))


def broken_rules(violations: Iterable[Violation]) -> frozenset[str]:
    """Return the named rules that are broken."""
    return frozenset(one.rule for one in violations if one.rule is not None)


def is_stopped(violations: Iterable[Violation]) -> bool:
    """Return whether the verdict is NA and no code may be run."""
    return any(one.stops for one in violations)


def what_stops(question: CodingQuestion) -> list[Message]:
    """Return what candidates must know beforehand: the rules whose breach is NA."""
    stopping = [rule for rule in _rules_of(question) if rule.stops]
    names = dict.fromkeys(name for rule in stopping for name in rule.forbid)
    loops = dict.fromkeys(name for rule in stopping for name in rule.no_loops_over)
    told = []
    if names:
        told.append(message("Not allowed here: {names}.", names=", ".join(names)))
    if loops:
        told.append(message("No Python loop may run over {names}.", names=", ".join(loops)))
    return told


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule of either spelling."""

    name: str | None
    forbid: Sequence[str]
    no_loops_over: Collection[str]
    stops: bool

    def violations(self, names: Names) -> Iterator[Violation]:
        forbidden = {_full(name): name for name in self.forbid}
        for use in names.uses if forbidden else ():
            for path in _named_at(use, names):
                if (name := _forbidden_by(path, forbidden)) is not None:
                    yield Violation(self.name, use.line, "name", name, self.stops)
        for line, argument in find_loops(names, self.no_loops_over):
            yield Violation(self.name, line, "loop", argument, self.stops)


def _rules_of(question: CodingQuestion) -> list[_Rule]:
    own = [_Rule(None, question.forbid, (), stops=True)] if question.forbid else []
    return own + [
        _Rule(rule.name, rule.forbid, rule.no_loops_over, stops=rule.verdict is not None)
        for rule in question.rules
    ]


def _some_of_each(found: list[Violation]) -> Iterator[Violation]:
    """Keep the first of each rule and some more: a page is not the place for a thousand."""
    seen: set[str | None] = set()
    for number, one in enumerate(found):
        if number < MAX_FINDINGS or one.rule not in seen:
            seen.add(one.rule)
            yield one


def _full(name: str) -> str:
    """Return a forbidden name as modules call it: ``np.var`` is ``numpy.var``."""
    first, dot, rest = name.partition(".")
    return _ABBREVIATIONS.get(first, first) + dot + rest


def _forbidden_by(path: str, forbidden: dict[str, str]) -> str | None:
    """Return which entry forbids `path`: itself, or a module that it is in.

    numpy's functions can be reached in several ways (``numpy.core.fromnumeric.var``,
    ``numpy.ndarray.var``): the name counts, wherever in numpy it stands.
    """
    longest = 1 + max(name.count(".") for name in forbidden)
    parts = path.split(".", longest)[:longest]
    anywhere = f"numpy.{path.rpartition('.')[2]}"
    if parts[0] == "numpy" and anywhere in forbidden:
        return forbidden[anywhere]
    ahead = (".".join(parts[: end + 1]) for end in range(len(parts)))
    return next((forbidden[one] for one in ahead if one in forbidden), None)


def _named_at(use: Use, names: Names) -> Iterable[str]:
    """Return the dotted names that a node of the program uses."""
    match use.node:
        case ast.Import(names=aliases):
            return [alias.name for alias in aliases]
        case ast.ImportFrom(module=str(module), names=aliases):
            return [f"{module}.{alias.name}" for alias in aliases]
        case ast.Call(func=ast.Attribute(value=value, attr=name)):
            return _of_method(name, value, names) or names.paths(use.node)
        case ast.Call(func=ast.Name(id="getattr"), args=[value, key, *_]):
            return _of_method(names.text(key), value, names) or names.paths(use.node)
        case ast.Name(ctx=ast.Load()) | ast.Attribute() | ast.Subscript() | ast.Call():
            return names.paths(use.node)
    return ()


def _of_method(name: str | None, value: ast.expr, names: Names) -> list[str]:
    """Return numpy's name for an array's method; ``self.var()`` is one of the program's own."""
    own = isinstance(value, ast.Name) and value.id in {"self", "cls"}
    return [f"numpy.{name}"] if name in _METHODS and not own and not names.paths(value) else []
