"""Reads a YAML file as plain data and remembers where everything stood."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from app.kit.i18n import Message, message
from app.questions.nodes import Builder, Position, Problem, SourceError, place

if TYPE_CHECKING:
    from app.questions.nodes import Node

MAX_BYTES = 512 * 1024
START = Position(1, 1)

Loc = tuple[str | int, ...]

# What YAML forbids in a file, and the rare line breaks that editors and YAML count differently.
_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


# What the YAML reader says, the more special words first, and what is meant.
_NO_COLON = "could not find expected ':'"
_EXPLANATIONS = (
    ("but got ':'", message("In brackets, put a text with a colon in quotes.")),
    ("expected ',' or", message("A comma is missing here, or a bracket; or a quote before it.")),
    ("found unexpected ':'", message("In brackets, put a text with a colon in quotes.")),
    (_NO_COLON, message("A colon is missing after this key, or the line is not indented.")),
    ("expected the node content", message("A value is missing here.")),
    ("sequence entries are not allowed", message("A list begins on a line of its own.")),
    ("mapping keys are not allowed", message("A key is not expected here.")),
    (
        "escape",
        message("In double quotes a backslash is special; write it twice, or use single quotes."),
    ),
    ("chomping or indentation", message("A block of text begins in the line after its | or >.")),
    ("comment or a line break", message("A block of text begins in the line after its | or >.")),
    (
        "expected alphabetic or numeric",
        message("A text that begins with this character must be put in quotes."),
    ),
    ("undefined tag handle", message("A text that begins with ! must be put in quotes.")),
)


@dataclass(frozen=True, slots=True)
class Source:
    """The data of a file (`data`), and the way back from a path in them to line and column."""

    data: dict[str, Any]
    _root: Node
    _lines: tuple[str, ...]

    def value(self, loc: Loc) -> Position:
        """Return where the value at `loc` begins; steps that are not in the file are skipped."""
        return self._walk(loc)[0].position

    def key(self, loc: Loc) -> Position:
        """Return where the key of the value at `loc` begins; in a list, the item itself."""
        return self._walk(loc)[1]

    def about(self, loc: Loc) -> Position:
        """Return the value's place, or for a whole mapping or list the place of its key."""
        node, key = self._walk(loc)
        return key if isinstance(node.value, (dict, list)) else node.position

    def inside(self, loc: Loc, line: int, column: int) -> Position:
        """Return the place of a character of the text at `loc`.

        `line` counts from 1 and `column` from 0 inside the text. Only a literal block (``|``)
        keeps its lines; any other text is pointed at as a whole.
        """
        node = self._walk(loc)[0]
        if not node.literal:
            return node.position
        return Position(node.position.line + line, column + 1 + self._indent(node))

    def _indent(self, node: Node) -> int:
        """Return by how much the lines of a literal block are indented in the file."""
        for number, text in enumerate(node.value.splitlines()):
            if text.strip():
                return len(self._lines[node.position.line + number]) - len(text)
        return 0

    def _walk(self, loc: Loc) -> tuple[Node, Position]:
        node, key = self._root, START
        for step in loc:
            child = node.children.get(step)
            if child is not None:
                key = node.keys.get(str(step), child.position)
                node = child
        return node, key


def read_source(raw: bytes) -> Source:
    """Read one YAML 1.2 document, a mapping. Raises SourceError with all that was found wrong."""
    text = _decode(raw)
    builder = Builder()
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            builder.feed(event)
    except YAMLError as error:
        raise SourceError([*builder.problems, _yaml_problem(error)]) from error
    if builder.root is None:
        raise SourceError([Problem(START, message("The file is empty."))])
    if builder.problems:
        raise SourceError(builder.problems)
    return Source(builder.root.value, builder.root, tuple(text.splitlines()))


def _decode(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        limit = message("The file is larger than {limit} KB.", limit=MAX_BYTES // 1024)
        raise SourceError([Problem(START, limit)])
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        problem = Problem(_position_after(before), message("The file is not valid UTF-8."))
        raise SourceError([problem]) from error
    text = text.removeprefix("\ufeff")  # written by some editors, and no part of the text
    if bad := _FORBIDDEN.search(text):
        code = f"U+{ord(bad.group()):04X}"
        refusal = message("The character {code} is not allowed in a file.", code=code)
        raise SourceError([Problem(_position_after(text[: bad.start()]), refusal)])
    return text


def _position_after(text: str) -> Position:
    return Position(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _yaml_problem(error: YAMLError) -> Problem:
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Problem(START, message("This is not valid YAML."))
    problem = str(error.problem)
    at_end = "stream end" in problem or "end of stream" in problem
    # What was never closed is found where it was opened, and a key without a colon where it
    # stands, not where the reader gave up.
    earlier = at_end or _NO_COLON in problem
    mark = error.context_mark if earlier and error.context_mark else error.problem_mark
    return Problem(place(mark), _explain(problem, at_end=at_end))


def _explain(problem: str, *, at_end: bool) -> Message:
    if at_end:
        return message("This is never closed: a quote or a bracket is missing.")
    if r"'\t'" in problem:
        return message("A tab cannot be used for indentation; use spaces.")
    if "mapping values are not allowed" in problem:
        return message("A colon is not expected here; put a text that contains one in quotes.")
    if "cannot start any token" in problem:
        return message("A text that begins with this character must be put in quotes.")
    if "<block end>" in problem:
        return message("This line is not indented like the lines that it belongs to.")
    return _explain_rarer(problem)


def _explain_rarer(problem: str) -> Message:
    for words, text in _EXPLANATIONS:
        if words in problem:
            return text
    return message("This is not valid YAML: {problem}.", problem=problem)
