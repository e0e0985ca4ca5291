"""Builds plain data with their places from YAML events: no recursion, no tags, within bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from app.kit.i18n import Message, message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ruamel.yaml.error import StringMark
    from ruamel.yaml.events import CollectionStartEvent, Event

MAX_DEPTH = 40
MAX_ANCHORS = 16
MAX_NODES = 100_000  # after every alias has been replaced by what it stands for
MAX_DIGITS = 40
MAX_QUOTED = 80  # characters of a name in a message

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)")
_WORDS: dict[str, float | bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # cannot be stored; reachable by escapes in quotes
_STRING_TAGS = ("!", "tag:yaml.org,2002:str")


class Position(NamedTuple):
    """A place in a file; lines and columns (in characters) count from 1."""

    line: int
    column: int


class Problem(NamedTuple):
    """Something wrong at a place."""

    position: Position
    message: Message


class SourceError(Exception):
    """The file is refused before anybody asks what its data mean."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(problem.message.render("en") for problem in problems))
        self.problems = tuple(problems)


@dataclass(slots=True)
class Node:
    """A value with its place; `keys` are the places of a mapping's keys."""

    value: Any
    position: Position
    literal: bool = False  # a block text whose lines are lines of the file
    size: int = 1  # itself and everything below it
    keys: dict[str, Position] = field(default_factory=dict)
    children: dict[str | int, Node] = field(default_factory=dict)


@dataclass(slots=True)
class _Open:
    """A mapping or list that has begun and not ended; `key` waits for its value."""

    node: Node
    anchor: str | None
    key: str | None = None


class Builder:
    """Takes the events of one document; `root` is complete after the last of them.

    Problems that leave the rest readable are collected in `problems`; the others raise
    SourceError.
    """

    def __init__(self) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self.last = Position(1, 1)
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._documents = 0

    def feed(self, event: Event) -> None:
        """Take the next event. Raises SourceError."""
        self.last = place(event.start_mark)
        match event:
            case DocumentStartEvent():
                self._begin_document()
            case ScalarEvent():
                self._scalar(event)
            case AliasEvent():
                self._alias(event)
            case MappingStartEvent():
                self._begin(event, {})
            case SequenceStartEvent():
                self._begin(event, [])
            case MappingEndEvent() | SequenceEndEvent():
                ended = self._open.pop()
                self._add(ended.node, ended.anchor)
            case _:
                pass

    def _begin_document(self) -> None:
        self._documents += 1
        if self._documents > 1:
            self._refuse(message("A file holds one document; a second one begins here."))

    def _begin(self, event: CollectionStartEvent, value: dict[str, Any] | list[Any]) -> None:
        if not self._open and isinstance(value, list):
            self._refuse(message("A file must be a mapping of keys to values, not a list."))
        if self._expects_key():
            self._refuse(message("A key must be a text, not a list or a mapping."))
        if len(self._open) >= MAX_DEPTH:
            self._refuse(message("Nested more than {limit} levels deep.", limit=MAX_DEPTH))
        if event.tag is not None:
            self._complain_of_tag(event.tag)
        self._open.append(_Open(Node(value, self.last), event.anchor))

    def _scalar(self, event: ScalarEvent) -> None:
        value = self._resolve(event)
        if not self._open:
            self._refuse(message("A file must be a mapping of keys to values, not a single value."))
        if self._expects_key():
            self._take_key(value)
        else:
            place = self.last if event.value or event.style else self._place_of_nothing()
            self._add(Node(value, place, literal=event.style == "|"), event.anchor)

    def _place_of_nothing(self) -> Position:
        """Return the place of the key that has no value: the reader is at the next key already."""
        mapping = self._open[-1]
        return self.last if mapping.key is None else mapping.node.keys[mapping.key]

    def _alias(self, event: AliasEvent) -> None:
        target = self._anchors.get(str(event.anchor))
        if target is None or self._expects_key():
            self._refuse(
                message(
                    'There is no complete value "&{name}" above.', name=shortened(str(event.anchor))
                )
            )
        else:
            self._add(replace(target, position=self.last, literal=False), None)

    def _expects_key(self) -> bool:
        return (
            bool(self._open)
            and isinstance(self._open[-1].node.value, dict)
            and (self._open[-1].key is None)
        )

    def _take_key(self, value: object) -> None:
        if not isinstance(value, str):
            self._complain(message("A key must be a text; put it in quotes."))
        key, mapping = str(value), self._open[-1]
        if key in mapping.node.keys:
            first = mapping.node.keys[key].line
            self._complain(
                message(
                    'The key "{key}" is already in line {line}.', key=shortened(key), line=first
                )
            )
        mapping.key = key
        mapping.node.keys.setdefault(key, self.last)

    def _add(self, node: Node, anchor: str | None) -> None:
        """Put a complete value where it belongs."""
        if anchor is not None:
            self._remember(anchor, node)
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        parent.node.size += node.size
        if parent.node.size > MAX_NODES:
            self._refuse(message("The file holds more than {limit} values.", limit=MAX_NODES))
        if isinstance(parent.node.value, list):
            parent.node.children[len(parent.node.value)] = node
            parent.node.value.append(node.value)
        elif parent.key is not None:
            parent.node.children[parent.key] = node
            parent.node.value[parent.key] = node.value
            parent.key = None

    def _remember(self, anchor: str, node: Node) -> None:
        self._anchors[anchor] = node
        if len(self._anchors) > MAX_ANCHORS:
            self._refuse(message("The file has more than {limit} anchors.", limit=MAX_ANCHORS))

    def _resolve(self, event: ScalarEvent) -> str | float | bool | None:
        """Return what a scalar means in YAML 1.2; dates and the words on/off/yes/no are texts."""
        text = str(event.value)
        if bad := _NO_TEXT.search(text):
            code = f"U+{ord(bad.group()):04X}"
            self._complain(message("The character {code} is not allowed in a text.", code=code))
        if event.tag is not None:
            if event.tag not in _STRING_TAGS:
                self._complain_of_tag(event.tag)
            return text
        return text if event.style else self._plain(text)

    def _plain(self, text: str) -> str | float | bool | None:
        if text in _WORDS:
            return _WORDS[text]
        is_int = _INT.fullmatch(text)
        if not is_int and not _FLOAT.fullmatch(text):
            return float(text.replace(".", "")) if _INFINITE.fullmatch(text) else text
        if len(text) > MAX_DIGITS:
            self._complain(message("A number has at most {limit} digits.", limit=MAX_DIGITS))
            return 0
        return _integer(text) if is_int else float(text)

    def _complain_of_tag(self, tag: str) -> None:
        self._complain(message('The tag "{tag}" is not allowed.', tag=shortened(tag)))

    def _refuse(self, text: Message) -> None:
        self._complain(text)
        raise SourceError(self.problems)

    def _complain(self, text: Message) -> None:
        self.problems.append(Problem(self.last, text))


def shortened(name: str) -> str:
    """Return a name as a message can quote it."""
    return name if len(name) <= MAX_QUOTED else f"{name[:MAX_QUOTED]}…"


def place(mark: StringMark) -> Position:
    """Return the position of a mark of the YAML reader."""
    return Position(mark.line + 1, mark.column + 1)


def _integer(text: str) -> int:
    """Read decimal digits (leading zeros mean nothing), or 0o… and 0x…."""
    return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
