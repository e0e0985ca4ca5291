"""What the names in a program stand for: imports, aliases and their disguises, without running it.

Flow-insensitive: a name stands for everything that is ever bound to it in its scope. Trees are
walked with a stack of our own and expressions only `_DEEPEST` levels deep, so no program can
exhaust ours.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from app.questions.texts import UnreadableCodeError, parse_code

if TYPE_CHECKING:
    from collections.abc import Iterator

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

MAX_CHARACTERS = 64 * 1024
MAX_DEPTH = 200
_DEEPEST = 40
_MOST_PATHS = 32
_MOST_STARS = 20  # each could have brought every name that is bound nowhere
_LONGEST_PATH = 200  # characters; each use of a name has its own copy
_MOST_TEXT = 1000  # characters of a text that is pieced together
_MOST_EVALS = 3  # levels of code inside texts inside code
_MOST_TEXTS = 50

_BUILTINS = ("builtins.", "__builtins__.")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_MARKS = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)  # no names in them


def parse(text: str) -> ast.Module | None:
    """Return the tree of a program, or None if it is no Python. Raises UnreadableCodeError."""
    if len(text) > MAX_CHARACTERS:
        raise UnreadableCodeError
    try:
        tree = parse_code(text)
    except (SyntaxError, ValueError):
        return None
    if _is_deep(tree):
        raise UnreadableCodeError
    return tree


def _is_deep(tree: ast.AST) -> bool:
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return False
    return True


# --- Scopes ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """What is bound to a name: a module's path, the value of an expression, a part of it, or else.

    `counts` says that it is a counter: the variable of a ``range`` or ``enumerate`` loop, or of a
    ``+=``. `function` is the definition of a function of the program.
    """

    path: str | None = None
    value: ast.expr | None = None
    part: bool = False
    counts: bool = False
    function: FunctionNode | None = None


@dataclass(eq=False, slots=True)
class Scope:
    """The names that one module, function, class or comprehension binds."""

    parent: Scope | None = None
    node: ast.AST | None = None
    bound: dict[str, list[Source]] = field(default_factory=dict)
    declared: dict[str, Scope] = field(default_factory=dict)  # global and nonlocal

    @property
    def module(self) -> Scope:
        """The outermost scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    @property
    def function(self) -> FunctionNode | None:
        """The innermost function around, if any."""
        scope: Scope | None = self
        while scope is not None and not isinstance(scope.node, FUNCTIONS):
            scope = scope.parent
        return scope.node if scope and isinstance(scope.node, FUNCTIONS) else None

    def bind(self, name: str, source: Source) -> None:
        """Note that `name` may stand for `source`."""
        scope = self.declared.get(name, self)
        scope.bound.setdefault(name, []).append(source)

    def holder(self, name: str) -> Scope | None:
        """Return the scope whose name this is, None for a builtin or an unknown one."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.declared:
                return scope.declared[name]
            if name in scope.bound:
                return scope
            scope = scope.parent
        return None


@dataclass(frozen=True, slots=True)
class Use:
    """A node of the program, its scope, and its line (code inside a text has the text's)."""

    node: ast.AST
    scope: Scope
    line: int


@dataclass(slots=True)
class Names:
    """The uses and bindings of a whole program."""

    uses: list[Use] = field(default_factory=list)
    stars: set[str] = field(default_factory=set)  # modules whose names were all imported
    scopes: dict[int, Scope] = field(default_factory=dict)  # by the id of the node that has it
    methods: dict[str, list[FunctionNode]] = field(default_factory=dict)
    _where: dict[int, Scope] = field(default_factory=dict)
    _evaluated: dict[int, ast.expr] = field(default_factory=dict)
    _paths: dict[tuple[int, str], frozenset[str]] = field(default_factory=dict)
    _texts: dict[int, str | None] = field(default_factory=dict)
    _looked_into: set[str] = field(default_factory=set)
    _trees: list[ast.AST] = field(default_factory=list)  # kept alive: ids must stay theirs

    @classmethod
    def of(cls, tree: ast.Module) -> Names:
        """Collect the names of a program."""
        names = cls()
        names._collect(tree, Scope(node=tree), line=None, level=0)
        return names

    def scope_of(self, node: ast.AST) -> Scope:
        """Return the scope that a node of the program stands in."""
        return self._where[id(node)]

    # --- Collecting -------------------------------------------------------------------------

    def _collect(self, tree: ast.AST, top: Scope, *, line: int | None, level: int) -> None:
        self._trees.append(tree)
        self.scopes.setdefault(id(tree), top)
        texts: list[tuple[ast.Call, Scope, int]] = []
        stack: list[tuple[ast.AST, Scope, int]] = [(tree, top, line or 1)]
        while stack:
            node, scope, above = stack.pop()
            at = int(getattr(node, "lineno", above)) if line is None else line
            self._where[id(node)] = scope
            self.uses.append(Use(node, scope, at))
            inner = self._bind(node, scope)
            if isinstance(node, ast.Call):
                texts.append((node, scope, at))
            children = [one for one in ast.iter_child_nodes(node) if not isinstance(one, _MARKS)]
            stack += [(child, inner, at) for child in reversed(children)]
        for call, scope, at in texts if level < _MOST_EVALS else ():
            self._look_into_text(call, scope, at, level)
        self._paths.clear()  # what was found before everything was bound
        self._texts.clear()

    def _look_into_text(self, call: ast.Call, scope: Scope, line: int, level: int) -> None:
        """Look into the code that `eval`, `exec` or `compile` is given as a constant text."""
        if not call.args or not self.paths(call.func) & {"eval", "exec", "compile"}:
            return
        text = self.text(call.args[0])
        if text is None or text in self._looked_into:
            return
        self._looked_into.add(text)
        if len(self._looked_into) > _MOST_TEXTS:
            raise UnreadableCodeError
        tree = parse(text.strip())
        if tree is None:
            return
        self._collect(tree, scope, line=line, level=level + 1)
        if len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
            self._evaluated[id(call)] = tree.body[0].value

    def _bind(self, node: ast.AST, scope: Scope) -> Scope:  # noqa: C901 - one line for each kind
        """Note what a node binds; return the scope of its children."""
        match node:
            case ast.Import() | ast.ImportFrom():
                self._bind_import(node, scope)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    _bind_target(target, [value], scope)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                _bind_target(target, [value], scope)
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                scope.bind(name, Source(value=value, part=True, counts=True))
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                _outside_comprehensions(scope).bind(name, Source(value=value))
            case ast.For(target=target, iter=values) | ast.AsyncFor(target=target, iter=values):
                _bind_items(target, values, scope)
            case ast.withitem(optional_vars=ast.expr() as target, context_expr=value):
                _bind_target(target, [], scope, whole=value)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                scope.bind(name, Source())
            case ast.Global(names=names):
                scope.declared |= dict.fromkeys(names, scope.module)
            case ast.Nonlocal(names=names) if scope.parent:
                scope.declared |= {name: scope.parent.holder(name) or scope for name in names}
            case _ if isinstance(node, (*FUNCTIONS, ast.ClassDef, *_COMPREHENSIONS)):
                return self._open(node, scope)
        return scope

    def _open(self, node: ast.AST, scope: Scope) -> Scope:
        inner = Scope(parent=scope, node=node)
        self.scopes[id(node)] = inner
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                scope.bind(name, Source(function=node))
                if isinstance(scope.node, ast.ClassDef):
                    self.methods.setdefault(name, []).append(node)
            case ast.ClassDef(name=name):
                scope.bind(name, Source())
        if isinstance(node, FUNCTIONS):
            _bind_parameters(node.args, inner)
        for generator in getattr(node, "generators", ()):
            _bind_items(generator.target, generator.iter, inner)
        return inner

    def _bind_import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        module = "" if isinstance(node, ast.Import) else node.module or ""
        if len(module) > _LONGEST_PATH:
            raise UnreadableCodeError
        for alias in node.names:
            if isinstance(node, ast.Import):
                path = alias.name if alias.asname else alias.name.partition(".")[0]
                scope.bind(alias.asname or path, Source(path=path))
            elif alias.name == "*":
                self.stars.add(module)
            else:
                path = f"{module}.{alias.name}"
                scope.bind(alias.asname or alias.name, Source(path=path))
        if len(self.stars) > _MOST_STARS:
            raise UnreadableCodeError

    # --- Resolving --------------------------------------------------------------------------

    def paths(self, node: ast.AST, depth: int = 0) -> frozenset[str]:
        """Return the dotted names that an expression may stand for: ``xx.var`` is ``numpy.var``."""
        key = self._identity(node)
        if key not in self._paths:
            if depth > _DEEPEST:
                return frozenset()
            self._paths[key] = frozenset()  # while it is being found: cycles end here
            found = {_without_builtins(path) for path in self._find(node, depth + 1)}
            short = sorted(path for path in found if len(path) <= _LONGEST_PATH)
            self._paths[key] = frozenset(short[:_MOST_PATHS])
        return self._paths[key]

    def _identity(self, node: ast.AST) -> tuple[int, str]:
        """Return a key that all uses of one name in one scope share."""
        if isinstance(node, ast.Name):
            return id(self.scope_of(node).holder(node.id)), node.id
        return id(node), ""

    def text(self, node: ast.AST, depth: int = 0) -> str | None:
        """Return the constant text that an expression is, joined where it is pieced together."""
        if id(node) not in self._texts:
            if depth > _DEEPEST:
                return None
            self._texts[id(node)] = None
            self._texts[id(node)] = self._find_text(node, depth + 1)
        return self._texts[id(node)]

    def _find_text(self, node: ast.AST, depth: int) -> str | None:
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return self._joined([left, right], depth)
            case ast.JoinedStr(values=values):
                return self._joined(values, depth)
            case ast.FormattedValue(value=value):
                return self.text(value, depth)
            case ast.Name() if len(sources := self._sources(node)) == 1:
                bound = None if sources[0].part else sources[0].value
                return None if bound is None else self.text(bound, depth)
        return None

    def _joined(self, parts: list[ast.expr], depth: int) -> str | None:
        texts = [self.text(part, depth) for part in parts]
        found = [text for text in texts if text is not None]
        fits = len(found) == len(texts) and sum(map(len, found)) <= _MOST_TEXT
        return "".join(found) if fits else None

    def _key(self, node: ast.expr) -> str | None:
        """Return the constant text that names something, unless it is too long for a name."""
        text = self.text(node)
        return text if text is not None and len(text) <= _LONGEST_PATH else None

    def functions(self, node: ast.expr) -> list[FunctionNode]:
        """Return the functions of the program that an expression may be: ``f``, ``self.f``."""
        match node:
            case ast.Name():
                found = [one.function or one.value for one in self._sources(node)[:_MOST_PATHS]]
                return [one for one in found if isinstance(one, FUNCTIONS)]
            case ast.Attribute(value=ast.Name(id="self"), attr=name):
                return self.methods.get(name, [])[:_MOST_PATHS]
        return []

    def _sources(self, node: ast.Name) -> list[Source]:
        holder = self.scope_of(node).holder(node.id)
        return holder.bound.get(node.id, []) if holder else []

    def _find(self, node: ast.AST, depth: int) -> Iterator[str]:
        match node:
            case ast.Name(id=name):
                yield from self._of_name(name, self.scope_of(node), depth)
            case ast.Attribute(value=value, attr=name):
                yield from (f"{path}.{name}" for path in self.paths(value, depth))
            case ast.Subscript(value=value, slice=index):
                yield from self._of_item(value, index, depth)
            case ast.Call():
                yield from self._of_call(node, depth)
            case ast.NamedExpr(value=value) | ast.Starred(value=value):
                yield from self.paths(value, depth)
            case ast.IfExp(body=one, orelse=other):
                yield from self.paths(one, depth) | self.paths(other, depth)
            case ast.BoolOp(values=values):
                for value in values:
                    yield from self.paths(value, depth)

    def _of_name(self, name: str, scope: Scope, depth: int) -> Iterator[str]:
        holder = scope.holder(name)
        if holder is None:
            yield name
            yield from (f"{module}.{name}" for module in self.stars)
            return
        for source in holder.bound.get(name, []):
            if source.path is not None:
                yield source.path
            elif source.value is not None and not source.part:
                yield from self.paths(source.value, depth)

    def _of_item(self, value: ast.expr, index: ast.expr, depth: int) -> Iterator[str]:
        """Resolve ``np.__dict__["var"]``, ``globals()["np"]``, ``(np,)[0]`` and the like."""
        match value:
            case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Dict(values=items):
                for item in items:
                    yield from self.paths(item, depth)
                return
        key = self._key(index)
        if key is None:
            return
        for base in self.paths(value, depth):
            if base in {"globals()", "locals()", "vars()"}:
                yield from self._of_name(key, self.scope_of(value), depth)
            elif base in {"sys.modules", "__builtins__", "builtins.__dict__"}:
                yield key
            elif base.endswith(".__dict__"):
                yield f"{base.removesuffix('.__dict__')}.{key}"

    def _of_call(self, call: ast.Call, depth: int) -> Iterator[str]:
        if id(call) in self._evaluated:
            yield from self.paths(self._evaluated[id(call)], depth)
        for function in self.paths(call.func, depth):
            yield from self._of_known_call(function, call, depth)
        match call.func:
            case ast.Call(args=[key]) if "operator.attrgetter" in self.paths(call.func.func, depth):
                yield from self._attributes(call.args[:1], key, depth)

    def _of_known_call(self, function: str, call: ast.Call, depth: int) -> Iterator[str]:
        match function, call.args:
            case "globals" | "locals" | "vars", []:
                yield f"{function}()"
            case "vars", [value]:
                yield from (f"{path}.__dict__" for path in self.paths(value, depth))
            case "getattr", [value, key, *_]:
                yield from self._attributes([value], key, depth)
            case "__import__" | "importlib.__import__", [key, *_]:
                if module := self._key(key):
                    yield from {module, module.partition(".")[0]}
            case "importlib.import_module", [key, *_]:
                if module := self._key(key):
                    yield module

    def _attributes(self, values: list[ast.expr], key: ast.expr, depth: int) -> Iterator[str]:
        name = self._key(key)
        for value in values if name else ():
            yield from (f"{path}.{name}" for path in self.paths(value, depth))


# --- Binding --------------------------------------------------------------------------------


def _bind_target(
    target: ast.expr,
    values: list[ast.expr],
    scope: Scope,
    *,
    whole: ast.expr | None = None,
    counts: bool = False,
) -> None:
    """Bind a target to each of `values`, and to a part of `whole`; ``a, b = c, d`` is two.

    Each part of the target and of the values is looked at once: both are somebody's to choose,
    and every name with every value would be more than there is room for.
    """
    match target:
        case ast.Name(id=name):
            for value in values:
                scope.bind(name, Source(value=value))
            if whole is not None:
                scope.bind(name, Source(value=whole, part=True, counts=counts))
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            fitting = [items for one in values if len(items := _items(one)) == len(targets)]
            others = [one for one in values if len(_items(one)) != len(targets)]
            rest = _any_of(others, whole)
            for position, one in enumerate(targets):
                its = [items[position] for items in fitting]
                _bind_target(one, its, scope, whole=rest, counts=counts)
        case ast.Starred(value=inner):
            _bind_target(inner, [], scope, whole=_any_of(values, whole), counts=counts)


def _bind_items(target: ast.expr, values: ast.expr, scope: Scope) -> None:
    """Bind the target of a loop: to each item of a literal, or to a part of the values."""
    match values:
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items) if items:
            _bind_target(target, items, scope)
        case ast.Call(func=ast.Name(id="range" | "enumerate")):
            _bind_target(target, [], scope, whole=values, counts=True)
        case _:
            _bind_target(target, [], scope, whole=values)


def _items(value: ast.expr) -> list[ast.expr]:
    return value.elts if isinstance(value, (ast.Tuple, ast.List)) else []


def _any_of(values: list[ast.expr], other: ast.expr | None) -> ast.expr | None:
    """Return one expression that may be any of these, None for none of them."""
    found = [*values, other] if other is not None else values
    if len(found) > 1:
        return ast.BoolOp(op=ast.Or(), values=found)
    return found[0] if found else None


def _bind_parameters(args: ast.arguments, scope: Scope) -> None:
    positional = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(positional) - len(args.defaults)) + list(args.defaults)
    pairs = [*zip(positional, defaults, strict=True)]
    pairs += [*zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    pairs += [(one, None) for one in (args.vararg, args.kwarg) if one is not None]
    for parameter, default in pairs:
        scope.bind(parameter.arg, Source(value=default))


def _outside_comprehensions(scope: Scope) -> Scope:
    while isinstance(scope.node, _COMPREHENSIONS) and scope.parent is not None:
        scope = scope.parent
    return scope


def _without_builtins(path: str) -> str:
    for prefix in _BUILTINS:
        path = path.removeprefix(prefix)
    return path
