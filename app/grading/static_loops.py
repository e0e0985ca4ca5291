"""Finds Python loops over given arguments of a program, without running it.

A name holds the data of an argument, or a size that was read from it, if any binding says so; what
is computed from it in a way that keeps its rows (slices, copies, arithmetic) holds it as well.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import chain
from typing import TYPE_CHECKING

from app.grading.static_names import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from app.grading.static_names import FunctionNode, Names, Scope, Source, Use

_ROUNDS = 20  # of following assignments: a longer chain of aliases than that is nobody's style
_DEEPEST = 40
_MOST_CALLED = 50


class Kind(IntEnum):
    """What an expression holds of an argument."""

    NOTHING = 0
    SIZE = 1
    DATA = 2


_SIZES = frozenset({"shape", "size"})
_VIEWS = frozenset({"T", "mT", "flat", "real", "imag"})
_KEEPING_METHODS = frozenset(
    {
        "astype",
        "copy",
        "flatten",
        "ravel",
        "reshape",
        "squeeze",
        "swapaxes",
        "tolist",
        "transpose",
        "view",
    }
)
_SIZING = frozenset({"len", "numpy.shape", "numpy.size"})
_OF_SIZES = frozenset({"abs", "int", "max", "min", "round"})
# Whatever is made of an argument by these has its rows, one by one or all at once.
_KEEPING = frozenset(
    {
        "enumerate",
        "filter",
        "iter",
        "list",
        "map",
        "range",
        "reversed",
        "set",
        "sorted",
        "tuple",
        "zip",
        "numpy.arange",
        "numpy.array",
        "numpy.array_split",
        "numpy.asarray",
        "numpy.ascontiguousarray",
        "numpy.atleast_1d",
        "numpy.atleast_2d",
        "numpy.copy",
        "numpy.flip",
        "numpy.ndenumerate",
        "numpy.ndindex",
        "numpy.nditer",
        "numpy.ravel",
        "numpy.reshape",
        "numpy.split",
        "numpy.transpose",
        "numpy.vsplit",
        "itertools.batched",
        "itertools.chain",
        "itertools.islice",
        "itertools.product",
        "itertools.starmap",
    }
)
# These call a Python function, or give control back to Python, for each item.
_LOOPING = frozenset(
    {
        "filter",
        "functools.reduce",
        "itertools.accumulate",
        "itertools.starmap",
        "map",
        "numpy.apply_along_axis",
        "numpy.apply_over_axes",
        "numpy.fromiter",
        "numpy.ndenumerate",
        "numpy.nditer",
    }
)
_ALWAYS_LOOPING = frozenset({"numpy.frompyfunc", "numpy.vectorize"})

_Variable = tuple[int, str]


def find_loops(names: Names, arguments: Collection[str]) -> list[tuple[int, str]]:
    """Return the lines at which a loop runs over one of `arguments`, and what it is called."""
    found = []
    for argument in arguments:
        flow = _Flow(names, argument)
        flow.settle()
        found += [(line, argument) for line in sorted(set(flow.loops()))]
    return found


@dataclass(slots=True)
class _Flow:
    """Where the data of one argument may be."""

    names: Names
    argument: str
    kinds: dict[_Variable, Kind] = field(default_factory=dict)
    _known: dict[int, Kind] = field(default_factory=dict)
    _calls: dict[int, list[FunctionNode]] = field(default_factory=dict)
    _changed: bool = False

    def settle(self) -> None:
        """Follow the argument through assignments and calls until nothing is new."""
        scopes = [*dict.fromkeys(use.scope for use in self.names.uses)]
        for scope in scopes:
            function = scope.node
            if isinstance(function, FUNCTIONS) and self.argument in _parameters(function):
                self._raise((id(scope), self.argument), Kind.DATA)
        for _ in range(_ROUNDS):
            self._changed = False
            self._known.clear()
            for scope in scopes:
                for name, sources in scope.bound.items():
                    self._raise((id(scope), name), max(map(self._of_source, sources)))
            for use in self.names.uses:
                self._follow(use)
            if not self._changed:
                return

    def loops(self) -> Iterator[int]:
        """Yield the line of each loop over the argument."""
        self._known.clear()
        for use in self.names.uses:
            if self._is_loop(use):
                yield use.line

    # --- Following --------------------------------------------------------------------------

    def _raise(self, variable: _Variable, kind: Kind) -> None:
        if kind > self.kinds.get(variable, Kind.NOTHING):
            self.kinds[variable] = kind
            self._changed = True

    def _of_source(self, source: Source) -> Kind:
        if source.value is None:
            return Kind.NOTHING
        kind = self.kind(source.value)
        return Kind.NOTHING if source.part and kind is Kind.DATA else kind

    def _follow(self, use: Use) -> None:
        match use.node:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)]):
                self._raise((0, name), self.kind(use.node.value))
            case ast.Call(func=function):
                for definition in self.names.functions(function):
                    self._pass(use.node, definition)

    def _pass(self, call: ast.Call, definition: FunctionNode) -> None:
        """Let the parameters of a function hold what it is called with."""
        inner = self.names.scopes[id(definition)]
        positional = chain(definition.args.posonlyargs, definition.args.args)
        if isinstance(call.func, ast.Attribute):
            next(positional, None)  # self
        for value, parameter in zip(call.args, positional, strict=False):
            self._raise((id(inner), parameter.arg), self.kind(value))
        for keyword in call.keywords:
            if keyword.arg is not None:
                self._raise((id(inner), keyword.arg), self.kind(keyword.value))

    # --- Kinds ------------------------------------------------------------------------------

    def kind(self, node: ast.expr, depth: int = 0) -> Kind:
        """Return what an expression holds of the argument."""
        if id(node) not in self._known:
            if depth > _DEEPEST:
                return Kind.NOTHING
            self._known[id(node)] = self._find(node, depth + 1)
        return self._known[id(node)]

    def _find(self, node: ast.expr, depth: int) -> Kind:  # noqa: PLR0911 - one for each kind
        match node:
            case ast.Name(id=name):
                holder = self.names.scope_of(node).holder(name)
                return self.kinds.get((id(holder), name), Kind.NOTHING)
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return self.kinds.get((0, name), Kind.NOTHING)
            case ast.Attribute(value=value, attr=name):
                return _of_attribute(self.kind(value, depth), name)
            case ast.Subscript(value=value) | ast.NamedExpr(value=value):
                return self.kind(value, depth)
            case ast.UnaryOp(operand=value) | ast.Starred(value=value):
                return self.kind(value, depth)
            case ast.BinOp(left=one, op=operator, right=other):
                kind = max(self.kind(one, depth), self.kind(other, depth))
                # A mean is no size: a loop until an error is small enough is none over the data.
                averaged = kind is Kind.SIZE and isinstance(operator, ast.Div)
                return Kind.NOTHING if averaged else kind
            case ast.IfExp(body=one, orelse=other):
                return max(self.kind(one, depth), self.kind(other, depth))
            case ast.BoolOp(values=values):
                return max(self.kind(value, depth) for value in values)
            case ast.Call():
                return self._of_call(node, depth)
        return Kind.NOTHING

    def _of_call(self, call: ast.Call, depth: int) -> Kind:
        given = max((self.kind(one, depth) for one in call.args), default=Kind.NOTHING)
        functions = self.names.paths(call.func)
        if (given is Kind.DATA and functions & _SIZING) or (
            given is Kind.SIZE and functions & _OF_SIZES
        ):
            return Kind.SIZE
        if given and functions & _KEEPING:
            return Kind.DATA
        match call.func:
            case ast.Attribute(value=value, attr=name) if name in _KEEPING_METHODS:
                return Kind.DATA if self.kind(value, depth) is Kind.DATA else Kind.NOTHING
        return Kind.NOTHING

    # --- Loops ------------------------------------------------------------------------------

    def _is_loop(self, use: Use) -> bool:
        match use.node:
            case ast.For(iter=values) | ast.AsyncFor(iter=values):
                return self.kind(values) is Kind.DATA
            case ast.comprehension(iter=values):
                return self.kind(values) is Kind.DATA
            case ast.While(test=test):
                return self._ends_with_the_data(test)
            case ast.Subscript(value=value, slice=index):
                return self.kind(value) is Kind.DATA and _is_counted(index, use.scope)
            case ast.Call():
                return self._is_looping_call(use.node, use.scope)
        return False

    def _ends_with_the_data(self, test: ast.expr) -> bool:
        """Return whether a condition compares with a size, or asks whether anything is left."""
        compared = [one for one in ast.walk(test) if isinstance(one, ast.Compare)]
        sides = [side for one in compared for side in (one.left, *one.comparators)]
        return self.kind(test) is not Kind.NOTHING or any(
            self.kind(side) is Kind.SIZE for side in sides
        )

    def _is_looping_call(self, call: ast.Call, scope: Scope) -> bool:
        functions = self.names.paths(call.func)
        if functions & _ALWAYS_LOOPING:
            return True
        values = [*call.args, *(one.value for one in call.keywords)]
        if all(self.kind(value) is not Kind.DATA for value in values):
            return False
        return bool(functions & _LOOPING) or self._is_recursive(call, scope)

    def _is_recursive(self, call: ast.Call, scope: Scope) -> bool:
        """Return whether the function called leads back to the one that the call stands in."""
        here = scope.function
        seen: list[FunctionNode] = []
        ahead = self.names.functions(call.func)
        while here is not None and ahead and len(seen) < _ROUNDS:
            function = ahead.pop()
            if function is here:
                return True
            if function not in seen:
                seen.append(function)
                ahead += self._called_by(function)
        return False

    def _called_by(self, function: FunctionNode) -> list[FunctionNode]:
        if id(function) not in self._calls:
            calls = [one for one in ast.walk(function) if isinstance(one, ast.Call)]
            found = [callee for call in calls for callee in self.names.functions(call.func)]
            self._calls[id(function)] = [*dict.fromkeys(found)][:_MOST_CALLED]
        return self._calls[id(function)]


def _parameters(function: FunctionNode) -> set[str]:
    args = function.args
    return {one.arg for one in (*args.posonlyargs, *args.args, *args.kwonlyargs)}


def _of_attribute(kind: Kind, name: str) -> Kind:
    if kind is Kind.DATA and name in _SIZES:
        return Kind.SIZE
    return kind if kind is Kind.DATA and name in _VIEWS else Kind.NOTHING


def _is_counted(index: ast.expr, scope: Scope) -> bool:
    """Return whether an index is, or begins or ends at, a counter: ``x[i]``, ``x[i:i + 8]``.

    A counter is a name that a loop or ``+=`` binds.
    """
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    parts = [bound for part in parts for bound in _bounds(part)]
    names = [one.left if isinstance(one, ast.BinOp) else one for one in parts]
    return any(isinstance(one, ast.Name) and _is_counter(one.id, scope) for one in names)


def _bounds(index: ast.expr) -> list[ast.expr]:
    if not isinstance(index, ast.Slice):
        return [index]
    return [bound for bound in (index.lower, index.upper) if bound is not None]


def _is_counter(name: str, scope: Scope) -> bool:
    holder = scope.holder(name)
    sources = holder.bound.get(name, []) if holder else []
    return any(source.counts for source in sources[:_MOST_CALLED])
