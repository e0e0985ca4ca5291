"""Suggestions: what the machine proposes for an answer, why, and how sure it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Literal, NamedTuple, TypedDict

from app.kit.i18n import LOCALES
from app.scoring import guards, similarity
from app.scoring.fluency import Familiar
from app.scoring.normalisation import NormalText, normal, normalise
from app.scoring.passages import cut, whole_sentences
from app.scoring.patterns import Found, Prepared, Reading, Rivals, is_formula

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from app.questions import schema
    from app.scoring.terms import Hit

Span = tuple[int, int]
Confidence = Literal["confident", "suggested", "needs_mentor"]

# Characters of an answer that are read; a mentor reads the rest.
LONGEST = 20_000
_STEP = 0.5
# Contrast from which an answer without a pattern is put before a mentor with half the points.
_ALIKE = 0.42
_NEAR = 0.25


@dataclass(frozen=True, slots=True)
class CriterionSuggestion:
    """What is proposed for one criterion.

    `points` is None where only a mentor can tell. `evidence` are the clauses, `terms` the words
    in them, both as spans of the original answer; for a contradiction they show what denies.
    `mistakes` are names of misconceptions.
    """

    id: str
    points: float | None
    max_points: float
    confidence: Confidence
    evidence: tuple[Span, ...] = ()
    terms: tuple[Span, ...] = ()
    mistakes: tuple[str, ...] = ()
    contradicted: bool = False
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerSuggestion:
    """What is proposed for a whole answer; `flags` are those of the guards."""

    criteria: tuple[CriterionSuggestion, ...]
    flags: tuple[guards.Flag, ...]
    needs_mentor: bool

    @property
    def points(self) -> float:
        """Return the points proposed, undecided criteria counted as none."""
        return sum(criterion.points or 0.0 for criterion in self.criteria)


class CriterionJson(TypedDict):
    """One criterion in the stable JSON."""

    id: str
    points: float
    max: float
    confidence: Confidence
    evidence: list[list[int]]
    mistakes: list[str]


class SuggestionJson(TypedDict):
    """The stable JSON of `yimian score --json`."""

    score: float
    max: float
    criteria: list[CriterionJson]
    needs_mentor: bool


def suggest(question: schema.QuestionBase, answer: str) -> AnswerSuggestion:
    """Propose points for a text answer."""
    return _scorer(_Identity(question)).suggest(answer)


def judge(question: schema.QuestionBase, answer: str) -> tuple[CriterionSuggestion, ...]:
    """Judge every criterion by its evidence alone, without guards: for an author's examples."""
    return _scorer(_Identity(question)).judge(normalise(answer))


def suggest_from_groups(
    question: schema.QuestionBase,
    groups: Mapping[str, tuple[int, int]],
    broken: Collection[str] = (),
) -> AnswerSuggestion:
    """Propose points for a program from its test groups, each (passed, total).

    A criterion earns the share of the cases that passed in its groups (in all of them, if it names
    only rules), rounded down to half points, and nothing if one of its rules is in `broken`.
    Criteria without groups and rules are left to a mentor.
    """
    criteria = tuple(_from_groups(criterion, groups, broken) for criterion in question.rubric)
    return AnswerSuggestion(criteria, (), any(c.points is None for c in criteria))


def to_json(suggestion: AnswerSuggestion) -> SuggestionJson:
    """Return the stable JSON; an undecided criterion counts 0 and needs a mentor."""
    return {
        "score": suggestion.points,
        "max": sum(criterion.max_points for criterion in suggestion.criteria),
        "criteria": [
            {
                "id": criterion.id,
                "points": criterion.points or 0.0,
                "max": criterion.max_points,
                "confidence": criterion.confidence,
                "evidence": [list(span) for span in criterion.evidence],
                "mistakes": list(criterion.mistakes),
            }
            for criterion in suggestion.criteria
        ],
        "needs_mentor": suggestion.needs_mentor,
    }


def _from_groups(
    criterion: schema.Criterion, groups: Mapping[str, tuple[int, int]], broken: Collection[str]
) -> CriterionSuggestion:
    names = criterion.from_groups or (groups if criterion.from_rules else ())
    counted = [groups[name] for name in names if name in groups]
    total = sum(of for _, of in counted)
    if not total:
        return _undecided(criterion)
    kept = not set(criterion.from_rules) & set(broken)
    share = sum(passed for passed, _ in counted) / total if kept else 0.0
    return CriterionSuggestion(
        criterion.id, _down(criterion.points * share), criterion.points, "confident"
    )


