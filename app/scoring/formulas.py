"""Formulas: LaTeX, unicode and plain spellings of one formula are equal; found in running text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache, wraps
from itertools import pairwise, permutations
from typing import TYPE_CHECKING, NamedTuple

from app.scoring.normalisation import GREEK_NAMES, normal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Span = tuple[int, int]

WILDCARD = "@"
_FUNCTIONS = frozenset({"log", "exp", "max", "min", "sqrt", "tanh", "sigmoid", "var", "sign"})
_SAME = {"ln": "log", "lg": "log", "maximum": "max", "relu": "relu"}
_TYPE_SETTING = (
    "left right big bigg mathrm mathbf mathit mathcal text textrm operatorname displaystyle "
    "quad qquad hat tilde bar vec boldsymbol bm rm limits"
)
_DROPPED_COMMANDS = frozenset(_TYPE_SETTING.split())
_COMMANDS = {
    "cdot": "*", "times": "*", "ast": "*", "div": "/", "approx": "=", "simeq": "=", "sim": "=",
    "propto": "=", "leq": "<", "le": "<", "geq": ">", "ge": ">", "varphi": "phi",
    "varepsilon": "epsilon",
}  # fmt: skip
_RELATIONS = {"=": "=", "==": "=", "≈": "=", ":=": "=", "<=": "<", "<": "<", ">=": ">", ">": ">"}
_TOKEN = re.compile(
    r"\\(?P<command>[a-z]+)"
    r"|\\(?P<escape>.)"
    r"|(?P<equals>(?:大)?约等于|(?:大)?约为|近似(?:等于|为)?|等于|大约是"
    r"|is (?:about|roughly|approximately|close to|equal to)|(?:approximately )?equals)"
    r"|(?P<number>\d+(?:\.\d+)?)"
    r"|(?P<name>[a-z]+(?:_\{[a-z0-9+,]+\}|_[a-z0-9]+|\d+)*)"
    r"|(?P<plus>_\{\+\}|_\+|\^\+)"
    r"|(?P<symbol>\*\*|<=|>=|==|:=|[-+*/^=≈<>(){}\[\],|@])"
    r"|(?P<space>[ $]+)"
    r"|(?P<other>.)",
    re.DOTALL,
)
_GREEK_RUN = re.compile("|".join(sorted(GREEK_NAMES - {"omicron"}, key=len, reverse=True)))
_MAX_PERMUTED = 5
# Powers and atoms inside one another; a bracket takes two of them.
_DEEPEST = 60
_MOST_TOKENS = 400


@dataclass(frozen=True, slots=True)
class Node:
    """A formula as a tree; `start` and `end` are offsets into the text it was read from."""

    kind: str
    value: str = ""
    children: tuple[Node, ...] = ()
    start: int = 0
    end: int = 0


class _Token(NamedTuple):
    kind: str  # number, name, symbol, plus, stop
    value: str
    start: int
    end: int


class FormulaError(ValueError):
    """An author's formula that cannot be read."""


@lru_cache(maxsize=4096)
def parse(formula: str) -> Node:
    """Read one formula of an author, in which ``@`` stands for any expression.

    Raises FormulaError if it is not one whole formula.
    """
    tokens = [
        token._replace(kind="name") if token.kind == "stop" and token.value.isalpha() else token
        for token in _tokens(normal(formula))
    ]
    reader = _Reader(tokens)
    node = reader.relation()
    if node is None or reader.position < len(tokens):
        raise FormulaError(formula)
    return node


def equal(left: str, right: str) -> bool:
    """Say whether two spellings mean the same formula; ``@`` on the left matches anything."""
    return _matches(parse(left), parse(right))


def read(text: str) -> list[Node]:
    """Return every formula of a normalised running text, outermost first.

    What nests deeper than thirty brackets or is hundreds of signs long is no formula.
    """
    if not any(c in "=≈^/+*(\\" for c in text):
        return []
    reader = _Reader(_tokens(text))
    return [inner for node in reader.all() for inner in _inner(node)]


