"""What a clause is about, so that "threads share, processes do not" is not read crosswise."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.scoring.passages import Passages

Subjects = frozenset[int]
NONE: Subjects = frozenset()

# A name after these words is what something is compared with, or where it happens.
_OBLIQUE_BEFORE = re.compile(
    r"(?:比起?|相比|相比于|相对于?|较之|相较于?|不像|不同于|区别于|类似于?|同一个?|所属的?|所在的?"
    r"|整个|与其他|其他|其它|别的"
    r"|than(?: (?:that|those|in|for|with|of|an?|the|between))*"
    r"|(?:compared|relative|contrary) (?:to|with)|unlike|versus|instead of|rather than|而不是|而非"
    r"|(?:of|within|inside|in) (?:a|an|one|each|its|their|the same|the|that|single)"
    r"|same|its|their|other|another|whole|entire|per|as for with|"
    r"kill(?:s|ed|ing)?(?: the| its)?(?: whole| entire)?|inside|within)(?: (?:a|an|the))?\W*$"
)
_OBLIQUE_AFTER = re.compile(
    r"^\s*(?:内部?|里面?|中(?!的?(?:参数|间))|(?:的)?(?:地址空间)?(?:内|里|中)的"
    r"|那样|一样|相比|'s (?:memory|address|resources))"
)
_CONJOINED = re.compile(
    r"^\s*(?:and|or|vs\.?|versus|&|/|和|与|跟|及|以及|同|或|、|both|,)?\s*(?:the|an?)?\s*$"
)
# Where one subject's part ends and the next begins; without it the second name is an object:
# "a crashing thread kills the process".
_BORDER = re.compile(r"\band\b|而|(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff]\S*$)")


_REFERENCE = re.compile(r"(?P<former>前者|\bthe former\b)|(?P<latter>后者|\bthe latter\b)")


class Mention(NamedTuple):
    """One place where a subject is named."""

    start: int
    end: int
    subject: int


class Scopes(NamedTuple):
    """The subjects that each stretch of the text is about."""

    starts: tuple[int, ...]
    active: tuple[Subjects, ...]

    def at(self, position: int) -> Subjects:
        """Return the subjects of the stretch around `position`; none known, then no subject."""
        place = bisect_right(self.starts, position) - 1
        return self.active[place] if place >= 0 else NONE


def scopes(passages: Passages, mentions: Sequence[Mention]) -> Scopes:
    """Work out what every stretch of the text is about; silence carries the subject on."""
    starts: list[int] = []
    active: list[Subjects] = []
    current = NONE
    for clause in passages.clauses:
        inside = mentions[_first(mentions, clause.start) : _first(mentions, clause.end)]
        direct = [m for m in inside if not _oblique(m, passages.text, clause.start)]
        groups = _groups(direct, passages.text)
        starts.append(clause.start)
        if not groups:
            active.append(current)
            continue
        active.append(groups[0][1])
        for (_, _, end), (start, subjects, _) in pairwise(groups):
            borders = list(_BORDER.finditer(passages.text, end, start))
            if borders:
                starts.append(borders[-1].start())
                active.append(subjects)
        current = active[-1]
    return Scopes(tuple(starts), tuple(active))


def _first(mentions: Sequence[Mention], position: int) -> int:
    return bisect_left(mentions, position, key=lambda mention: mention.start)


_Group = tuple[int, Subjects, int]


def with_references(
    text: str, named: Sequence[Mention], question_order: Sequence[int]
) -> list[Mention]:
    """Add what "the former" and 后者 refer to: the two named last, else those of the question."""
    references = []
    last_two: list[int] = []
    earlier = deque(sorted(named, key=lambda mention: mention.end))
    for found in _REFERENCE.finditer(text):
        while earlier and earlier[0].end <= found.start():
            last_two = _with_last(last_two, earlier.popleft().subject)
        pair = last_two if len(last_two) > 1 else [*question_order, -1, -1]
        subject = pair[0] if found.lastgroup == "former" else pair[1]
        if subject >= 0:
            references.append(Mention(*found.span(), subject))
    return sorted([*named, *references])


def _with_last(last_two: list[int], subject: int) -> list[int]:
    """Return the last two different subjects when `subject` is named after `last_two`."""
    return last_two if subject in last_two[-1:] else [*last_two[-1:], subject]


def _groups(mentions: Sequence[Mention], text: str) -> list[_Group]:
    """Join neighbours as in "SVM and LR"; each group is start, subjects, end."""
    groups: list[_Group] = []
    for mention in mentions:
        if groups and mention.start < groups[-1][2]:
            continue
        subjects = frozenset({mention.subject})
        if groups and _joined(text[groups[-1][2] : mention.start]):
            start, before, _ = groups[-1]
            groups[-1] = (start, before | subjects, mention.end)
        else:
            groups.append((mention.start, subjects, mention.end))
    return groups


def _joined(between: str) -> bool:
    # Runs of spaces could be shared out between the gaps of the pattern in too many ways.
    return bool(_CONJOINED.match(" ".join(between.split())))


def _oblique(mention: Mention, text: str, clause_start: int) -> bool:
    before = text[max(clause_start, mention.start - 40) : mention.start]
    return bool(
        _OBLIQUE_BEFORE.search(before) or _OBLIQUE_AFTER.match(text[mention.end : mention.end + 16])
    )