def _undecided(criterion: schema.Criterion) -> CriterionSuggestion:
    return CriterionSuggestion(criterion.id, None, criterion.points, "needs_mentor")


def _down(points: float) -> float:
    # The tiny amount keeps 3 * (2/3) at 2 despite binary fractions.
    return math.floor(points / _STEP + 1e-9) * _STEP


# --- One question, prepared -----------------------------------------------------------------


class _Identity:
    """A question as a cache key: compared by identity, since its lists cannot be hashed."""

    def __init__(self, question: schema.QuestionBase) -> None:
        self.question = question

    def __hash__(self) -> int:
        return id(self.question)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.question is self.question


@lru_cache(maxsize=256)
def _scorer(key: _Identity) -> _Scorer:
    return _Scorer(key.question)


class _Match(NamedTuple):
    """A `schema.Match` ready to be looked for."""

    points: float
    patterns: tuple[Prepared, ...]
    formulas: tuple[str, ...]


class _Judged(NamedTuple):
    """The evidence found for one criterion."""

    points: float
    found: tuple[Found, ...]
    denied: tuple[Found, ...]


@dataclass(frozen=True)
class _Judge:
    """One criterion, prepared."""

    criterion: schema.Criterion
    alternatives: tuple[_Match, ...]  # the best one counts
    parts: tuple[_Match, ...]  # all of them count
    mistakes: tuple[tuple[str, tuple[Prepared, ...]], ...]

    def judge(self, reading: Reading, alike: float, original: NormalText) -> CriterionSuggestion:
        """Propose points for this criterion; `alike` is its contrast similarity."""
        mistakes = [(name, found) for name, found in self._mistakes(reading)]
        judged = self._evidence(reading, [found for _, found in mistakes])
        suggestion = self._propose(judged, reading, alike, mistaken=bool(mistakes))
        shown = (
            ([found for _, found in mistakes] if mistakes and not judged.points else ())
            or judged.found
            or judged.denied
        )
        return replace(
            suggestion,
            evidence=_clauses(shown, reading, original),
            terms=_terms(shown, original),
            mistakes=tuple(name for name, _ in mistakes),
        )

    def _mistakes(self, reading: Reading) -> Iterator[tuple[str, Found]]:
        for name, patterns in self.mistakes:
            found = chain.from_iterable(reading.find(p, strict=True) for p in patterns)
            affirmed = next((f for f in found if f.denied is None), None)
            if affirmed:
                yield name, affirmed

    def _evidence(self, reading: Reading, mistakes: Sequence[Found]) -> _Judged:
        denied: list[Found] = []
        whole = [self._best(match, reading, mistakes, denied) for match in self.alternatives]
        parts = [self._best(match, reading, mistakes, denied) for match in self.parts]
        together = sum(points for points, _ in parts)
        best = max(whole, key=lambda pair: pair[0], default=(0.0, None))
        if together > best[0]:
            found = tuple(f for _, f in parts if f)
            return _Judged(min(together, self.criterion.points), found, tuple(denied))
        return _Judged(best[0], (best[1],) if best[1] else (), tuple(denied))

    def _best(
        self, match: _Match, reading: Reading, mistakes: Sequence[Found], denied: list[Found]
    ) -> tuple[float, Found | None]:
        """Return the points of `match` if no mistake spoils it."""
        found = []
        for candidate in _look(match, reading):
            if candidate.denied is not None:
                denied.append(candidate)
            elif not any(_spoils(mistake, candidate, reading) for mistake in mistakes):
                found.append(candidate)
        best = max(found, key=lambda candidate: candidate.close, default=None)
        return (match.points, best) if best else (0.0, None)

    def _propose(
        self, judged: _Judged, reading: Reading, alike: float, *, mistaken: bool
    ) -> CriterionSuggestion:
        criterion = self.criterion
        suggestion = CriterionSuggestion(criterion.id, judged.points, criterion.points, "confident")
        if judged.points:
            sure = all(f.close for f in judged.found) and judged.points == criterion.points
            contradicted = _denied_elsewhere(judged, reading)
            if mistaken or contradicted:
                return replace(suggestion, confidence="needs_mentor", contradicted=contradicted)
            return replace(suggestion, confidence="confident" if sure else "suggested")
        if judged.denied:
            return replace(suggestion, confidence="needs_mentor", contradicted=True)
        if mistaken:
            return replace(suggestion, confidence="suggested")
        if alike >= _ALIKE:
            half = _down(criterion.points / 2)
            return replace(suggestion, points=half, confidence="needs_mentor")
        near = alike >= _NEAR or self._coverage(reading) >= 0.5  # noqa: PLR2004 -- half of it
        return replace(suggestion, confidence="suggested" if near else "confident")

    def _coverage(self, reading: Reading) -> float:
        patterns = chain.from_iterable(m.patterns for m in (*self.alternatives, *self.parts))
        return max((reading.coverage(pattern) for pattern in patterns), default=0.0)


