"""Derived things of a rubric: the levels that a mentor chooses from, and its faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.kit.i18n import message
from app.questions.schema import Level, Localized
from app.scoring.formulas import FormulaError, parse
from app.scoring.suggestions import formulas_of, judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.kit.i18n import Message
    from app.questions.schema import Criterion, QuestionBase

_NONE = Localized(zh="没有做到", en="Not met")
_HALF = Localized(zh="部分做到", en="Partly met")
_FULL = Localized(zh="完全做到", en="Fully met")


def levels_of(criterion: Criterion) -> list[Level]:
    """Return the author's levels, or none, half and full where the author gave none."""
    if criterion.levels:
        return criterion.levels
    half = (criterion.points // 0.5 // 2) * 0.5
    standard = [Level(points=0, wording=_NONE), Level(points=criterion.points, wording=_FULL)]
    if half:
        standard.insert(1, Level(points=half, wording=_HALF))
    return standard


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a rubric, and with which criterion."""

    criterion: str
    message: Message


def lint_rubric(question: QuestionBase) -> list[Problem]:
    """Return what an author must mend before the rubric of `question` can be trusted.

    Formulas must be readable; levels and points must fit together; criteria must differ; every
    example must earn what its author says, by the evidence alone.
    """
    problems = [*_unreadable_formulas(question), *_misfits(question), *_twins(question)]
    # An unreadable formula would stop the examples from being judged.
    return problems or list(_wrong_examples(question))


def _unreadable_formulas(question: QuestionBase) -> Iterator[Problem]:
    for criterion in question.rubric:
        for formula in formulas_of(criterion):
            try:
                parse(formula)
            except FormulaError:
                yield Problem(
                    criterion.id, message("The formula {formula} cannot be read", formula=formula)
                )


def _misfits(question: QuestionBase) -> Iterator[Problem]:
    for criterion in question.rubric:
        points = [level.points for level in criterion.levels]
        if points and (min(points) != 0 or max(points) != criterion.points):
            yield Problem(
                criterion.id,
                message("The levels must go from 0 to {points} points", points=criterion.points),
            )
        if len(points) != len(set(points)):
            yield Problem(criterion.id, message("Two levels have the same points"))
        yield from _misfit_evidence(criterion)


def _misfit_evidence(criterion: Criterion) -> Iterator[Problem]:
    evidence = criterion.evidence
    if evidence is None:
        return
    parts = sum(part.points for part in evidence.parts)
    if evidence.parts and parts != criterion.points:
        yield Problem(
            criterion.id,
            message(
                "The parts add up to {parts} points, not to {points}",
                parts=parts,
                points=criterion.points,
            ),
        )
    if evidence.partial and evidence.partial.points >= criterion.points:
        yield Problem(
            criterion.id, message("Partial evidence must earn less than the whole criterion")
        )
    if not (evidence.any_of or evidence.formula or evidence.parts):
        yield Problem(criterion.id, message("No evidence earns the points of this criterion"))


def _twins(question: QuestionBase) -> Iterator[Problem]:
    """Find criteria with the id or the evidence of an earlier one."""
    for number, criterion in enumerate(question.rubric):
        for earlier in question.rubric[:number]:
            if earlier.id == criterion.id:
                yield Problem(criterion.id, message("Two criteria have the same id"))
            if criterion.evidence and earlier.evidence == criterion.evidence:
                yield Problem(
                    criterion.id,
                    message("The evidence is the same as that of {other}", other=earlier.id),
                )


def _wrong_examples(question: QuestionBase) -> Iterator[Problem]:
    for place, criterion in enumerate(question.rubric):
        if criterion.evidence is None:
            continue
        expected = [(text, criterion.points) for text in criterion.examples.full]
        expected += [(text, 0.0) for text in criterion.examples.none]
        for text, points in expected:
            earned = judge(question, text)[place].points or 0.0
            if earned != points:
                yield Problem(
                    criterion.id,
                    message(
                        "This example earns {earned} points instead of {points}: {example}",
                        earned=earned,
                        points=points,
                        example=text,
                    ),
                )
