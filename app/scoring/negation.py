"""Negation: whether a clause says a thing or denies it."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from app.scoring.passages import Spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.scoring.passages import Clause, Passages
    from app.scoring.terms import Hit

_BEFORE = re.compile(
    r"(?P<en>\b(?:not|never|no|none|neither|nor|cannot|without|hardly|nothing|incapable"
    r"|unable|fails? to|rather than|instead of|lacks?)\b|n't\b|\bcant\b|\bdont\b|\bdoesnt\b)"
    r"|(?P<zh>并非|而非|绝非|毫无|没有|没法|无法|无需|无须|不用|未必|未能|从不|决不|绝不|毫不"
    r"|不[会能是可需必应该要再具]?"
    r"|没(?!错)|未(?![来知])|无|勿|别(?=用|把)|缺乏|避免|谈不上|代替)"
)
# What looks like a negation and is none.
_HARMLESS = re.compile(
    r"not (?:only|just|merely|simply|solely)|not (?:linearly )?separable|not linear|no matter"
    r"|no doubt|without doubt|(?:nothing|none|no one) (?:but|except|other than|besides)"
    r"|not to mention|whether or not|or not|if not|not the same"
    r"|no longer just|no more than|not so much|no (?:one|single) (?:best|answer)|not unlike"
    r"|not(?: (?:every|all))? equal(?:ly)?|not until|no wonder"
    r"|不仅仅?|不只|不但|不光|不单单?|不管|不论|无论|不同|不一样|不一致|不变|不断|不过|不少|不错|不妨"
    r"|不得不|不可避免|不可或缺|不可分|线性不可分|不平衡|不均|不稳定|不确定|不够|不足|不相等|不对称|不至于"
    r"|不外乎|无非|无监督|无穷|无限|无疑|无关紧要|差不多|没错|无损|不如说|不等|不利|不良|不当|不然|不失"
    r"|不像|是不是|能不能|会不会|有没有|不再(?:只|仅)|不止|不知道|不适合|不友好|不必说|不受限|不规则|不易"
)
_AFTER = re.compile(
    r"^[^.。!?;\n]{0,12}?(?:(?:is|are|was) "
    r"(?:wrong|false|incorrect|untrue|not (?:true|correct|right|the case))"
    r"|是错|是不对|是不正确|不成立"
    r"|(?:这)?(?:是|个)?(?:说法|观点)?(?:并)?(?:不对|不正确|错误)"
    r"|(?:其实|基本|也|是|都)?(?:没有?(?:什么)?用(?![到了过])|没有?(?:什么)?(?:意义|效果)|无用|用处不大)"
    r"|(?:is|are) useless|(?:do|does)(?: not|n't) (?:help|work|matter))"
)
_WHOLE = re.compile(
    r"\b(?:it is|it's|its|that is) (?:not true|false|wrong|untrue|incorrect|not the case)\b"
    r"|\b(?:wrong|false|incorrect|mistake|myth) (?:to say|that)\b|^\W*(?:contrary to|no\W)"
    r"|并不是说|并非说|错误地认为|误以为|误认为|不能说|不是说"
)
# Where the reach of a negation ends: what follows is said again.
_BREAK = re.compile(
    r"就能|就可|便可|即可|也能|也可|才能|而是|\bto\b|\bbut\b|\binstead\b(?! of)|\bso\b"
    r"|\band\b|并且|并(?!不|非)|\("
)
# A clause that gives the reason for a prohibition: "not all zero, or else ...".
_REASON = re.compile(
    r"^\W*(?:\bor\b|otherwise|since|because|as\b|for\b|so that"
    r"|否则|不然|要不然|要不|因为|由于|这样会|这会|那样会|会导致|会|而是|\bbut\b)"
)
# A clause that names what is not done before saying what is.
_CONTRAST = re.compile(r"^\W*(?:\w+ )?(?:instead of|rather than)\b|^\W*与其")
_CJK = re.compile(r"[\u3400-\u9fff]")
_REACH_ZH = 9
_REACH_EN = 5
_REACH = 300  # characters that are not words, such as a formula's, count for nothing


class Cue(NamedTuple):
    """A negating word; offsets into the normalised text."""

    start: int
    end: int
    whole: bool


def cues(passages: Passages) -> tuple[tuple[Cue, ...], ...]:
    """Return the negating words of every clause."""
    return tuple(tuple(_cues(passages.text, clause)) for clause in passages.clauses)


def _cues(text: str, clause: Clause) -> list[Cue]:
    part = text[clause.start : clause.end]
    harmless = Spans(found.span() for found in _HARMLESS.finditer(part))
    found_cues = [
        Cue(clause.start + found.start(), clause.start + found.end(), whole=False)
        for found in _BEFORE.finditer(part)
        if not harmless.around(found.start())
    ]
    whole = [
        Cue(clause.start + found.start(), clause.start + found.end(), whole=True)
        for found in _WHOLE.finditer(part)
    ]
    return whole or found_cues


def asks(passages: Passages, by_clause: Sequence[Sequence[Cue]], position: int) -> bool:
    """Say whether the clause at `position` only asks; "is it not ...?" affirms."""
    number = passages.index(position)
    return passages.clauses[number].question and not by_clause[number]


def denied(
    hits: Sequence[Hit], passages: Passages, by_clause: Sequence[Sequence[Cue]]
) -> int | None:
    """Return the number of the clause that denies what `hits` say together, if one does.

    A negation inside one of the hits belongs to what the author looks for. Two negations of
    the same thing cancel out.
    """
    ordered = sorted(hits)
    numbers = sorted({passages.index(hit.start) for hit in ordered})
    for number in numbers:
        if _denies(number, ordered, passages, by_clause[number]) and not _taken_up(
            passages, number, numbers[-1]
        ):
            return number
    return None


def _denies(
    number: int, ordered: Sequence[Hit], passages: Passages, cues_here: Sequence[Cue]
) -> bool:
    """Say whether clause `number` denies one of the hits in it."""
    clause = passages.clauses[number]
    inside = [hit for hit in ordered if clause.start <= hit.start < clause.end]
    if clause.question:
        return False
    # The cues of a clause are all of one sort.
    whole = bool(cues_here) and cues_here[0].whole
    if clause.condition and not whole:
        return False
    count = _count_whole if whole else _count_reaching
    return any(count(hit, ordered, passages.text, cues_here) % 2 for hit in inside) or bool(
        _AFTER.match(passages.text[inside[-1].end : inside[-1].end + 60])
    )


def _taken_up(passages: Passages, number: int, last: int) -> bool:
    """Say whether a denial only leads up to what is said in the clauses up to `last`."""
    first, *later = passages.clauses[number : last + 1]
    return bool(later) and (
        bool(_CONTRAST.match(passages.text, first.start, first.end))
        or any(_REASON.match(passages.text[c.start : c.end]) for c in later)
    )


def _count_whole(_: Hit, ordered: Sequence[Hit], __: str, cues_here: Sequence[Cue]) -> int:
    taken = {
        place
        for hit in ordered
        for place in range(_first_from(hit.start, cues_here), _first_from(hit.end, cues_here))
    }
    return len(cues_here) - len(taken)


def _count_reaching(hit: Hit, ordered: Sequence[Hit], text: str, cues_here: Sequence[Cue]) -> int:
    """Count backwards from `hit`, since behind a cue that does not reach it, none does."""
    count = 0
    for place in range(_first_from(hit.start, cues_here) - 1, -1, -1):
        cue = cues_here[place]
        if not _reaches(cue, hit, text):
            break
        count += not any(other.start <= cue.start < other.end for other in ordered)
    return count


def _first_from(position: int, cues_here: Sequence[Cue]) -> int:
    return bisect_left(cues_here, position, key=lambda cue: cue.start)


def _reaches(cue: Cue, hit: Hit, text: str) -> bool:
    between = text[cue.end : hit.start]
    if len(between) > _REACH:
        return False
    found = _BREAK.search(between)
    if found:
        return False
    length = len(_CJK.findall(between)) / _REACH_ZH
    length += len(re.findall(r"[a-z0-9']+", between)) / _REACH_EN
    return length < 1