def _spoils(mistake: Found, found: Found, reading: Reading) -> bool:
    """Say whether evidence stands in the clause of a mistake; a bare name is still named."""
    subject = mistake.hits[0]
    named = len(mistake.hits) > 1 and all(
        hit.start < subject.end and subject.start < hit.end for hit in found.hits
    )
    index = reading.passages.index
    clauses = {index(hit.start) for hit in mistake.hits}
    return not named and not clauses.isdisjoint(index(hit.start) for hit in found.hits)


def _denied_elsewhere(judged: _Judged, reading: Reading) -> bool:
    """Say whether an answer denies in one clause what it affirms in another."""
    affirmed = {reading.passages.index(hit.start) for f in judged.found for hit in f.hits}
    return any(found.denied not in affirmed for found in judged.denied)


def _look(match: _Match, reading: Reading) -> Iterator[Found]:
    for formula in match.formulas:
        yield from reading.find_formula(formula)
    for pattern in match.patterns:
        yield from reading.find(pattern)


class _Scorer:
    """A question with everything that can be worked out before an answer is there."""

    def __init__(self, question: schema.QuestionBase) -> None:
        texts = [
            normal(getattr(t, lang)) for t in (question.title, question.prompt) for lang in LOCALES
        ]
        self._shingles = frozenset().union(*(guards.shingles(text) for text in texts))
        self._familiar = Familiar(normal(text) for text in _chinese(question))
        self._question = question
        self._rivals = Rivals(
            {
                place: list(patterns)
                for criterion in question.rubric
                for place, patterns in (
                    (criterion.id, _evidence_patterns(criterion)),
                    (f"{criterion.id}:mistakes", _mistake_patterns(criterion)),
                )
            },
            "\n".join(normal(getattr(question.title, language)) for language in LOCALES),
        )
        self._judges = tuple(
            self._judge(criterion, criterion.evidence) if criterion.evidence else None
            for criterion in question.rubric
        )
        self._vocabulary = tuple(
            term
            for judge in self._judges
            if judge
            for match in (*judge.alternatives, *judge.parts)
            for pattern in match.patterns
            for term in chain.from_iterable(pattern.groups)
        )
        self._contrast = similarity.Contrast(
            [[normal(t) for t in _texts(criterion)] for criterion in question.rubric],
            "\n".join(texts),
        )

    def _judge(self, criterion: schema.Criterion, evidence: schema.Evidence) -> _Judge:
        alternatives = [self._match(evidence, criterion.points)]
        if evidence.partial:
            alternatives.append(self._match(evidence.partial, evidence.partial.points))
        return _Judge(
            criterion,
            tuple(alternatives),
            tuple(self._match(part, part.points) for part in evidence.parts),
            tuple(
                (mistake.name, tuple(self._rivals.prepare(p) for p in mistake.patterns()))
                for mistake in criterion.mistakes
            ),
        )

    def _match(self, match: schema.Match, points: float) -> _Match:
        return _Match(
            points, tuple(self._rivals.prepare(p) for p in match.any_of), tuple(match.formula)
        )

    def suggest(self, answer: str) -> AnswerSuggestion:
        """Propose points for an answer, within what the guards allow."""
        text, too_long = _readable(answer)
        passages = cut(text.text)
        guarded = guards.inspect(passages, self._shingles)
        reading = Reading(passages, self._rivals, guarded.ignored)
        criteria = self._criteria(text, reading)
        flags = (*guarded.flags, *(("too_long",) if too_long else ()))
        if self._is_stuffed(criteria, reading):
            flags = (*flags, "stuffing")
        if flags:
            criteria = _capped(criteria, flags)
        doubtful = any(criterion.confidence == "needs_mentor" for criterion in criteria)
        return AnswerSuggestion(criteria, flags, bool(flags) or doubtful)

    def _is_stuffed(self, criteria: Iterable[CriterionSuggestion], reading: Reading) -> bool:
        """Say whether points worth capping come from something other than sentences."""
        points = sum(criterion.points or 0.0 for criterion in criteria)
        return points > guards.CAP * self._question.points and guards.is_stuffed(
            reading.passages, self._familiar, reading.group(self._vocabulary)
        )

    def judge(self, text: NormalText) -> tuple[CriterionSuggestion, ...]:
        """Judge every criterion of a normalised answer, without guards."""
        return self._criteria(text, Reading(cut(text.text), self._rivals))

    def _criteria(self, text: NormalText, reading: Reading) -> tuple[CriterionSuggestion, ...]:
        ignored = frozenset(reading.ignored)
        sentences = [s for s in reading.passages.statements() if s not in ignored]
        alike = self._contrast.scores([text.text[start:end] for start, end in sentences])
        return tuple(
            judge.judge(reading, float(alike[number]), text) if judge else _undecided(criterion)
            for number, (criterion, judge) in enumerate(
                zip(self._question.rubric, self._judges, strict=True)
            )
        )