def find(formula: str, nodes: Sequence[Node]) -> Iterator[Span]:
    """Yield where in the text of `nodes` (from `read`) the author's `formula` stands."""
    wanted = parse(formula)
    for node in nodes:
        if _matches(wanted, node):
            yield node.start, node.end
        elif wanted.kind == node.kind == "relation":
            for pair in pairwise(node.children):
                if _same_items(wanted.children, pair):
                    yield pair[0].start, pair[1].end


def _inner(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _inner(child)


# --- Tokens ---------------------------------------------------------------------------------


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    for found in _TOKEN.finditer(text):
        tokens += _token(found)
    return tokens


def _token(found: re.Match[str]) -> Iterator[_Token]:
    kind, value = found.lastgroup or "other", found.group()
    start, end = found.span()
    if kind == "command":
        yield from _command(value[1:], start, end)
    elif kind == "name":
        yield from _names(value, start, end)
    elif kind in {"number", "plus"}:
        yield _Token(kind, value, start, end)
    elif kind == "equals":
        yield _Token("symbol", "=", start, end)
    elif kind == "symbol":
        yield _Token("symbol", _symbol(value), start, end)
    elif kind == "escape":
        # \, \; \! and \{ only set type.
        return
    elif kind == "other":
        yield _Token("stop", value, start, end)


def _symbol(value: str) -> str:
    plain = {"**": "^", "{": "(", "}": ")", "[": "(", "]": ")"}.get(value, value)
    return _RELATIONS.get(plain, plain)


def _command(name: str, start: int, end: int) -> Iterator[_Token]:
    if name in _DROPPED_COMMANDS:
        return
    if name in {"frac", "dfrac", "tfrac"}:
        yield _Token("symbol", "frac", start, end)
    elif name in _COMMANDS:
        value = _COMMANDS[name]
        yield _Token("name" if value.isalpha() else "symbol", value, start, end)
    else:
        yield _Token("name", _SAME.get(name, name), start, end)


def _names(value: str, start: int, end: int) -> Iterator[_Token]:
    """Yield the variables of a run of letters: ``alphabeta`` is a product, ``the`` is prose."""
    if value.isalpha() and _GREEK_RUN.sub("", value) == "":
        for part in _GREEK_RUN.finditer(value):
            yield _Token("name", part.group(), start + part.start(), start + part.end())
        return
    name = re.sub(r"[_{},+]", "", value)
    name = _SAME.get(name, name)
    known = name in _FUNCTIONS or not value.isalpha() or _is_variable(name)
    yield _Token("name" if known else "stop", name, start, end)


def _is_variable(word: str) -> bool:
    """Tell ``z``, ``wx`` and ``ywx`` from prose."""
    if len(word) <= 1 or word in _VARIABLES:
        return True
    short = len(word) == 2 or (len(word) <= 4 and not set(word) & set("aeiou"))  # noqa: PLR2004
    return short and word not in _PROSE


_VARIABLES = frozenset({"nin", "nout", "fanin", "fanout"})
_SHORT_WORDS = (
    "am an as at be bn by do go he if in is it lr me my nn no of on or so svm to up us vs we "
    "cnn why try sgd gpu cpu mlp"
)
_PROSE = frozenset(_SHORT_WORDS.split())


# --- Reading --------------------------------------------------------------------------------


def _once(rule: Callable[[_Reader], Node | None]) -> Callable[[_Reader], Node | None]:
    """Apply `rule` once at each place, and only so deep.

    A bracket that leads nowhere is tried in several ways at every level around it: without a
    memory, its inside would be read twice as often for each level.
    """

    @wraps(rule)
    def remembered(reader: _Reader) -> Node | None:
        place = (rule.__name__, reader.position)
        if place in reader.known:
            node, reader.position = reader.known[place]
            return node
        # Not remembered: from a place further in, it is not too deep.
        if reader.depth == _DEEPEST:
            return None
        reader.depth += 1
        node = rule(reader)
        reader.depth -= 1
        reader.known[place] = node, reader.position
        return node

    return remembered


class _Reader:
    """A recursive-descent reader that gives up quietly: running text is mostly not a formula."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self.tokens = tokens
        self.position = 0
        self.depth = 0
        self.known: dict[tuple[str, int], tuple[Node | None, int]] = {}

    def all(self) -> Iterator[Node]:
        while self.position < len(self.tokens):
            before = self.position
            possible = self._begins_factor() or self._symbol() == "-"
            node = self.relation() if possible else None
            if node is None:
                self.position = before + 1
            elif self.position - before <= _MOST_TOKENS:
                yield node

    def relation(self) -> Node | None:
        first = self.sum()
        if first is None:
            return None
        sides, sign = [first], ""
        while self._symbol() in {"=", "<", ">"}:
            before = self.position
            sign = sign or self._symbol()
            self.position += 1
            side = self.sum()
            if side is None:
                self.position = before
                break
            sides.append(side)
        return _node("relation", sides, sign) if len(sides) > 1 else first

    def sum(self) -> Node | None:
        terms: list[Node] = []
        while True:
            before = self.position
            sign = self._symbol()
            if sign in {"+", "-"} and (terms or sign == "-"):
                self.position += 1
            elif terms:
                break
            term = self.product()
            if term is None:
                self.position = before
                break
            terms.append(_negated(term, self.tokens[before].start) if sign == "-" else term)
        if not terms:
            return None
        return _node("sum", terms) if len(terms) > 1 else terms[0]

    def product(self) -> Node | None:
        first = self.power()
        if first is None:
            return None
        factors: list[Node] = [first]
        divisors: list[Node] = []
        while True:
            before, sign = self.position, self._symbol()
            if sign in {"*", "/"}:
                self.position += 1
            elif not self._continues_product():
                break
            factor = self.power()
            if factor is None:
                self.position = before
                break
            (divisors if sign == "/" else factors).append(factor)
        top = _node("product", factors) if len(factors) > 1 else factors[0]
        if not divisors:
            return top
        bottom = _node("product", divisors) if len(divisors) > 1 else divisors[0]
        return _node("quotient", [top, bottom])

    @_once
    def power(self) -> Node | None:
        base = self.atom()
        if base is None:
            return None
        base = self._positive_part(base)
        if self._symbol() != "^":
            return base
        before = self.position
        self.position += 1
        exponent = self._exponent()
        if exponent is None:
            self.position = before
            return base
        if base.kind == "name" and base.value == "e":
            return Node("call", "exp", (exponent,), base.start, exponent.end)
        return _node("power", [base, exponent])

    def _exponent(self) -> Node | None:
        if self._symbol() != "-":
            return self.power()
        start = self.tokens[self.position].start
        self.position += 1
        inner = self.power()
        return None if inner is None else _negated(inner, start)

    def _positive_part(self, base: Node) -> Node:
        """Read ``(1-z)_+`` and a trailing ``(1-z)+`` as ``max(0, 1-z)``."""
        token = self._token()
        if token is None or base.kind not in {"sum", "product"}:
            return base
        trailing = (
            token.value == "+"
            and self._closed_at(self.position - 1)
            and (not self._begins_factor(1))
        )
        if token.kind != "plus" and not trailing:
            return base
        self.position += 1
        zero = Node("number", "0", (), base.start, base.start)
        return Node("call", "max", (zero, base), base.start, token.end)

    def _closed_at(self, position: int) -> bool:
        return self.tokens[position].value == ")"

    @_once
    def atom(self) -> Node | None:
        token = self._token()
        if token is None:
            return None
        if token.kind == "name":
            return self._name(token)
        if token.kind == "symbol":
            return self._compound(token)
        if token.kind != "number":
            return None
        self.position += 1
        return Node("number", token.value, (), token.start, token.end)

    def _compound(self, token: _Token) -> Node | None:
        if token.value == "(":
            return self._parenthesis()
        if token.value == "frac":
            return self._fraction()
        if token.value != WILDCARD:
            return None
        self.position += 1
        return Node("any", "", (), token.start, token.end)

    def _name(self, token: _Token) -> Node:
        self.position += 1
        if token.value not in _FUNCTIONS:
            return Node("name", token.value, (), token.start, token.end)
        before = self.position
        arguments = self._arguments() if self._symbol() == "(" else self._bare_argument()
        if not arguments:
            self.position = before
            return Node("name", token.value, (), token.start, token.end)
        return Node("call", token.value, arguments, token.start, self.tokens[self.position - 1].end)

    def _bare_argument(self) -> tuple[Node, ...]:
        argument = self.product() if self._begins_factor() else None
        return () if argument is None else (argument,)

    def _arguments(self) -> tuple[Node, ...]:
        """Read ``(a, b)``; nothing if the parenthesis never closes."""
        arguments: list[Node] = []
        while self._symbol() == ("," if arguments else "("):
            self.position += 1
            argument = self.sum()
            if argument is None:
                return ()
            arguments.append(argument)
        if self._symbol() != ")":
            return ()
        self.position += 1
        return tuple(arguments)

    def _parenthesis(self) -> Node | None:
        before = self.position
        start = self.tokens[before].start
        self.position += 1
        inner = self.relation()
        if inner is None or self._symbol() != ")":
            self.position = before
            return None
        end = self.tokens[self.position].end
        self.position += 1
        return Node(inner.kind, inner.value, inner.children, start, end)

    def _fraction(self) -> Node | None:
        start = self.tokens[self.position].start
        self.position += 1
        top, bottom = self.atom(), self.atom()
        if top is None or bottom is None:
            return None
        return Node("quotient", "", (top, bottom), start, bottom.end)

    def _token(self, ahead: int = 0) -> _Token | None:
        place = self.position + ahead
        return self.tokens[place] if place < len(self.tokens) else None

    def _symbol(self) -> str:
        token = self._token()
        return token.value if token is not None and token.kind == "symbol" else ""

    def _continues_product(self) -> bool:
        """Say whether the next token is multiplied without a sign: ``2 n``, ``αβ²``, ``y(x)``."""
        token = self._token()
        if token is None or not self._begins_factor():
            return False
        adjacent = self.tokens[self.position - 1].end == token.start
        return adjacent or len(token.value) == 1 or token.value in GREEK_NAMES | {"frac"}

    def _begins_factor(self, ahead: int = 0) -> bool:
        token = self._token(ahead)
        return token is not None and (
            token.kind in {"number", "name"} or token.value in {"(", "frac", WILDCARD}
        )


def _node(kind: str, children: Sequence[Node], value: str = "") -> Node:
    flat = [
        inner
        for child in children
        for inner in (
            child.children if kind in {"sum", "product"} and child.kind == kind else [child]
        )
    ]
    return Node(kind, value, tuple(flat), children[0].start, children[-1].end)


def _negated(node: Node, start: int) -> Node:
    return Node("negative", "", (node,), start, node.end)


# --- Comparing ------------------------------------------------------------------------------


def _matches(wanted: Node, node: Node) -> bool:
    if wanted.kind == "any":
        return True
    if (wanted.kind, wanted.value) != (node.kind, node.value):
        return False
    if wanted.kind in {"sum", "product"} or wanted.value in {"max", "min"}:
        return _same_items(wanted.children, node.children, rest=wanted.kind in {"sum", "product"})
    if wanted.kind == "relation":
        return _same_items(wanted.children, node.children)
    return len(wanted.children) == len(node.children) and all(
        _matches(a, b) for a, b in zip(wanted.children, node.children, strict=True)
    )


def _same_items(wanted: Sequence[Node], given: Sequence[Node], *, rest: bool = False) -> bool:
    """Compare without regard to order; with `rest`, an ``@`` takes all that is left over."""
    fixed = [item for item in wanted if item.kind != "any"]
    wildcards = len(wanted) - len(fixed)
    enough = len(given) > len(fixed) if rest and wildcards else len(given) == len(wanted)
    if not enough or len(given) > _MAX_PERMUTED:
        return False
    return any(
        all(_matches(a, b) for a, b in zip(fixed, order, strict=True))
        for order in permutations(given, len(fixed))
    )
