"""Where a term stands in a text: Chinese as substring, English by stem, long words with a typo."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from rapidfuzz.distance import DamerauLevenshtein

from app.scoring.normalisation import normal

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

_WORD = re.compile(r"[a-z0-9]+")
_PROSE = re.compile(r"[a-z0-9][a-z0-9'\- /]*\*?")
_CJK = re.compile(r"[\u3400-\u9fff]")

# Longest first, so that a stem is as short as its word family allows.
_ENDINGS = (
    "isations", "izations", "isation", "ization", "abilities", "ations", "ability", "ising",
    "izing", "ation", "ative", "ities", "ised", "ized", "ises", "izes", "ings", "ions", "ying",
    "ness", "ments", "ment", "ally", "ity", "ing", "ion", "ive", "ied", "ies", "ers", "ise",
    "ize", "able", "ible", "ed", "er", "es", "al", "ly", "y", "e", "s",
)  # fmt: skip
_ALLOWED = (
    "|".join(_ENDINGS) + "|(?<=e)d|(?<=e)rs?|tion|tions|ent|ence|ant|ance"
    "|ic|ical|istic|iser|isers|izer|izers|est|ous|ously|ally|al"
)
_SHORTEST_STEM = 4
_EXACT = 3
_FUZZY = 7
_LONG_WORD = re.compile(r"(?<![a-z0-9])[a-z][a-z0-9]{5,}")  # a letter less than _FUZZY
_TWO_TYPOS = 11
_ENDING = 5
_FILLERS = r"(?:[\s\-]+(?:the|a|an|its|their|same|of|own|all)\b){0,4}"


class Hit(NamedTuple):
    """One place where a term of a group stands; offsets into the normalised text."""

    start: int
    end: int


class Term(NamedTuple):
    """A term ready to be looked for.

    `literal` must be in the text for `pattern` to match, which begins with `lead`; `typo` is
    the word that may be misspelt, if any.
    """

    literal: str
    lead: str
    pattern: re.Pattern[str]
    typo: str


class Words:
    """A normalised text with its long words by first letter, for the search of typos."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._long: dict[str, list[tuple[str, int]]] = {}
        for found in _LONG_WORD.finditer(text):
            word = found.group()
            self._long.setdefault(word[0], []).append((word, found.start()))

    @property
    def initials(self) -> Container[str]:
        """The letters with which the long words begin."""
        return self._long.keys()

    def like(self, word: str) -> Sequence[tuple[str, int]]:
        """Return the long words that begin like `word`, with their places."""
        return self._long.get(word[0], ())


@lru_cache(maxsize=16384)
def term(spelling: str) -> Term:
    """Prepare a term as an author writes it; a trailing ``*`` makes it the start of a word."""
    plain = normal(spelling).strip()
    if _CJK.search(plain):
        return _chinese(plain)
    if _PROSE.fullmatch(plain):
        return _english(plain)
    return _symbols(plain)


def find(wanted: Term, words: Words) -> list[Hit]:
    """Return every place of `wanted` in the text, a misspelling only if there is no other."""
    hits: list[Hit] = []
    if wanted.literal in words.text:
        hits = [Hit(*found.span()) for found in _all(wanted, words.text)]
    if hits or not wanted.typo:
        return hits
    return [
        Hit(start, start + len(word))
        for word, start in words.like(wanted.typo)
        if _misspells(word, wanted.typo)
    ]


def _all(wanted: Term, text: str) -> Iterator[re.Match[str]]:
    """Yield every match; `finditer` would try each place, as patterns begin by looking back."""
    place = text.find(wanted.lead)
    while 0 <= place < len(text):
        found = wanted.pattern.match(text, place)
        if found:
            yield found
        place = text.find(wanted.lead, found.end() if found else place + 1)


def _misspells(word: str, wanted: str) -> bool:
    """Say whether `word`, or its beginning, is `wanted` with a slip or two."""
    if word.startswith(wanted):
        return False  # spelt well, but another word
    allowed = 2 if len(wanted) >= _TWO_TYPOS else 1
    beginnings = {word[: len(wanted) + more] for more in (-1, 0, 1)}
    return len(word) - len(wanted) <= _ENDING and any(
        DamerauLevenshtein.distance(start, wanted, score_cutoff=allowed) <= allowed
        for start in beginnings
    )


def _chinese(plain: str) -> Term:
    characters = [c for c in plain if not c.isspace()]
    pattern = r"\s*".join(re.escape(c) for c in characters)
    if characters[0] not in "非无不":
        # In 非线性 there is no 线性, though there is in 并非线性, which is a negation.
        pattern = r"(?<![^并除绝]非)(?<!^非)" + pattern
    if characters[0].isascii() and characters[0].isalnum():
        pattern = r"(?<![a-z0-9])" + pattern
    if characters[-1].isascii() and characters[-1].isalnum():
        pattern += r"(?![a-z0-9])"
    literal = next(c for c in characters if not c.isascii())
    return Term(literal, characters[0], re.compile(pattern), "")


def _symbols(plain: str) -> Term:
    characters = [c for c in plain if not c.isspace()]
    pattern = r"\s*".join(re.escape(c) for c in characters)
    before = r"(?<![a-z0-9.])" if characters[0].isalnum() else ""
    after = r"(?![a-z0-9])" if characters[-1].isalnum() else ""
    return Term(characters[0], characters[0], re.compile(before + pattern + after), "")


def _english(plain: str) -> Term:
    words = _WORD.findall(plain)
    open_end = plain.endswith("*")
    parts = [_word(word) for word in words[:-1]]
    parts.append(re.escape(words[-1]) + r"[a-z0-9]*" if open_end else _word(words[-1]))
    pattern = (_FILLERS + r"[\s\-_/]*").join(parts)
    if words[0] not in {"non", "not", "no", "un"}:
        pattern = r"(?<!non)(?<!non[\s\-])(?<!\bun-)" + pattern
    if words == ["not"]:
        pattern = r"(?:not|cannot|[a-z]+n't)"
    single = len(words) == 1 and len(words[0]) >= _FUZZY and words[0].isalpha() and not open_end
    stem = _stem(words[0])
    return Term(
        "n" if words == ["not"] else stem[:3],
        "" if words == ["not"] else stem,
        re.compile(r"(?<![a-z0-9])" + pattern + r"(?![a-z0-9])"),
        words[0] if single else "",
    )


def _word(word: str) -> str:
    """Return a pattern for the family of one word: process, processes, processing."""
    if len(word) <= _EXACT or not word.isalpha():
        return re.escape(word) + ("s?" if word.isalpha() else "")
    stem = _stem(word)
    last = re.escape(stem[-1])
    return f"{re.escape(stem)}{last}?(?:{_ALLOWED})?"


@lru_cache(maxsize=16384)
def _stem(word: str) -> str:
    if len(word) <= _SHORTEST_STEM or not word.isalpha():
        return word
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM - 1:
            if ending == "s" and word.endswith(("ss", "us", "is")):
                continue
            return word[: -len(ending)]
    return word
