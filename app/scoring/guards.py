"""Guards: answers that are empty, echo the question, list keywords or talk to the machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from app.scoring.passages import Passages

Flag = Literal["empty", "echo", "stuffing", "injection"]
Span = tuple[int, int]

# What a flagged answer can be proposed at most, as a share of all points. A mentor decides.
CAP = 0.3
CAPPED: frozenset[Flag] = frozenset({"empty", "echo", "stuffing"})

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?|[\u3400-\u9fff]")
_INJECTION = re.compile(
    r"(?:ignore|disregard|forget|override)\b.{0,30}\b(?:instruction|prompt|rubric|criteria|rule|above)"
    r"|(?:give|award|grant|assign|grade|mark|rate)\b.{0,30}\b(?:full|max(?:imum)?|highest|perfect|top)\b"
    r".{0,12}\b(?:marks?|points?|scores?|credits?|grades?)"
    r"|(?:system|developer) (?:prompt|message)|</?(?:system|assistant|user|instructions?)>"
    r"|(?:^|\n)\s*(?:system|assistant)\s*:"
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
_NO_NOUN = (
    "a an the is are was were be of in on at to for from by with as than that it its they them "
    "which and or but not so because while whereas if then can will have has does do"
)
_DANGLING = "a an the of and or is are its their with by from than"
_FUNCTION = frozenset([*_ENGLISH.split(), *_CHINESE])
_ARTICLES = frozenset({"a", "an", "the"})
_AFTER_NO_ARTICLE = frozenset(_NO_NOUN.split())
_ENDS_NO_SENTENCE = frozenset(_DANGLING.split())
_BEGINS_NO_CLAUSE = re.compile(r"^(?:的(?!确|士|话)|了(?!解)|们|得(?!到|出|分)|地(?![址位方])|着)")
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
    echoes = [span for span in sentences if _echoes(text[slice(*span)], question)]
    if _novelty(text, question) < _NOVELTY:
        flags.append("echo")
    orders = [span for span in sentences if _INJECTION.search(text[slice(*span)])]
    if orders or _INJECTION.search(text):
        flags.append("injection")
    if is_stuffed(passages):
        flags.append("stuffing")
    return Guarded(tuple(flags), (*echoes, *orders))


def shingles(text: str) -> frozenset[str]:
    """Return the runs of four characters of a normalised text, spaces and marks left out."""
    squeezed = re.sub(r"[\W_]+", "", text)
    return frozenset(squeezed[i : i + _GRAM] for i in range(max(1, len(squeezed) - _GRAM + 1)))


def is_stuffed(passages: Passages) -> bool:
    """Tell a pile of keywords, or shuffled words, from sentences however terse."""
    words = _WORD.findall(passages.text)
    if len(words) < _MIN_UNITS:
        return False
    return _is_list(passages.text, words) or _is_shuffled(passages, words)


def _novelty(text: str, question: frozenset[str]) -> float:
    own = shingles(text)
    return len(own - question) / len(own)


def _echoes(sentence: str, question: frozenset[str]) -> bool:
    return len(_WORD.findall(sentence)) >= _MIN_UNITS and (
        _novelty(sentence, question) < _SENTENCE_NOVELTY
    )


def _is_list(text: str, words: list[str]) -> bool:
    """Say whether the text is many short pieces with hardly a function word between them."""
    chinese = sum(not word.isascii() for word in words) > len(words) / 2
    share = sum(word in _FUNCTION for word in words) / len(words)
    if share >= _MIN_FUNCTION["zh" if chinese else "en"]:
        return False
    separators = r"[,、;。.!?\n:/|*+\-]+|\s+" if chinese else r"[,、;。.!?\n|*]+"
    pieces = [p for p in re.split(separators, text) if _WORD.search(p)]
    lengths = sorted(len(_WORD.findall(piece)) for piece in pieces)
    short = lengths[len(lengths) // 2] <= (5 if chinese else 3)
    unbroken = not chinese and len(pieces) <= 2 and len(words) >= 2 * _MIN_UNITS  # noqa: PLR2004
    return (short and len(pieces) >= _MIN_UNITS) or unbroken


def _is_shuffled(passages: Passages, words: list[str]) -> bool:
    """Say whether articles and particles stand where no sentence puts them."""
    articles = [i for i, word in enumerate(words) if word in _ARTICLES]
    wrong = sum(i + 1 == len(words) or words[i + 1] in _AFTER_NO_ARTICLE for i in articles)
    ends = 0
    starts = 0
    for clause in passages.clauses:
        part = passages.text[clause.start : clause.end]
        inside = _WORD.findall(part)
        ends += bool(inside) and inside[-1] in _ENDS_NO_SENTENCE
        starts += bool(_BEGINS_NO_CLAUSE.match(part))
    return (
        (len(articles) >= 3 and wrong / len(articles) > 0.25)  # noqa: PLR2004
        or (starts >= 2 and starts / len(passages.clauses) > 0.15)  # noqa: PLR2004
        or (len(articles) + ends >= 4 and wrong + ends >= 3 and ends >= 2)  # noqa: PLR2004
    )
