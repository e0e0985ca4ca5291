"""Guards: answers that are empty, echo the question, list keywords or talk to the machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from app.scoring.fluency import FORMULA, Familiar, is_scrambled_chinese, is_scrambled_english

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.scoring.passages import Passages

Flag = Literal["empty", "echo", "stuffing", "injection", "denial", "too_long"]
Span = tuple[int, int]

# What a flagged answer can be proposed at most, as a share of all points. A mentor decides.
CAP = 0.3
CAPPED: frozenset[Flag] = frozenset({"empty", "echo", "stuffing", "denial"})

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[\u3400-\u9fff]")
# Formulas are neither prose nor keywords: $...$, commands, and anything around an operator.
_FORMULA = re.compile(
    r"\$[^$\u3400-\u9fff]+\$|\\[a-z]+|\d+(?:\.\d+)?%?"
    r"|[^\s\u3400-\u9fff,;。.]{0,80}[=≈^+*/<>{}()\\][^\s\u3400-\u9fff,;。.]*"
)
_INJECTION = re.compile(
    r"(?:ignore|disregard|forget|override)\b.{0,30}\b(?:instruction|prompt|rubric|criteria|rule|above)"
    r"|(?:give|award|grant|assign|grade|mark|rate)\b.{0,30}\b(?:full|max(?:imum)?|highest|perfect|top)\b"
    r".{0,12}\b(?:marks?|points?|scores?|credits?|grades?)"
    r"|(?:system|developer) (?:prompt|message)|</?(?:system|assistant|user|instructions?)>"
    r"|(?:^|\n)[^\S\n]*(?:system|assistant)\s*:"
    r"|\byou are (?:now )?(?:an? )?(?:grader|grading|evaluator|ai\b|assistant)"
    r"|\b(?:dear|note to|attention|hey)\b.{0,12}"
    r"\b(?:grader|grading|evaluator|examiner|ai|llm|model)\b"
    r"|\"?(?:score|points)\"?\s*[:=]\s*\"?(?:full|max|100|10\s*/\s*10)"
    r"|all (?:the )?criteria (?:are|were|have been) (?:met|satisfied|fulfilled)"
    r"|(?:忽略|无视|忘记|忘掉|不要理会|跳过).{0,12}(?:指令|指示|提示|规则|标准|要求|内容)"
    r"|(?:给|打|判|评)(?:我|这个?答案|本题|出|为)?.{0,6}(?:满分|最高分|全部分数|100\s*分)|满分(?:通过|处理)"
    r"|你(?:现在)?是.{0,8}(?:评分|阅卷|打分|判卷|语言模型|助手)|系统(?:提示|指令|消息)\s*:"
    r"|(?:所有|全部|每个)(?:评分)?(?:标准|要点|得分点)(?:都|均|已).{0,4}(?:满足|达到|命中)",
    re.DOTALL,
)
_ENGLISH = (
    "a an the is are was were be been being am do does did has have had can could will would "
    "should may might must of in on at to for from by with without as than that this these those "
    "it its they them their there which who what when where how why if then else and or but not no "
    "so because since while whereas both each all every some any only also very more most less "
    "we you i he she us our your into over under between about after before during just such like "
    "means mean use uses used using one other same"
)
_CHINESE = (
    "的了是在和与有对为会就都而及也由被把从到以可能不要用让使得将向之其这那它们个很更比或但如因所于该此并只"
    "来给成做说没"
)
_FUNCTION = frozenset([*_ENGLISH.split(), *_CHINESE])
# Chinese words set apart by spaces, as no sentence is written.
_SPACED = re.compile(r"[\u3400-\u9fff] +(?=[\u3400-\u9fff,;:。!?()、])")
_SPACED_SHARE = 0.15
_PIECE = re.compile(r"[,、;。.!?\n]+")
_FRAGMENT = 3
_FEW_FUNCTION_WORDS = 0.2
_FRAGMENTED_SHARE = 0.6
# Pieces of code are not counted.
_SAYING = {
    "zh": re.compile(r"[\u3400-\u9fff]"),
    "en": re.compile(r"^(?=[\sa-z'-]*$).*?[a-z]{3}"),
}
# "Everything below is wrong": then what follows is not claimed.
_DENIAL = re.compile(
    r"(?:以下|下面|下列|上述|上面|以上|前面|后面)[^。!?;\n]{0,10}"
    r"(?:错误|不对|不正确|都错|是错|全错|不成立|是假|反的|反话)"
    r"|\b(?:all|everything|none|nothing|each|any) (?:of )?(?:the |what |this |that )?"
    r"(?:following|above|below|i (?:say|said|wrote))[^.!?;\n]{0,40}"
    r"\b(?:false|wrong|incorrect|untrue|true|correct|right|holds?)\b"
    r"|\bthe (?:following|above)\b[^.!?;\n]{0,25}\b(?:false|wrong|incorrect|untrue|not true)\b"
    r"|\bopposite of (?:what|everything|all)\b"
)
_CRAMMED_UNITS = 25
_FREE_SHARE = 0.03
_MIN_UNITS = 8
_MIN_FUNCTION = {"en": 0.12, "zh": 0.07}
_NOVELTY = 0.25
_SENTENCE_NOVELTY = 0.15
_GRAM = 4


class Guarded(NamedTuple):
    """What the guards say: flags, and the spans that must not earn anything."""

    flags: tuple[Flag, ...]
    ignored: tuple[Span, ...]


def inspect(passages: Passages, question: frozenset[str]) -> Guarded:
    """Look at a normalised answer; `question` holds the shingles of the question."""
    text = passages.text
    if not _WORD.search(text):
        return Guarded(("empty",), ())
    flags: list[Flag] = []
    sentences = list(passages.sentences())
    if _novelty(text, question) < _NOVELTY:
        flags.append("echo")
    orders = [span for span in sentences if _INJECTION.search(text[slice(*span)])]
    if orders or _INJECTION.search(text):
        flags.append("injection")
    if _DENIAL.search(text):
        flags.append("denial")
    echoes = [span for span in sentences if _echoes(text[slice(*span)], question)]
    return Guarded(tuple(flags), (*echoes, *orders))


def shingles(text: str) -> frozenset[str]:
    """Return the runs of four characters of a normalised text, spaces and marks left out."""
    squeezed = re.sub(r"[\W_]+", "", text)
    return frozenset(squeezed[i : i + _GRAM] for i in range(max(1, len(squeezed) - _GRAM + 1)))


def is_stuffed(passages: Passages, familiar: Familiar, covered: Iterable[Span]) -> bool:
    """Tell a pile of keywords, or shuffled words, from sentences however terse.

    `familiar` knows how the author writes about the question; `covered` are the spans of the
    rubric's terms.
    """
    prose = _FORMULA.sub(FORMULA, passages.text)
    return (
        _is_list(prose)
        or is_scrambled_english(prose)
        or is_scrambled_chinese(prose)
        or familiar.is_scrambled(prose)
        or _is_crammed(passages, covered)
    )


def _is_crammed(passages: Passages, covered: Iterable[Span]) -> bool:
    """Say whether an answer is made of rubric terms and little else; `covered` are their spans."""
    marked = bytearray(len(passages.text))
    for start, end in covered:
        marked[start:end] = b"\x01" * (end - start)
    places = [found.start() for found in _WORD.finditer(_FORMULA.sub(_blank, passages.text))]
    free = sum(not marked[place] for place in places)
    return len(places) >= _CRAMMED_UNITS and free < _FREE_SHARE * len(places)


def _blank(found: re.Match[str]) -> str:
    return " " * len(found.group())


def _novelty(text: str, question: frozenset[str]) -> float:
    own = shingles(text)
    return len(own - question) / len(own)


def _echoes(sentence: str, question: frozenset[str]) -> bool:
    return len(_WORD.findall(sentence)) >= _MIN_UNITS and (
        _novelty(sentence, question) < _SENTENCE_NOVELTY
    )


def _is_list(prose: str) -> bool:
    """Say whether a text is many short pieces with hardly a function word between them."""
    words = _WORD.findall(prose)
    if len(words) < _MIN_UNITS:
        return False
    chinese = sum(not word.isascii() for word in words) > len(words) / 2
    share = sum(word in _FUNCTION for word in words) / len(words)
    separators = r"[,、;。.!?\n:/|*+\-]+|\s+" if chinese else r"[,、;。.!?\n|*]+"
    pieces = [p for p in re.split(separators, prose) if _WORD.search(p)]
    if _is_fragmented(prose, _SAYING["zh" if chinese else "en"]) and (
        chinese or share < _FEW_FUNCTION_WORDS
    ):
        return True
    if chinese and len(_SPACED.findall(prose)) > _SPACED_SHARE * len(words):
        return True
    if share >= _MIN_FUNCTION["zh" if chinese else "en"]:
        return False
    lengths = sorted(len(_WORD.findall(piece)) for piece in pieces)
    short = lengths[len(lengths) // 2] <= (5 if chinese else 3)
    unbroken = not chinese and len(pieces) <= 2 and len(words) >= 2 * _MIN_UNITS  # noqa: PLR2004
    return (short and len(pieces) >= _MIN_UNITS) or unbroken


def _is_fragmented(prose: str, saying: re.Pattern[str]) -> bool:
    """Say whether most of what stands between the marks is a word or two."""
    sizes = [len(_WORD.findall(piece)) for piece in _PIECE.split(prose) if saying.search(piece)]
    short = sum(size <= _FRAGMENT for size in sizes)
    return len(sizes) >= _MIN_UNITS and short > _FRAGMENTED_SHARE * len(sizes)
