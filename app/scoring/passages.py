"""Sentences and clauses of a normalised text: the reach of a pattern, the size of evidence."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SENTENCE_END = re.compile(
    r"[。!?;\n]+|(?<![0-9.])\.(?=\s|$|[^\x00-\x7f])|(?<=[0-9])\.(?=\s+[a-z])"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|vs|etc|fig|eq|cf|approx|resp|w\.r\.t|s\.t)|^\s*\d+)$"
)
_CLAUSE_END = re.compile(
    r"[,:]+"
    r"|(?=\b(?:while|whereas|but|however|although|though|because|since|so that|which)\b)"
    r"|(?=然而|但是|不过|而是|相反|因为|所以|因此|从而|否则|(?<!不)但(?!凡))"
    r"|(?<![从因反然故进继])(?=而(?![且是不非已言后]))"
)
_NEW_LINE = re.compile(r"\s*(?:\n|$|[-*#>(\[]|\d+[.)、])")
_FULL_LINE = 60
_CALL = re.compile(
    r"[a-z]\s*[({][^(){}]*\([^()]*\)[^(){}]*[)}]|[a-z]\s*[({][^(){}\u4e00-\u9fff]*[)}]"
)
_LONGEST_ABBREVIATION = 24
# "Is it ...?" asks; "it is ..., right?" and the Chinese "ba" only hedge.
_ASKING = re.compile("什么|怎么|为何|如何|哪|多少|是否")
_QUESTION = re.compile(
    r"[吗呢]\W*$"
    r"|^\W*(?:and |but |so )?(?:what|how|why|which|who|when|where|is|are|do|does|did|can|could"
    r"|should|would|will|has|have)\b[^,]*\?\W*$"
)
_CONDITION = re.compile(
    r"^\W*(?:(?:and|but|so|而|但|那么)\s*)?(?:if|unless|suppose|when|若|如果|假如|要是|假设|一旦)"
)


class Spans:
    """Stretches of a text that do not overlap, to look places up in without trying each."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._spans = sorted(spans)

    def around(self, position: int) -> bool:
        """Say whether a stretch began at or before `position` and ends after it."""
        place = bisect_right(self._spans, position, key=itemgetter(0)) - 1
        return place >= 0 and position < self._spans[place][1]


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a sentence between commas or conjunctions; offsets into the normalised text."""

    start: int
    end: int
    sentence: int
    question: bool
    condition: bool


@dataclass(frozen=True, slots=True)
class Passages:
    """A text cut into clauses, in order and without gaps that matter."""

    text: str
    clauses: tuple[Clause, ...]
    starts: tuple[int, ...]

    def index(self, position: int) -> int:
        """Return the number of the clause that holds the character at `position`."""
        return max(0, bisect_right(self.starts, position) - 1)

    def sentence(self, position: int) -> int:
        """Return the number of the sentence that holds the character at `position`."""
        return self.clauses[self.index(position)].sentence

    def sentences(self) -> Iterator[tuple[int, int]]:
        """Yield start and end of every sentence."""
        for _, clauses in groupby(self.clauses, key=lambda clause: clause.sentence):
            first, *others = clauses
            yield first.start, (others or [first])[-1].end

    def statements(self) -> Iterator[tuple[int, int]]:
        """Yield start and end of every sentence that is not a question."""
        for start, end in self.sentences():
            if not self.clauses[self.index(start)].question:
                yield start, end


def cut(text: str) -> Passages:
    """Cut a normalised text into sentences and clauses."""
    clauses = tuple(
        clause
        for number, (start, end, mark) in enumerate(_sentences(text))
        for clause in _clauses(
            text, start, end, number, question=_is_question(text[start:end], mark)
        )
    )
    return Passages(text, clauses, tuple(clause.start for clause in clauses))


def whole_sentences(text: str, limit: int) -> int:
    """Return where the last sentence within `limit` characters ends; `limit` if none does."""
    ends = [end + len(mark) for _, end, mark in _sentences(text[:limit]) if mark]
    return ends[-1] if ends else limit


def _is_question(sentence: str, mark: str) -> bool:
    """Say whether a sentence asks; in Chinese, if its last clause does."""
    last = sentence[sentence.rfind(",") + 1 :]
    return bool(_QUESTION.search(sentence + mark) or ("?" in mark and _ASKING.search(last)))


def _sentences(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and the closing mark of every sentence that says something."""
    start = 0
    for found in _SENTENCE_END.finditer(text):
        # Only the end is looked at, since abbreviations do not end the sentence that grows here.
        tail = max(start, found.start() - _LONGEST_ABBREVIATION)
        if found.group() == "." and _ABBREVIATION.search(text[tail : found.start()]):
            continue
        if found.group() == "\n" and _is_wrapped(text, found.start()):
            continue
        if text[start : found.start()].strip():
            yield start, found.start(), found.group()
        start = found.end()
    if text[start:].strip():
        yield start, len(text), ""


def _is_wrapped(text: str, position: int) -> bool:
    """Say whether the line that ends at `position` only ends because it was full."""
    line = text[text.rfind("\n", 0, position) + 1 : position].rstrip()
    width = sum(1 if character.isascii() else 2 for character in line)
    return width >= _FULL_LINE and not _NEW_LINE.match(text, position + 1)


def _clauses(text: str, start: int, end: int, number: int, *, question: bool) -> Iterator[Clause]:
    """Cut one sentence; a comma between the arguments of a function does not count."""
    sentence = text[start:end]
    calls = [found.span() for found in _CALL.finditer(sentence)] if "(" in sentence else []
    inside = Spans(calls)
    begin = start
    for found in _CLAUSE_END.finditer(sentence):
        if inside.around(found.start()) or found.start() == 0:
            continue
        stop, after = start + found.start(), start + found.end()
        if text[begin:stop].strip():
            yield _clause(text, begin, stop, number, question=question)
            begin = after
    if text[begin:end].strip():
        yield _clause(text, begin, end, number, question=question)


def _clause(text: str, start: int, end: int, number: int, *, question: bool) -> Clause:
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    end -= len(part) - len(part.rstrip())
    return Clause(start, end, number, question, bool(_CONDITION.match(text[start:end])))
