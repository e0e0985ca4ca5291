"""Propose points for a submission: from test groups for code, from evidence for words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from app.scoring.models import Suggestion
from app.scoring.suggestions import suggest, suggest_from_groups

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy.orm import Session

    from app.answers.models import Submission
    from app.questions.schema import Question
    from app.scoring.suggestions import AnswerSuggestion


def suggest_for_text(session: Session, question: Question, submission: Submission) -> None:
    """Propose points for a text answer; replaces what an earlier submission got."""
    _store(session, submission, suggest(question, submission.text))


def suggest_for_code(
    session: Session,
    question: Question,
    submission: Submission,
    groups: Mapping[str, tuple[int, int]],
    broken: Collection[str] = (),
) -> None:
    """Propose points from (passed, total) of each test group and the rules that are broken.

    The best submission counts: a later attempt to make good code better must not cost points.
    """
    suggestion = suggest_from_groups(question, groups, broken)
    earlier = session.scalars(
        select(Suggestion.points).where(Suggestion.attempt_id == submission.attempt_id)
    )
    if sum(one.points or 0 for one in suggestion.criteria) >= sum(one or 0 for one in earlier):
        _store(session, submission, suggestion)


def _store(session: Session, submission: Submission, suggestion: AnswerSuggestion) -> None:
    session.execute(delete(Suggestion).where(Suggestion.attempt_id == submission.attempt_id))
    for criterion in suggestion.criteria:
        session.add(
            Suggestion(
                attempt_id=submission.attempt_id,
                submission_id=submission.id,
                criterion_id=criterion.id,
                points=criterion.points,
                max_points=criterion.max_points,
                confidence=criterion.confidence,
                evidence=[list(span) for span in criterion.evidence],
                mistakes=list(criterion.mistakes),
                flags=list(criterion.flags),
            )
        )