def _readable(answer: str) -> tuple[NormalText, bool]:
    """Return as much of an answer as is read, in whole sentences, and whether that is not all."""
    text = normalise(answer[:LONGEST])
    # Some characters have a long normal form.
    if max(len(answer), len(text.text)) <= LONGEST:
        return text, False
    return text.first(whole_sentences(text.text, LONGEST)), True


def _matches(criterion: schema.Criterion) -> Iterator[schema.Match]:
    """Yield every alternative and every part of the evidence of a criterion."""
    if criterion.evidence:
        yield criterion.evidence
        yield from criterion.evidence.parts
        if criterion.evidence.partial:
            yield criterion.evidence.partial


def _evidence_patterns(criterion: schema.Criterion) -> Iterator[schema.Pattern]:
    return chain.from_iterable(match.any_of for match in _matches(criterion))


def _mistake_patterns(criterion: schema.Criterion) -> Iterator[schema.Pattern]:
    return chain.from_iterable(mistake.patterns() for mistake in criterion.mistakes)


def formulas_of(criterion: schema.Criterion) -> Iterator[str]:
    """Yield every formula that an author looks for, alone or as a term between dollar signs."""
    for match in _matches(criterion):
        yield from match.formula
    for pattern in chain(_evidence_patterns(criterion), _mistake_patterns(criterion)):
        for term in chain.from_iterable(pattern.all_of):
            if is_formula(term):
                yield term[1:-1]


def _texts(criterion: schema.Criterion) -> Iterator[str]:
    """Yield the texts of an author that deserve the points of `criterion`."""
    yield from criterion.examples.full
    best = [level.wording for level in criterion.levels if level.points == criterion.points]
    for text in (criterion.title, *best):
        if text:
            yield text.zh
            yield text.en


def _chinese(question: schema.QuestionBase) -> Iterator[str]:
    """Yield what an author writes in Chinese about a question."""
    yield from (
        text.zh for text in (question.title, question.prompt, question.reference_answer) if text
    )
    for criterion in question.rubric:
        yield from criterion.examples.full
        yield from criterion.examples.none
        yield from (level.wording.zh for level in criterion.levels)
        if criterion.title:
            yield criterion.title.zh


def _capped(
    criteria: tuple[CriterionSuggestion, ...], flags: tuple[guards.Flag, ...]
) -> tuple[CriterionSuggestion, ...]:
    """Hand flagged points to a mentor; what is not an answer is proposed a share at most."""
    total = sum(criterion.points or 0.0 for criterion in criteria)
    most = guards.CAP * sum(criterion.max_points for criterion in criteria)
    share = min(1.0, most / total) if total and guards.CAPPED.intersection(flags) else 1.0
    return tuple(
        replace(
            criterion,
            points=None if criterion.points is None else _down(criterion.points * share),
            confidence="needs_mentor" if criterion.points else criterion.confidence,
            flags=flags,
        )
        for criterion in criteria
    )


def _terms(shown: Iterable[Found], original: NormalText) -> tuple[Span, ...]:
    """Return the spans of the words found, in the original answer."""
    hits: set[Hit] = {hit for found in shown for hit in found.hits}
    return tuple(sorted({original.original(*hit) for hit in hits}))


def _clauses(shown: Iterable[Found], reading: Reading, original: NormalText) -> tuple[Span, ...]:
    """Return the spans of the clauses that hold the words found, neighbours joined."""
    passages = reading.passages
    numbers = {
        number
        for found in shown
        for hit in found.hits
        for number in range(passages.index(hit.start), passages.index(hit.end - 1) + 1)
    } | {found.denied for found in shown if found.denied is not None}
    spans: list[Span] = []
    last = -2
    for number in sorted(numbers):
        clause = passages.clauses[number]
        start, end = original.original(clause.start, clause.end)
        joined = number == last + 1 and passages.clauses[last].sentence == clause.sentence
        if joined:
            start, _ = spans.pop()
        spans.append((start, end))
        last = number
    return tuple(spans)
