"""Fluency: tell sentences, however clumsy, from shuffled words."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Stands for a formula, so that what is around it does not become neighbours.
FORMULA = "\u220e"

_CLASSES = {
    "determiner": "a an the",
    "preposition": "of in on at to for from by with into between within",
    "auxiliary": (
        "is are was were be been am has have had does do did can could will would should must "
        "may might"
    ),
    "conjunction": "and or but because while whereas if so than then as since",
    "pronoun": ("it they we you he i which that who there this these those them its their"),
    "negation": "not no",
    "adverb": "up out never usually just also always often too",
}
_CLASS = {word: name for name, words in _CLASSES.items() for word in words.split()}
_POSSESSIVE = frozenset({"its", "their"})
_SUBJECT = frozenset({"it", "they", "we", "you", "he", "i"})
_MODAL = frozenset({"can", "could", "will", "would", "should", "must", "may", "might"})
_LOOP_WORDS = frozenset({"while", "do", "if", "then"})  # "a while loop"

_PREPOSITION_PAIRS = (
    "from within,from in,of in,in between,from to,to from,to with,in to,on to,to by,for in"
)
_CONJUNCTION_PAIRS = (
    "and then,and so,and if,but if,or if,than if,and while,but since,as if,so then,if then,then if,"
    "because if,so if,and as,so as,and since,and because,but as,but because,but while,but then,"
    "or as,and or,so since,so because,so while,as then"
)
_PAIRS_OF_PREPOSITIONS = frozenset(_PREPOSITION_PAIRS.split(","))
_PAIRS_OF_CONJUNCTIONS = frozenset(_CONJUNCTION_PAIRS.split(","))
_WORDS = re.compile(r"[a-z']+|[.!?;:\u3002\u220e]")
_STOPS = frozenset(".!?;:\u3002")
_LEAST_WRONG = 3
_WRONG_SHARE = 0.08

_CLAUSE = re.compile(r"[,;:\u3002!?\n()]+")
_DANGLING = re.compile(
    r"^(?:的(?!确|话)|了(?!解)|们|着(?!重|手|眼)|里(?!面)|上(?!面|述|下|层|一)|倍|个)"
    r"|(?:[^还就]是|[^目]的是|和|与|为|[^作使应采]用|对|把|被|由|[^关等大小基]于|及|或|而|以及|另外|因为|所以|其中|满足)$"
)
_DANGLING_SHARE = 0.12
_CHINESE = re.compile(r"[\u3400-\u9fff]+")
_LEAST_PAIRS = 20
_LEAST_KNOWN = 150
_FAMILIAR_SHARE = 0.3


def is_scrambled_english(text: str) -> bool:
    """Say whether the function words of a normalised text stand where no sentence puts them."""
    words = _WORDS.findall(text)
    wrong = sum(_is_wrong(left, right) for left, right in pairwise([*words, "."]))
    function_words = sum(word in _CLASS for word in words)
    return wrong >= _LEAST_WRONG and wrong > _WRONG_SHARE * function_words


def _is_wrong(left: str, right: str) -> bool:
    first = _CLASS.get(left)
    if first is None:
        return False
    if left == right:
        return True
    if right in _STOPS:
        return first == "determiner" or left in _POSSESSIVE | {"and", "or", "of", "than", "from"}
    second = _CLASS.get(right)
    return second is not None and _RULES[first](left, right, second)


def _after_determiner(_: str, right: str, __: str) -> bool:
    return right not in _LOOP_WORDS


def _after_preposition(left: str, right: str, second: str) -> bool:
    if second == "preposition":
        return f"{left} {right}" not in _PAIRS_OF_PREPOSITIONS
    if second == "auxiliary":
        return left != "to" or right not in {"be", "have", "do"}
    if second == "negation":
        return right == "not" and left not in {"to", "of", "by", "for", "in"}
    if second == "adverb":
        return right not in {"just", "never", "also", "always"}
    return second == "conjunction" or right == "there"


def _after_conjunction(left: str, right: str, second: str) -> bool:
    return second == "conjunction" and f"{left} {right}" not in _PAIRS_OF_CONJUNCTIONS


def _after_auxiliary(left: str, right: str, second: str) -> bool:
    if second == "auxiliary":
        return right not in {"be", "been", "do", "have", "has", "had"}
    if second == "conjunction":
        return right in {"but", "while", "whereas", "since"}
    return second == "preposition" and left in _MODAL


def _after_pronoun(left: str, right: str, second: str) -> bool:
    if left in _POSSESSIVE:
        return True
    if left in _SUBJECT:
        return second == "determiner" or right in {"it", "they", "we", "which", "who"}
    return False


def _after_negation(left: str, _: str, second: str) -> bool:
    return left == "no" and second != "negation"


def _after_adverb(_: str, right: str, __: str) -> bool:
    return right in {"too", "up", "out"}


_RULES = {
    "adverb": _after_adverb,
    "determiner": _after_determiner,
    "preposition": _after_preposition,
    "auxiliary": _after_auxiliary,
    "conjunction": _after_conjunction,
    "pronoun": _after_pronoun,
    "negation": _after_negation,
}


def is_scrambled_chinese(text: str) -> bool:
    """Say whether clauses of a normalised text begin or end with what only stands inside one."""
    clauses = [clause.strip() for clause in _CLAUSE.split(text) if _CHINESE.search(clause)]
    dangling = sum(bool(_DANGLING.search(clause)) for clause in clauses)
    return dangling >= _LEAST_WRONG and dangling > _DANGLING_SHARE * len(clauses)


class Familiar:
    """The pairs of Chinese characters that an author's own texts on a question hold.

    An answer to the question shares many of them; its shuffled characters share few, though
    they are the same characters.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        runs = [run for text in texts for run in _CHINESE.findall(text)]
        self._characters = frozenset("".join(runs))
        self._pairs = frozenset(pair for run in runs for pair in pairwise(run))

    def is_scrambled(self, text: str) -> bool:
        """Say whether the Chinese of a normalised text is made of strange pairs."""
        pairs = [
            pair
            for run in _CHINESE.findall(text)
            for pair in pairwise(run)
            if self._characters.issuperset(pair)
        ]
        if len(pairs) < _LEAST_PAIRS or len(self._pairs) < _LEAST_KNOWN:
            return False
        return sum(pair in self._pairs for pair in pairs) < _FAMILIAR_SHARE * len(pairs)
