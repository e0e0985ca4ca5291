"""Normal form of a text, with a map from each of its characters back to the original."""

# ruff: noqa: RUF001 -- this module is about characters that look like others

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from app.scoring.characters import SIMPLIFIED, TAIWAN_TERMS

Span = tuple[int, int]
_Piece = tuple[str, int, int]

_GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρςστυφχψω",
        [
            "alpha",
            "beta",
            "gamma",
            "delta",
            "epsilon",
            "zeta",
            "eta",
            "theta",
            "iota",
            "kappa",
            "lambda",
            "mu",
            "nu",
            "xi",
            "omicron",
            "pi",
            "rho",
            "sigma",
            "sigma",
            "tau",
            "upsilon",
            "phi",
            "chi",
            "psi",
            "omega",
        ],
        strict=True,
    )
)
GREEK_NAMES = frozenset(_GREEK.values())

# No script stacks more marks on a character; sorting a tower of them takes quadratic time.
_MOST_MARKS = 30

_SYMBOLS = {
    **dict.fromkeys("×·∙⋅∗•✕✖⨯", "*"),
    **dict.fromkeys("−‐‑‒–﹣", "-"),
    **dict.fromkeys("≈≃≅∼~≒", "≈"),
    **dict.fromkeys("“”„«»「」『』《》〈〉", '"'),
    **dict.fromkeys("‘’‚′`´", "'"),
    **dict.fromkeys("【〔", "["),
    **dict.fromkeys("】〕", "]"),
    **dict.fromkeys("。．｡", "。"),
    "—": ",",
    "…": "。",
    "÷": "/",
    "∕": "/",
    "⁄": "/",
    "√": " sqrt",
    "≤": "<=",
    "≦": "<=",
    "⩽": "<=",
    "≥": ">=",
    "≧": ">=",
    "⩾": ">=",
    "∝": "=",
    "∑": " sum ",
    "∏": " prod ",
    "→": "->",
    "⇒": "=>",
    "\t": " ",
    "\r": "\n",
    "\u2028": "\n",
    "\u2029": "\n",
}


@dataclass(frozen=True, slots=True)
class NormalText:
    """A normalised text; character `i` stands for ``original[starts[i]:ends[i]]``."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def original(self, start: int, end: int) -> Span:
        """Return the span of the original that ``text[start:end]`` stands for."""
        if start >= end:
            position = self.starts[start] if start < len(self.starts) else 0
            return position, position
        return self.starts[start], self.ends[end - 1]

    def first(self, length: int) -> NormalText:
        """Return the first `length` characters."""
        return NormalText(self.text[:length], self.starts[:length], self.ends[:length])


def normalise(original: str) -> NormalText:
    """Bring `original` to its normal form.

    Invisible characters go; superscripts become ``^n``; full-width forms, capitals, traditional
    Chinese, Greek letters, quotes and operators become their plain spelling.
    """
    pieces = _joined_greek(_superscripts(_clusters(original)))
    text = "".join(piece for piece, _, _ in pieces)
    starts = tuple(start for piece, start, _ in pieces for _ in piece)
    ends = tuple(end for piece, _, end in pieces for _ in piece)
    normal = NormalText(text, starts, ends)
    # Words of Taiwan are only looked for where somebody writes traditional characters:
    # elsewhere the same syllables can mean something else.
    return _in_mainland_terms(normal) if any(c in SIMPLIFIED for c in original) else normal


def normal(text: str) -> str:
    """Return the normal form alone, for texts whose offsets nobody needs."""
    return normalise(text).text


def _clusters(original: str) -> list[_Piece]:
    """Cut `original` into characters with their combining marks, without the invisible ones."""
    pieces: list[_Piece] = []
    for position, character in enumerate(original):
        if character.isascii():
            pieces.append((character, position, position + 1))
        elif unicodedata.combining(character) and pieces:
            base, start, _ = pieces[-1]
            marked = base + character if len(base) <= _MOST_MARKS else base
            pieces[-1] = (marked, start, position + 1)
        elif unicodedata.category(character) not in {"Cf", "Cc", "Co", "Cs"}:
            pieces.append((character, position, position + 1))
    return pieces


def _superscripts(clusters: list[_Piece]) -> list[_Piece]:
    """Put ``^`` before each run of superscripts and replace every cluster by its plain form."""
    pieces: list[_Piece] = []
    run: list[_Piece] = []
    for cluster, start, end in clusters:
        if _is_superscript(cluster):
            run.append((_plain(cluster), start, end))
            continue
        pieces += _raised(run)
        run = []
        pieces.append((_plain(cluster), start, end))
    return pieces + _raised(run)


def _raised(run: list[_Piece]) -> list[_Piece]:
    if not run:
        return []
    start, end = run[0][1], run[-1][2]
    if len(run) == 1:
        return [("^" + run[0][0], start, end)]
    return [("^(", start, run[0][2]), *run, (")", run[-1][1], end)]


def _joined_greek(pieces: list[_Piece]) -> list[_Piece]:
    """Keep the names of neighbouring Greek letters, or of a letter and a word, apart."""
    result: list[_Piece] = []
    for piece, start, end in pieces:
        if result and _runs_together(result[-1][0], piece):
            result.append((" ", start, start))
        result.append((piece, start, end))
    return result


def _runs_together(left: str, right: str) -> bool:
    greek = left in GREEK_NAMES or right in GREEK_NAMES
    return (
        greek
        and left[-1:].isascii()
        and left[-1:].isalpha()
        and right[:1].isascii()
        and (right[:1].isalpha())
    )


@lru_cache(maxsize=8192)
def _is_superscript(cluster: str) -> bool:
    return not cluster.isascii() and unicodedata.decomposition(cluster[0]).startswith("<super>")


@lru_cache(maxsize=8192)
def _plain(cluster: str) -> str:
    if cluster in _SYMBOLS:
        return _SYMBOLS[cluster]
    composed = unicodedata.normalize("NFKC", cluster).lower()
    return "".join(_SYMBOLS.get(c) or _GREEK.get(c) or SIMPLIFIED.get(c, c) for c in composed)


_TAIWAN = re.compile("|".join(sorted(TAIWAN_TERMS, key=len, reverse=True)))


def _in_mainland_terms(text: NormalText) -> NormalText:
    """Replace Taiwan's technical terms by the mainland's, each mapped to the whole old term."""
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    for found in _TAIWAN.finditer(text.text):
        characters.append(text.text[position : found.start()])
        starts += text.starts[position : found.start()]
        ends += text.ends[position : found.start()]
        term = TAIWAN_TERMS[found.group()]
        start, end = text.original(*found.span())
        characters.append(term)
        starts += [start] * len(term)
        ends += [end] * len(term)
        position = found.end()
    characters.append(text.text[position:])
    return NormalText(
        "".join(characters),
        (*starts, *text.starts[position:]),
        (*ends, *text.ends[position:]),
    )
