"""Patterns: groups of synonyms that an answer must hold in one sentence and the next."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import accumulate, chain
from typing import TYPE_CHECKING, NamedTuple

from app.scoring import formulas, negation, subjects, terms
from app.scoring.passages import Spans
from app.scoring.terms import Hit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from app.questions import schema
    from app.scoring.passages import Passages

Group = tuple[str, ...]
# Whoever names the rarest term of a pattern more often is not heard every time.
_MOST_ANCHORS = 200
# The synonyms that can stand over one another right before a place.
_OVERLAPPING = 8


class Found(NamedTuple):
    """A pattern found in an answer.

    `denied` is the number of the clause that negates it, if one does; `close` says that all
    of it stands in one sentence.
    """

    hits: tuple[Hit, ...]
    denied: int | None
    close: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A pattern with the number of the subject that its first group names, if it names one."""

    groups: tuple[Group, ...]
    subject: int | None


class Rivals:
    """The rival subjects of a question: SVM and logistic regression, process and thread.

    An author puts what a pattern is about into its first group. A first group is a subject if
    the title names it, or if it begins patterns of two places (criteria, misconceptions) and
    stands nowhere else. `order` are those that the title names, in its order.
    """

    def __init__(self, patterns: Mapping[str, Sequence[schema.Pattern]], title: str) -> None:
        words = terms.Words(title)
        every = list(chain.from_iterable(patterns.values()))
        later = set(chain.from_iterable(group for p in every for group in p.all_of[1:]))
        firsts: list[tuple[set[str], set[str]]] = []
        for place, here in patterns.items():
            for pattern in here:
                if len(pattern.all_of) > 1:
                    _join(firsts, set(pattern.all_of[0]), place)
        self.groups = [
            group
            for group, places in firsts
            if _first_place(group, words) is not None or (len(places) > 1 and not later & group)
        ]
        in_title = [(_first_place(group, words), n) for n, group in enumerate(self.groups)]
        self.order = tuple(n for place, n in sorted(p for p in in_title if p[0] is not None))

    def number(self, pattern: schema.Pattern) -> int | None:
        """Return the number of the subject of `pattern`, if it has rivals."""
        if len(self.groups) < 2 or len(pattern.all_of) < 2:  # noqa: PLR2004 -- a rival, a rest
            return None
        named = [
            next((n for n, names in enumerate(self.groups) if names.intersection(group)), None)
            for group in pattern.all_of
        ]
        # A pattern that names two subjects speaks of both.
        return named[0] if named[1:] == [None] * (len(named) - 1) else None

    def prepare(self, pattern: schema.Pattern) -> Prepared:
        """Return `pattern` with its subject."""
        return Prepared(tuple(tuple(group) for group in pattern.all_of), self.number(pattern))


@dataclass
class Reading:
    """An answer while it is read: its passages, what they are about, and where terms stand.

    `ignored` are spans that count for nothing, such as an echo of the question.
    """

    passages: Passages
    rivals: Rivals
    ignored: Sequence[tuple[int, int]] = ()
    _hits: dict[str, list[Hit]] = field(default_factory=dict)
    _groups: dict[Group, list[Hit]] = field(default_factory=dict)
    _formulas: list[formulas.Node] | None = None

    def __post_init__(self) -> None:
        self.text = self.passages.text
        self.cues = negation.cues(self.passages)
        self._words = terms.Words(self.text)
        self._nothing = Spans(self.ignored)
        self._named: list[subjects.Mention] = []
        self._reached = [0]  # how far the first n mentions reach
        self._named = self._mentions()
        self._reached += accumulate((mention.end for mention in self._named), max)
        self._alike = frozenset(
            number
            for number, clause in enumerate(self.passages.clauses)
            if any(word in self.text[clause.start : clause.end] for word in ("都", "均", "both"))
        )
        self.scopes = subjects.scopes(self.passages, self._named)

    def _mentions(self) -> list[subjects.Mention]:
        named = sorted(
            subjects.Mention(hit.start, hit.end, number)
            for number, group in enumerate(self.rivals.groups)
            for hit in self.group(tuple(group))
        )
        return subjects.with_references(self.text, named, self.rivals.order)

    def hits(self, spelling: str) -> list[Hit]:
        """Return where a term stands, or a formula if it is written between dollar signs."""
        if spelling not in self._hits:
            found = self._formula(spelling[1:-1]) if is_formula(spelling) else self._term(spelling)
            self._hits[spelling] = [
                hit
                for hit in found
                if not (self._nothing.around(hit.start) or self._is_part_of_name(hit))
            ]
        return self._hits[spelling]

    def _is_part_of_name(self, hit: Hit) -> bool:
        """Say whether a hit is only part of a subject's name, as 支持向量 in 支持向量机 is."""
        before = bisect_left(self._named, hit.start, key=_start)
        upto = bisect_right(self._named, hit.start, key=_start)
        return self._reached[before] >= hit.end or self._reached[upto] > hit.end

    def _term(self, spelling: str) -> list[Hit]:
        return terms.find(terms.term(spelling), self._words)

    def _formula(self, formula: str) -> list[Hit]:
        if self._formulas is None:
            self._formulas = formulas.read(self.text)
        return [Hit(*span) for span in formulas.find(formula, self._formulas)]

    def group(self, group: Group) -> list[Hit]:
        """Return where any term of a group stands, in order."""
        if group not in self._groups:
            possible = (
                spelling
                for spelling, literal, initial in _marks(group)
                if literal in self.text or (initial and initial in self._words.initials)
            )
            found = chain.from_iterable(self.hits(spelling) for spelling in possible)
            self._groups[group] = sorted(set(found))
        return self._groups[group]

    def find(self, pattern: Prepared, *, strict: bool = False) -> Iterator[Found]:
        """Yield where `pattern` stands, affirmed or denied.

        With `strict`, all of it must stand in one clause, and the subject must be the only one
        that the place is about: a misconception is not to be read into a comparison.
        """
        for hits in self._combinations(pattern, strict=strict):
            if not all(negation.asks(self.passages, self.cues, hit.start) for hit in hits):
                denied = negation.denied(hits, self.passages, self.cues)
                yield Found(hits, denied, self._within_sentence(hits))

    def find_formula(self, formula: str) -> Iterator[Found]:
        """Yield where an author's formula stands."""
        return self.find(Prepared(((f"${formula}$",),), None))

    def coverage(self, pattern: Prepared) -> float:
        """Return the share of the groups of `pattern` that stand anywhere in the answer."""
        groups = pattern.groups[pattern.subject is not None :]
        return sum(bool(self.group(group)) for group in groups) / len(groups)

    def _within_sentence(self, hits: Sequence[Hit]) -> bool:
        return len({self.passages.sentence(hit.start) for hit in hits}) == 1

    def _combinations(self, pattern: Prepared, *, strict: bool) -> Iterator[tuple[Hit, ...]]:
        """Yield the tightest choice of one hit for each group around each hit of the rarest.

        The hits are in the order of the groups; a subject that was named before the clause is
        left out.
        """
        found = [self.group(group) for group in pattern.groups]
        named: list[Hit] = []
        if pattern.subject is not None:
            named = found[0]
            found = self._about(pattern.subject, found, strict=strict)
        if not all(found):
            return
        reach = self.passages.index if strict else self.passages.sentence
        for anchor in min(found, key=len)[:_MOST_ANCHORS]:
            chosen = tuple(self._nearest(hits, anchor) for hits in found)
            places = [reach(hit.start) for hit in chosen]
            if max(places) - min(places) <= (not strict):
                yield self._with_subject(named, anchor, chosen)

    def _with_subject(
        self, named: Sequence[Hit], anchor: Hit, chosen: tuple[Hit, ...]
    ) -> tuple[Hit, ...]:
        """Put the subject's nearest name in the clause of `anchor` first, if it has one there."""
        if not named:
            return chosen
        nearest = self._nearest(named, anchor)
        if nearest in chosen or self._distance(anchor, nearest)[0]:
            return chosen
        return (nearest, *chosen)

    def _nearest(self, hits: Sequence[Hit], anchor: Hit) -> Hit:
        """Return the hit nearest to `anchor`; `hits` are in order, so it is a neighbour."""
        place = bisect_left(hits, anchor.start, key=_start)
        near = hits[max(0, place - _OVERLAPPING) : place + 1]
        return min(near, key=partial(self._distance, anchor))

    def _distance(self, anchor: Hit, hit: Hit) -> tuple[int, int]:
        """Return how far apart two hits are: in clauses, then in characters."""
        clauses = abs(self.passages.index(hit.start) - self.passages.index(anchor.start))
        return clauses, max(hit.start - anchor.end, anchor.start - hit.end, 0)

    def _about(self, subject: int, found: list[list[Hit]], *, strict: bool) -> list[list[Hit]]:
        """Keep the hits in places that are about `subject`; named earlier is named enough."""
        named, *rest = found
        kept = [[h for h in hits if self._is_about(subject, h, strict=strict)] for hits in rest]
        if not strict and any(self.scopes.at(hit.start) for hit in chain.from_iterable(kept)):
            return [[h for h in hits if self.scopes.at(h.start)] for hits in kept]
        return [named, *kept]

    def _is_about(self, subject: int, hit: Hit, *, strict: bool) -> bool:
        active = self.scopes.at(hit.start)
        if not strict:
            return not active or subject in active
        alike = self.passages.index(hit.start) in self._alike
        return active == {subject} or (alike and subject in active)


def _start(place: Hit | subjects.Mention) -> int:
    return place.start


def _join(groups: list[tuple[set[str], set[str]]], group: set[str], place: str) -> None:
    """Take in a group seen at `place`, joined with those that share a term with it."""
    akin = [known for known in groups if known[0] & group]
    for known in akin:
        groups.remove(known)
    names = group.union(*(known[0] for known in akin))
    groups.append((names, {place}.union(*(known[1] for known in akin))))


def _first_place(group: Iterable[str], words: terms.Words) -> int | None:
    """Return where a text first names any term of `group`, if it does."""
    hits = chain.from_iterable(
        terms.find(terms.term(spelling), words) for spelling in group if not is_formula(spelling)
    )
    return min((hit.start for hit in hits), default=None)


@lru_cache(maxsize=4096)
def _marks(group: Group) -> tuple[tuple[str, str, str], ...]:
    """Return what tells at a glance that a term is absent, for each term of a group.

    That is its literal, and the first letter of a word that may be misspelt. Formulas have
    neither, so that they are always looked for.
    """
    return tuple(
        (spelling, "", "") if is_formula(spelling) else (spelling, t.literal, t.typo[:1])
        for spelling in group
        for t in (terms.term(spelling),)
    )


def is_formula(spelling: str) -> bool:
    """Say whether an author's term is a formula, written between dollar signs."""
    return len(spelling) > 2 and spelling[0] == spelling[-1] == "$"  # noqa: PLR2004 -- the signs
